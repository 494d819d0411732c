"""A few weights that every network of its kind has, looked for in the files' headers alone.

That a file belongs to another network altogether, or that its names were changed, shows here in milliseconds,
without torch; every weight is compared when the network is loaded (:mod:`.loaded_weights`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hypnos_pipeline.models.weight_files import PARTS, SUFFIX, single_file, stored_tensors, weight_files

LANDMARKS = {
    "unet": ("", ("conv_in.weight", "time_embedding.linear_1.weight", "conv_out.weight")),
    "vae": ("", ("encoder.", "decoder.")),
    "text_encoder": ("text_model.", ("embeddings.token_embedding.weight", "final_layer_norm.weight")),
    "dino": ("vit.", ("embeddings.cls_token", "layernorm.weight")),
    "clip": ("", ("logit_scale", "text_projection.weight", "visual_projection.weight")),
    "clip_b32": ("", ("logit_scale", "text_projection.weight", "visual_projection.weight")),
    "single file": ("", ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.")),
}
"""Part, or key below ``models``, to a prefix that may stand before names, and what some name begins with."""


def landmark_problems(key: str, folder: Path) -> list[str]:
    """Returns one line per file of weights that lacks what every network with a key below ``models`` has.

    Files that cannot be read are left to :mod:`.integrity`.
    """
    if key != "text_to_image":
        found = {key: _files(folder, "model")}
    elif file := single_file(folder):
        found = {"single file": [file]}
    else:
        found = {part: _files(folder / part, stem) for part, stem in PARTS.items()}
    return [line for kind, files in found.items() if kind in LANDMARKS for line in _lacking(kind, files)]


def _files(folder: Path, stem: str) -> list[Path]:
    found = weight_files(folder, stem)
    return [folder / name for name in found.names if name.endswith(SUFFIX)] if found else []


def _lacking(kind: str, files: list[Path]) -> Iterator[str]:
    prefix, landmarks = LANDMARKS[kind]
    try:
        names = sorted(stored_tensors(files))
    except (OSError, ValueError):
        return
    lacking = [each for each in landmarks if not _has(each, names, prefix)]
    if files and lacking:
        place = files[0] if len(files) == 1 else files[0].parent
        has = f"its first is {names[0]}" if names else "it has none"
        yield f"{place}: no weight {lacking[0]}, which every {kind} has; {has}"


def _has(landmark: str, names: list[str], prefix: str) -> bool:
    return any(name.removeprefix(prefix).startswith(landmark) for name in names)
