"""Which files of a subject's folder are photos, which are their masks, and what the others are.

Photos go by their file's name without its suffix, in Unicode's composed form (NFC): the same name typed on
two systems may be stored in two forms.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

PHOTO_SUFFIXES = (
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".heif",
)  # fmt: skip
_FOREIGN_SUFFIXES = (".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".psd", ".jxl")
"""Photos of kinds that are not read: ignoring them in silence would lose photos."""
_BESIDE = (".heic", ".heif", *_FOREIGN_SUFFIXES)
"""Kinds that cameras write beside a JPEG of the same name and picture."""
_STRAY_FILES = ("thumbs.db", "desktop.ini")
_MASK_FOLDERS = ("masks", "mask")
_MASK_ENDINGS = ("-masklabel", "_masklabel", "-mask", "_mask", "-matte", "_matte")
"""What people's tools put after the photo's name."""
_LONGEST = 160
"""Bytes of a photo's name: what is made of it is stored under longer ones, and disks know 255."""


@dataclass
class PhotoFiles:
    """The files of one folder.

    Attributes:
        photos: Name to file, sorted by name.
        masks: Name of the photo to file.
        problems: File, what is wrong with it, and the fix.
        warnings: What is ignored, and why.
        elsewhere: Photos in folders within, which are among the problems.
    """

    photos: dict[str, Path] = field(default_factory=dict)
    masks: dict[str, Path] = field(default_factory=dict)
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    elsewhere: int = 0


def photo_name(text: str) -> str:
    """Returns a photo's name as it is compared."""
    return normalize("NFC", text)


def find_photo_files(folder: Path) -> PhotoFiles:
    """Sorts the files of a subject's folder.

    Raises:
        OSError: If the folder cannot be looked into.
    """
    found = PhotoFiles()
    pictures: dict[str, Path] = {}
    beside: list[Path] = []
    for file in _listed(folder):
        suffix = file.suffix.lower()
        if problem := _unstorable(file.name):
            found.problems.append((shown_name(file), *problem))
        elif suffix in _BESIDE:
            beside.append(file)
        elif suffix not in PHOTO_SUFFIXES:
            found.warnings.append(f"{file}: {_ignored(suffix)}; ignored")
        else:
            _enter(pictures, file, found)
    for file in beside:
        _enter_beside(pictures, file, found)
    for file in sorted(pictures.values(), key=_by_name):
        if owner := _photo_of(file, pictures):
            _enter_mask(found, owner, file)
        else:
            found.photos[photo_name(file.stem)] = file
    _look_into_folders(folder, found)
    return found


def shown_name(file: Path) -> str:
    """Returns a file's name, with the bytes that are no text written out."""
    return os.fsencode(file.name).decode("utf-8", "backslashreplace")


def _listed(folder: Path) -> list[Path]:
    """Lists the files that somebody put there on purpose: neither hidden nor a system's own."""
    entries = sorted(folder.iterdir(), key=_by_name)
    return [
        file
        for file in entries
        if not (file.name.startswith(".") or file.name.lower() in _STRAY_FILES or file.is_dir())
    ]


def _by_name(file: Path) -> tuple[str, str]:
    return file.name.casefold(), file.name


def _unstorable(name: str) -> tuple[str, str] | None:
    """Returns why nothing could be stored under a photo's name, and the fix; None for all ordinary ones."""
    if not name.isprintable():
        return "its name holds bytes that are no text, or control characters", "rename it"
    if len(name.encode()) > _LONGEST:
        return f"a name of {len(name.encode())} bytes, more than {_LONGEST}", "rename it"
    return None


def _ignored(suffix: str) -> str:
    if suffix in (".txt", ".caption"):
        return "captions are not used, prompts come from the study's file"
    return "not a photo"


def _key(file: Path) -> str:
    return photo_name(file.stem).casefold()


def _enter(pictures: dict[str, Path], file: Path, found: PhotoFiles) -> None:
    if (first := pictures.setdefault(_key(file), file)) is not file:
        found.problems.append((file.name, f"same name as {first.name}", "rename or remove one"))


def _enter_beside(pictures: dict[str, Path], file: Path, found: PhotoFiles) -> None:
    """Takes what a camera stores beside a JPEG where there is no such JPEG."""
    suffix = file.suffix.lower()
    if (taken := pictures.get(_key(file))) is not None:
        found.warnings.append(f"{file}: {taken.name} is there too, and is used; {suffix} ignored")
    elif suffix in _FOREIGN_SUFFIXES:
        found.problems.append((file.name, f"{suffix} is not read", "export it as JPEG or PNG"))
    else:
        _enter(pictures, file, found)


def _photo_of(file: Path, photos: dict[str, Path], endings: tuple[str, ...] = _MASK_ENDINGS) -> str:
    """Returns the photo whose mask a picture is by its name, as ``0_mask``; empty if it is no mask."""
    key = _key(file)
    for ending in endings:
        if key.endswith(ending) and (photo := photos.get(key.removesuffix(ending))):
            return photo_name(photo.stem)
    return ""


def _enter_mask(found: PhotoFiles, owner: str, file: Path) -> None:
    if (first := found.masks.setdefault(owner, file)) is not file:
        label = f"{file.parent.name}/{file.name}" if file.parent != first.parent else file.name
        found.problems.append((label, f"a second mask beside {first.name}", "remove one"))


def _look_into_folders(folder: Path, found: PhotoFiles) -> None:
    """Takes the masks of folders named so, and names other folders with photos in them."""
    for inner in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if inner.name.lower() in _MASK_FOLDERS:
            _take_masks(inner, found)
        elif count := sum(file.suffix.lower() in PHOTO_SUFFIXES for file in _listed(inner)):
            there = f"{count} photo{'s' * (count != 1)} in the folder '{shown_name(inner)}'"
            if found.photos:
                found.warnings.append(f"{folder}: {there}; ignored")
            else:
                found.elsewhere += count
                found.problems.append((folder.name, there, f"move them into {folder.name} itself"))


def _take_masks(folder: Path, found: PhotoFiles) -> None:
    """Takes ``<photo>.png``, also with an ending; without a photo it only warns: photos get excluded."""
    photos = {_key(file): file for file in found.photos.values()}
    for file in _listed(folder):
        owner = _photo_of(file, photos, ("", *_MASK_ENDINGS))
        if file.suffix.lower() != ".png" or not owner:
            found.warnings.append(f"{file}: no PNG named like a photo; ignored")
        else:
            _enter_mask(found, owner, file)
