"""By how much two artefacts differ, in words for a person.

Only called where hashes differ already, so no function here decides whether they do.
"""

from __future__ import annotations

import filecmp
import json
import math
from pathlib import Path
from typing import Any

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


def describe_difference(recorded: Path, reproduced: Path) -> str:
    """Says by how much an artefact differs from the one in the record.

    Args:
        recorded: File or folder as the record has it.
        reproduced: Its counterpart.

    Returns:
        One line without a full stop; for files of an unknown or broken format their sizes.
    """
    if not recorded.exists() or not reproduced.exists():
        absent = "reproduction" if recorded.exists() else "record's copy"
        return f"it is missing in the {absent}"
    if recorded.is_dir() != reproduced.is_dir():
        return "one is a file, the other a folder"
    if recorded.is_dir():
        return _folders(recorded, reproduced)
    sizes = recorded.stat().st_size, reproduced.stat().st_size
    shown = f"{sizes[1]} bytes instead of {sizes[0]}" if sizes[0] != sizes[1] else f"both of {sizes[0]} bytes"
    try:
        return _files(recorded, reproduced) or shown
    except Exception:  # whatever a reader of a broken file throws, its size is known
        return f"one of them cannot be read; {shown}"


def _folders(recorded: Path, reproduced: Path) -> str:
    ours, theirs = _names(recorded), _names(reproduced)
    common = sorted(ours & theirs)
    _, differing, unread = filecmp.cmpfiles(recorded, reproduced, common, shallow=False)
    differing += unread
    parts = []
    if differing:
        first = differing[0]
        difference = describe_difference(recorded / first, reproduced / first)
        parts.append(f"{len(differing)} of {len(common)} files differ; the first, {first}: {difference}")
        images = [name for name in differing if Path(name).suffix.lower() in IMAGES]
        if len(images) > 1:
            largest = max(images, key=lambda name: _largest(recorded / name, reproduced / name))
            difference = describe_difference(recorded / largest, reproduced / largest)
            parts.append(f"most of {len(images)} images, {largest}: {difference}")
    for names, where in ((ours - theirs, "record"), (theirs - ours, "reproduction")):
        if names:
            parts.append(f"{len(names)} only in the {where}, among them {min(names)}")
    return "; ".join(parts) or "the same files"


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _files(recorded: Path, reproduced: Path) -> str | None:
    """Says by how much two files of a known format differ; None if it is not known."""
    suffix = recorded.suffix.lower()
    if suffix in IMAGES:
        return _images(recorded, reproduced)[1]
    if suffix == ".safetensors":
        return _tensors(recorded, reproduced)
    if suffix in (".csv", ".parquet", ".json"):
        return _values(_read_values(recorded), _read_values(reproduced))
    return None


def _largest(recorded: Path, reproduced: Path) -> int:
    """Returns the largest difference of a pixel, 0 where images cannot be compared."""
    try:
        return _images(recorded, reproduced)[0]
    except (OSError, ValueError):
        return 0


def _images(recorded: Path, reproduced: Path) -> tuple[int, str]:
    """Returns the largest absolute difference, 0 for images of other sizes, and says how they differ."""
    import numpy
    from PIL import Image

    with Image.open(recorded) as ours, Image.open(reproduced) as theirs:
        shapes = [f"{image.width} × {image.height} pixels {image.mode}" for image in (ours, theirs)]
        if shapes[0] != shapes[1]:
            return 0, f"{shapes[1]} instead of {shapes[0]}"
        apart = numpy.abs(numpy.asarray(ours, dtype=numpy.int64) - numpy.asarray(theirs, dtype=numpy.int64))
    largest, count = int(apart.max(initial=0)), numpy.count_nonzero(apart)
    if not count:
        return 0, "the same pixels in other bytes"
    return largest, f"pixels by up to {largest} of 255, in {count} of {apart.size} values"


def _tensors(recorded: Path, reproduced: Path) -> str:
    from safetensors import safe_open

    with safe_open(recorded, framework="pt") as ours, safe_open(reproduced, framework="pt") as theirs:
        names, others = set(ours.keys()), set(theirs.keys())
        for missing, where in ((names - others, "record"), (others - names, "reproduction")):
            if missing:
                return f"the tensor {min(missing)} is only in the {where}"
        largest, which, count = -1.0, "", 0
        for name in sorted(names):
            a, b = ours.get_tensor(name), theirs.get_tensor(name)
            if a.shape != b.shape or a.dtype != b.dtype:
                return (
                    f"the tensor {name} is {b.dtype} {tuple(b.shape)} instead of {a.dtype} {tuple(a.shape)}"
                )
            apart = float((a.double() - b.double()).abs().max()) if a.numel() else 0.0
            count += apart != 0.0
            if apart > largest or math.isnan(apart):
                largest, which = apart, name
    if not count:
        return "the same tensors in other bytes"
    return f"numbers by up to {largest:.6g} (in {which}), in {count} of {len(names)} tensors"


def _read_values(path: Path) -> dict[str, Any]:
    """Returns the values of a table or a JSON file by their places in it."""
    from pyarrow import csv, parquet

    suffix = path.suffix.lower()
    if suffix == ".json":
        return _json_values(json.loads(path.read_text(encoding="utf-8")))
    table = csv.read_csv(path) if suffix == ".csv" else parquet.read_table(path)
    rows = enumerate(table.to_pylist(), start=1)
    return {f"row {index}, {column}": value for index, row in rows for column, value in row.items()}


def _json_values(value: Any, place: str = "") -> dict[str, Any]:
    if not value or not isinstance(value, dict | list):
        return {place: value}
    found: dict[str, Any] = {}
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        found |= _json_values(inner, f"{place}.{key}".removeprefix("."))
    return found


def _values(recorded: dict[str, Any], reproduced: dict[str, Any]) -> str:
    for one, other, where in ((recorded, reproduced, "record"), (reproduced, recorded, "reproduction")):
        strangers = [key for key in one if key not in other]
        if strangers:
            return f"{len(strangers)} values only in the {where}, the first: {strangers[0]}"
    differing = [key for key in recorded if not _same(recorded[key], reproduced[key])]
    if not differing:
        return "the same values in other bytes"
    numbers = [key for key in differing if _is_number(recorded[key]) and _is_number(reproduced[key])]
    if not numbers:
        key = differing[0]
        return f"{key} is {reproduced[key]!r} instead of {recorded[key]!r}"
    key = max(numbers, key=lambda name: abs(recorded[name] - reproduced[name]))
    largest = abs(recorded[key] - reproduced[key])
    return (
        f"numbers by up to {largest:.6g} ({key}: {reproduced[key]!r} instead of {recorded[key]!r}), "
        f"{len(differing)} of {len(recorded)} values differ"
    )


def _same(a: Any, b: Any) -> bool:
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
