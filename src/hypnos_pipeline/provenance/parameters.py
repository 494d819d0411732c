"""Recorded parameters: their leaves, and what the parameter files say now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Absent:
    """Stands for the value of a parameter that is not there."""

    def __str__(self) -> str:
        return "absent"


ABSENT = Absent()


def leaves(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns nested mappings as one, dots between the levels; lists and empty mappings are leaves."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= {f"{key}.{below}": leaf for below, leaf in leaves(value).items()}
        else:
            flat[str(key)] = value
    return flat


def current(root: Path, file: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the keys are in the parameter file now; those that are not there are left out.

    Args:
        root: The project's folder.
        file: Path of the parameter file below it.
        keys: Keys as recorded, dots between levels.
    """
    from dvc.utils.serialize import load_path
    from dvc_objects.fs import localfs

    path = root / file
    content = load_path(str(path), localfs) if path.is_file() else {}
    found = {key: _descend(content, key.split(".")) for key in keys}
    return {key: value for key, value in found.items() if value is not ABSENT}


def _descend(content: Any, steps: list[str]) -> Any:
    for step in steps:
        if not isinstance(content, Mapping) or step not in content:
            return ABSENT
        content = content[step]
    return content


def changes(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Returns the leaves that differ: key → (recorded, now), ``ABSENT`` on the side that lacks it."""
    before, after = leaves(recorded), leaves(now)
    keys = [*before, *(key for key in after if key not in before)]
    pairs = {key: (before.get(key, ABSENT), after.get(key, ABSENT)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
