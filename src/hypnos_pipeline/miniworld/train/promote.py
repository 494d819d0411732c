"""Replaces the tracked models by those of a finished build: an explicit step, never part of a run."""

from __future__ import annotations

import shutil
from pathlib import Path

from hypnos_pipeline.errors import MissingModels, ModelError, Problem
from hypnos_pipeline.models.integrity import write_digests
from hypnos_pipeline.storage.replacing import replaced_folder

SHARED = "matting"
"""The folder in which users may keep networks of their own; promotion leaves them there."""
MODELS: tuple[str, ...] = (
    "text_to_image", "clip", "dino", "efficientnet", "inception", "lpips", "judge", SHARED,
)  # fmt: skip
LIMIT_BYTES = 34 * 1000 * 1000


def folder_bytes(folder: Path) -> int:
    """Returns the size of all files below a folder."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def promote(build: Path, promoted: Path, names: tuple[str, ...] = MODELS) -> list[str]:
    """Copies model folders of a build over the tracked ones, each replaced by rename; lists their digests.

    Args:
        build: Folder with the finished model folders (``<miniworld.output>/models``).
        promoted: The tracked folder (``miniworld.promoted``).
        names: Which models; those the build lacks are left as they are.

    Returns:
        The names copied.

    Raises:
        MissingModels: If the build has none of them.
        ModelError: If the result would be larger than 34 MB.
    """
    present = [name for name in names if (build / name).is_dir()]
    if not present:
        what = f"none of {', '.join(names)} is there"
        raise MissingModels([Problem(str(build), what, "run `kedro run --pipelines=miniworld` first")])
    kept = [n for n in MODELS if n not in present and (promoted / n).is_dir()]
    total = sum(folder_bytes(build / n) for n in present) + sum(folder_bytes(promoted / n) for n in kept)
    if total > LIMIT_BYTES:
        raise ModelError(
            f"{promoted}: the models would take {total / 1e6:.1f} MB, at most {LIMIT_BYTES / 1e6:.0f} fit; "
            "choose fewer channels or layers in parameters_miniworld.yml"
        )
    for name in present:
        with replaced_folder(promoted / name) as part:
            if name == SHARED and (promoted / name).is_dir():
                shutil.copytree(promoted / name, part, dirs_exist_ok=True)
            shutil.copytree(build / name, part, dirs_exist_ok=True)
    write_digests(promoted)
    return present
