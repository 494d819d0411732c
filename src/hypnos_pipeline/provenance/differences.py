"""By how much two artefacts differ, in words for a person.

Only called where hashes differ already, so no function here decides whether they do.
"""

from __future__ import annotations

import csv
import filecmp
import json
import math
from collections.abc import Callable, Iterator
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
    describe = _by_suffix(recorded.suffix.lower())
    if describe is not None:
        try:
            return describe(recorded, reproduced)
        except Exception:  # whatever a reader of a broken file throws, its size is known
            return f"one of them cannot be read; {_sizes(recorded, reproduced)}"
    return _sizes(recorded, reproduced)


def _by_suffix(suffix: str) -> Callable[[Path, Path], str] | None:
    if suffix in IMAGES:
        return _images
    return {
        ".safetensors": _tensors,
        ".csv": lambda a, b: _values(dict(_csv_values(a)), dict(_csv_values(b))),
        ".json": lambda a, b: _values(dict(_json_values(_read_json(a))), dict(_json_values(_read_json(b)))),
        ".parquet": lambda a, b: _values(dict(_parquet_values(a)), dict(_parquet_values(b))),
    }.get(suffix)


def _sizes(recorded: Path, reproduced: Path) -> str:
    sizes = recorded.stat().st_size, reproduced.stat().st_size
    return f"{sizes[1]} bytes instead of {sizes[0]}" if sizes[0] != sizes[1] else f"both of {sizes[0]} bytes"


def _folders(recorded: Path, reproduced: Path) -> str:
    ours, theirs = _files(recorded), _files(reproduced)
    common = sorted(ours & theirs)
    differing = [
        name for name in common if not filecmp.cmp(recorded / name, reproduced / name, shallow=False)
    ]
    parts = []
    if differing:
        first = differing[0]
        difference = describe_difference(recorded / first, reproduced / first)
        parts.append(f"{len(differing)} of {len(common)} files differ; the first, {first}: {difference}")
        images = [name for name in differing if Path(name).suffix.lower() in IMAGES]
        if len(images) > 1:
            largest = max(images, key=lambda name: _largest_or_zero(recorded / name, reproduced / name))
            difference = describe_difference(recorded / largest, reproduced / largest)
            parts.append(f"most of {len(images)} images, {largest}: {difference}")
    for names, where in ((ours - theirs, "record"), (theirs - ours, "reproduction")):
        if names:
            parts.append(f"{len(names)} only in the {where}, among them {min(names)}")
    return "; ".join(parts) or "the same files"


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _largest_or_zero(recorded: Path, reproduced: Path) -> int:
    try:
        return _pixel_difference(recorded, reproduced)[0]
    except (OSError, ValueError):
        return 0


def _images(recorded: Path, reproduced: Path) -> str:
    try:
        largest, count, total = _pixel_difference(recorded, reproduced)
    except _OtherShape as error:
        return str(error)
    if not count:
        return "the same pixels in other bytes"
    return f"pixels by up to {largest} of 255, in {count} of {total} values"


class _OtherShape(ValueError):
    """Two images cannot be laid over each other."""


def _pixel_difference(recorded: Path, reproduced: Path) -> tuple[int, int, int]:
    """Returns the largest absolute difference, how many values differ, and of how many."""
    import numpy
    from PIL import Image

    with Image.open(recorded) as ours, Image.open(reproduced) as theirs:
        if (ours.size, ours.mode) != (theirs.size, theirs.mode):
            raise _OtherShape(f"{_shape(theirs)} instead of {_shape(ours)}")
        apart = numpy.abs(numpy.asarray(ours, dtype=numpy.int64) - numpy.asarray(theirs, dtype=numpy.int64))
    return int(apart.max(initial=0)), int(numpy.count_nonzero(apart)), int(apart.size)


def _shape(image: Any) -> str:
    return f"{image.width} × {image.height} pixels {image.mode}"


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


def _csv_values(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        for index, row in enumerate(csv.DictReader(file), start=1):
            for column, text in row.items():
                yield f"row {index}, {column}", _number_or_text(text)


def _number_or_text(text: str | None) -> Any:
    try:
        return float(text or "")
    except (ValueError, TypeError):
        return text


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _json_values(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in entries:
            yield from _json_values(inner, f"{prefix}.{key}" if prefix else str(key))
        if not value:
            yield prefix, value
    else:
        yield prefix, value


def _parquet_values(path: Path) -> Iterator[tuple[str, Any]]:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    for column in table.column_names:
        for index, value in enumerate(table[column].to_pylist(), start=1):
            yield f"row {index}, {column}", value


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
