"""Whether a network's folder holds all of its files, whole and as they were published.

Three questions, from the cheapest: are the files there that the loaders read; can they be read (a truncated
weights file is found by its header); and, where ``SHA256SUMS`` lies beside the folder, are they the files it
lists. It has the format of ``sha256sum``, so that ``sha256sum --check SHA256SUMS`` answers the same.
"""

from __future__ import annotations

import json
from pathlib import Path

from hypnos_pipeline.models.preprocessing import CONFIGURATION
from hypnos_pipeline.models.weight_files import PARTS, SUFFIX, UNREAD, single_file, weight_files
from hypnos_pipeline.storage.hashing import file_sha256
from hypnos_pipeline.storage.replacing import replaced_file

DIGESTS = "SHA256SUMS"
LISTED_SUFFIXES = (".safetensors", ".json", ".txt")
RECORDS = ("training.json", "quality.json")
"""They describe a network and are read by nobody."""
HASHED_SUFFIXES = (*LISTED_SUFFIXES, ".onnx")
"""Files that decide what a network computes; model cards, pictures and foreign formats do not."""
PREPROCESSED = ("dino", "clip", "clip_b32")
"""Keys of the networks whose folders also hold the preparation of their images."""
TOKENIZING = ("clip", "clip_b32")
"""Keys of the networks whose folders also hold a tokenizer."""
TOKENIZERS = ({"tokenizer.json"}, {"vocab.json", "merges.txt"})
"""The files of the two ways to keep a tokenizer."""


def files_of(folder: Path) -> dict[str, Path]:
    """Returns the files in a folder and below by their relative names, sorted."""
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    return dict(sorted(files.items()))


def folder_problems(key: str, folder: Path) -> list[str]:
    """Returns one line per missing or altered file of the network with a key below ``models``, naming it."""
    listed, present = _listed(folder), files_of(folder)
    missing = sorted((_needed(key, folder) | listed.keys()) - present.keys())
    if alone := _alone(key, folder, missing):
        return [alone]
    problems = [f"{folder / name} is missing{_instead(folder / name)}" for name in missing]
    for name, file in present.items():
        if name in listed and file_sha256(file) != listed[name]:
            problems.append(f"{file} is not the file that {folder.parent / DIGESTS} lists")
        elif damage := _damage(file):
            problems.append(f"{file} {damage}")
    return problems


def unread_weights(key: str, folder: Path) -> list[str]:
    """Returns the relative names of weights' files in a network's folder that no loader reads.

    They are of other formats or precisions; who changes one of them changes nothing.
    """
    if key == "matting":
        return []
    weights = (SUFFIX, *UNREAD)
    return sorted(name for name in files_of(folder).keys() - _needed(key, folder) if name.endswith(weights))


def is_listed(folder: Path) -> bool:
    """Returns whether the list beside a folder names files of it."""
    return bool(_listed(folder))


def write_digests(models: Path) -> Path:
    """Lists the files that decide what the networks in a folder's folders compute, in its ``SHA256SUMS``."""
    lines = [
        f"{file_sha256(file)}  {name}\n"
        for name, file in files_of(models).items()
        if file.suffix in LISTED_SUFFIXES and file.name not in RECORDS
    ]
    with replaced_file(models / DIGESTS) as file:
        file.write_text("".join(lines), encoding="utf-8")
    return models / DIGESTS


def _listed(folder: Path) -> dict[str, str]:
    """Returns the digests of a folder's files, by relative name; empty where nobody listed them."""
    file = folder.parent / DIGESTS
    if not file.is_file():
        return {}
    lines = [line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    inside = f"{folder.name}/"
    return {
        path.lstrip("*").removeprefix(inside): digest
        for digest, path in lines
        if path.lstrip("*").startswith(inside)
    }


def _needed(key: str, folder: Path) -> set[str]:
    """Returns the relative names of the files that the loaders cannot do without."""
    if key == "matting":  # what is read of it, the backends know
        return set()
    if key != "text_to_image":
        needed = {"config.json", *_weights(folder, "model")}
        needed |= {CONFIGURATION} if key in PREPROCESSED else set()
        return needed | (_tokenizer(folder) if key in TOKENIZING else set())
    parts = {"scheduler": {"scheduler_config.json"}, "tokenizer": _tokenizer(folder / "tokenizer")}
    parts |= {part: {"config.json"} for part in PARTS}
    whole = single_file(folder)
    for part, stem in {} if whole else PARTS.items():
        parts[part] |= {*_weights(folder / part, stem)}
    beside = {"model_index.json", *([whole.name] if whole else [])}
    return beside | {f"{part}/{name}" for part, names in parts.items() for name in names}


def _weights(folder: Path, stem: str) -> tuple[str, ...]:
    """Returns the weights' files that are read, or the name of the one that is missing."""
    found = weight_files(folder, stem)
    return found.names if found else (f"{stem}{SUFFIX}",)


def _alone(key: str, folder: Path, missing: list[str]) -> str:
    """Returns what a text-to-image model in one file lacks; empty if nothing, or if it is no such model."""
    if key != "text_to_image" or "model_index.json" not in missing:
        return ""
    pickled = [file.name for file in sorted(folder.glob("*")) if file.suffix in UNREAD]
    if file := single_file(folder):
        parts = ", ".join(missing)
        return f"{file}: the configuration of the model it derives from belongs beside it, but lacks {parts}"
    return f"{folder / pickled[0]} is a kind of file that no run reads, only {SUFFIX}" if pickled else ""


def _instead(missing: Path) -> str:
    """Returns what lies in place of a missing file of weights; empty if nothing does."""
    if missing.suffix != SUFFIX:
        return ""
    others = sorted(file.name for file in missing.parent.glob("*") if file.suffix in UNREAD)
    return f"; {others[0]} is there, but is a kind of file that no run reads" if others else ""


def _tokenizer(folder: Path) -> set[str]:
    """Returns a tokenizer's files, of the two ways to keep one that which is there."""
    complete = [names for names in TOKENIZERS if all((folder / name).is_file() for name in names)]
    return (complete or list(TOKENIZERS))[0]


def _damage(file: Path) -> str:
    """Returns why a file cannot be read; empty if it can, or if it is of another kind."""
    if file.suffix == ".json":
        try:
            json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            return f"is no JSON ({error})"
    if file.suffix == ".safetensors":
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(file, framework="numpy"):  # compares the header with the file's length
                return ""
        except (OSError, SafetensorError) as error:
            return f"is truncated or no safetensors file ({error})"
    return ""
