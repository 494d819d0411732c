"""The record of a study: what ``dvc.lock`` says that each stage ran, read and wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypnos_pipeline.errors import RecordError
from hypnos_pipeline.provenance.parameters import leaves

LOCK = "dvc.lock"


@dataclass(frozen=True)
class Recorded:
    """A file or folder as it was when its stage ran; stages of different runs may know different versions.

    Two of the same path and md5 are equal.

    Attributes:
        path: Relative to the project's folder, with forward slashes.
        md5: DVC's; a folder's ends in ``.dir``.
        size: In bytes, all files of a folder together.
        nfiles: Number of files in a folder, None for a file.
    """

    path: str
    md5: str
    size: int | None = field(default=None, compare=False)
    nfiles: int | None = field(default=None, compare=False)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.md5.endswith(".dir")


@dataclass(frozen=True)
class StageRecord:
    """One stage as it ran.

    Attributes:
        name: DVC's, ``<pipeline>[_<family>]@<subject>[-<method>][-<training>]``.
        cmd: The command line.
        deps: By path.
        params: Parameter file → key, dots between levels → value.
        outs: By path.
    """

    name: str
    cmd: str
    deps: dict[str, Recorded] = field(default_factory=dict)
    params: dict[str, dict[str, Any]] = field(default_factory=dict)
    outs: dict[str, Recorded] = field(default_factory=dict)

    def leaves(self) -> dict[str, Any]:
        """Returns the leaves of all its parameters, dots between levels."""
        return {key: value for keys in self.params.values() for key, value in leaves(keys).items()}


@dataclass(frozen=True)
class Record:
    """All stages in the order of ``dvc.lock``, by name."""

    stages: dict[str, StageRecord]

    def producers(self, path: str) -> list[StageRecord]:
        """Returns the stages that wrote ``path``, something below it, or a folder that it lies in."""
        return [stage for stage in self.stages.values() if any(overlap(out, path) for out in stage.outs)]

    def writers(self, path: str) -> list[StageRecord]:
        """Returns the stages that wrote exactly ``path``."""
        return [stage for stage in self.stages.values() if path in stage.outs]


def overlap(a: str, b: str) -> bool:
    """Whether two paths are the same or one lies below the other."""
    a, b = f"{a.rstrip('/')}/", f"{b.rstrip('/')}/"
    return a.startswith(b) or b.startswith(a)


def read_record(root: Path) -> Record:
    """Returns what ``dvc.lock`` of the project in ``root`` says.

    Raises:
        FileNotFoundError: If there is no ``dvc.lock``.
        RecordError: If it is not one that DVC 3 wrote.
    """
    return parse_record((root / LOCK).read_text(encoding="utf-8"))


def parse_record(text: str) -> Record:
    """Returns what the text of a ``dvc.lock`` says.

    Raises:
        RecordError: If it is not one that DVC 3 wrote.
    """
    # DVC's own reader: YAML 1.2, where 1e-05 is a number; PyYAML would take it for a text.
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml

    try:
        lock = parse_yaml(text, LOCK)
    except YAMLFileCorruptedError as error:
        raise RecordError(f"{LOCK} is no YAML; `git diff {LOCK}` shows what was changed") from error
    if not isinstance(lock, dict) or not isinstance(lock.get("stages") or {}, dict):
        raise RecordError(f"{LOCK} holds no stages")
    stages = lock.get("stages") or {}
    return Record({name: _stage(name, entry) for name, entry in stages.items()})


def read_json(path: Path | None) -> Any:
    """Returns what a JSON file holds; None if it is missing or cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path else None
    except (OSError, ValueError):
        return None


def read_report(path: Path | None) -> dict[str, Any]:
    """Returns what a stage reports in a JSON file; nothing if the file is missing or holds no object."""
    content = read_json(path)
    return content if isinstance(content, dict) else {}


def _stage(name: str, entry: Mapping[str, Any]) -> StageRecord:
    try:
        return StageRecord(
            name=name,
            cmd=entry["cmd"],
            deps=_artefacts(entry, "deps"),
            params={file: dict(keys) for file, keys in (entry.get("params") or {}).items()},
            outs=_artefacts(entry, "outs"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"{LOCK}: stage {name} is not as DVC 3 writes it ({error!r})") from error


def _artefacts(entry: Mapping[str, Any], kind: str) -> dict[str, Recorded]:
    return {
        item["path"]: Recorded(item["path"], item["md5"], item.get("size"), item.get("nfiles"))
        for item in entry.get(kind) or []
    }
