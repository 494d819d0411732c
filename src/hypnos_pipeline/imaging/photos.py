"""A subject's raw photos and masks: read, checked, and every fault told at once (method.md §1)."""

from __future__ import annotations

import hashlib
import logging
import warnings
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click
import numpy as np
from PIL import Image, UnidentifiedImageError

from hypnos_pipeline.imaging.colour_management import UnsupportedPixels, to_grey_unit, upright_srgb

logger = logging.getLogger(__name__)

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif")
# Photos, but of kinds Pillow alone does not read: passing over them in silence would lose photos.
_FOREIGN_SUFFIXES = (".heic", ".heif", ".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".psd", ".jxl")
_STRAY_FILES = ("thumbs.db", "desktop.ini")
_REPLACE = "copy the file again or remove it"
_MASKS = "masks"
FEWEST = 3
"""Photos that a subject needs."""
_MANY = 12
_SMALLEST_SIDE = 32


@dataclass(frozen=True)
class PhotoFault:
    """What is wrong with one file and how to mend it."""

    file: str
    fault: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}: {self.fault}; {self.mend}"


class PhotoError(click.ClickException):
    """The photos cannot be used; the message lists every fault found, not only the first.

    Attributes:
        folder: Where they are.
        faults: One per file, or for the folder.
    """

    def __init__(self, folder: str, faults: list[PhotoFault]) -> None:
        self.folder, self.faults = folder, faults
        lines = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"photos in {folder}: {len(faults)} to mend\n{lines}")


@dataclass(frozen=True)
class RawPhotos:
    """Photos as taken, and the masks given beside them.

    Attributes:
        photos: Stem to an upright 8-bit sRGB picture, sorted by name.
        masks: Stem to a matte of the photo's size, H×W float32 in [0, 1]; photos may lack one.
    """

    photos: dict[str, Image.Image]
    masks: dict[str, np.ndarray] = field(default_factory=dict)


def read_photos(folder: Path) -> RawPhotos:
    """Reads the photos of a folder and the masks in ``masks/<stem>.png``.

    Hidden and stray files, folders and files of other kinds are passed over.

    Args:
        folder: Holds the photos, any of ``PHOTO_SUFFIXES`` in either case.

    Returns:
        Photos upright in sRGB, in order of their names; their masks.

    Raises:
        PhotoError: Listing everything that is wrong with the folder, each with its mend.
    """
    folder = Path(folder)
    faults: list[PhotoFault] = []
    files = _photo_files(folder, faults)
    # Those that have a fault of their own count: once mended, they are photos.
    given = len(files) + len(faults)
    photos = {file.stem: photo for file in files if (photo := _read_photo(file, faults)) is not None}
    duplicates = _find_duplicates(photos, {file.stem: file.name for file in files}, faults)
    masks = _read_masks(folder / _MASKS, photos, {file.stem for file in files}, faults)
    if given - duplicates < FEWEST:
        found = f"{given - duplicates} different photos, fewer than {FEWEST}" if given else "no photos"
        faults.append(PhotoFault(folder.name, found, "add photos of the same object (3 to 5 work best)"))
    if faults:
        raise PhotoError(str(folder), faults)
    if len(photos) > _MANY:
        logger.warning(
            "%s: %d photos, more than %d; the method is made for 3 to 5: keep the best",
            folder,
            len(photos),
            _MANY,
        )
    return RawPhotos(photos, masks)


def _photo_files(folder: Path, faults: list[PhotoFault]) -> list[Path]:
    """Lists the photo files by name; two files of one stem and foreign kinds are faults.

    Raises:
        PhotoError: If the folder cannot be looked into.
    """
    try:
        names = sorted(folder.iterdir(), key=lambda path: (path.name.casefold(), path.name))
    except OSError as problem:
        missing = isinstance(problem, FileNotFoundError | NotADirectoryError)
        fault = "no such folder" if missing else f"cannot be looked into ({problem.strerror})"
        raise PhotoError(str(folder), [PhotoFault(folder.name, fault, "put the photos there")]) from problem
    files: list[Path] = []
    by_stem: dict[str, str] = {}
    for file in names:
        suffix = file.suffix.lower()
        if file.name.startswith(".") or file.name.lower() in _STRAY_FILES or file.is_dir():
            continue
        if suffix in _FOREIGN_SUFFIXES:
            faults.append(PhotoFault(file.name, f"{suffix} is not read", "export it as JPEG or PNG"))
        elif suffix not in PHOTO_SUFFIXES:
            logger.warning("%s: no photo by its name (%s); passed over", file, ", ".join(PHOTO_SUFFIXES))
        elif file.stem.casefold() in by_stem:
            other = by_stem[file.stem.casefold()]
            faults.append(PhotoFault(file.name, f"same name as {other}", "rename or remove one"))
        else:
            by_stem[file.stem.casefold()] = file.name
            files.append(file)
    return files


def _open(file: Path) -> Image.Image:
    """Opens and decodes a picture; too many pixels raise instead of warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file) as unread:
            if unread.format == "PNG":
                unread.verify()  # its checksums: a damaged one would decode into a damaged photo
        image = Image.open(file)
        # Phones put a second picture (depth, gain map) into a JPEG, which Pillow calls MPO: the first counts.
        if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
            raise UnsupportedPixels(f"animated or of several pages ({image.n_frames} frames)")
        image.load()
    return image


def _read_file(file: Path, convert, label: str, faults: list[PhotoFault]):
    """Opens and converts one picture, or notes why it could not be read and returns None."""
    try:
        if file.stat().st_size == 0:
            faults.append(PhotoFault(label, "zero bytes", _REPLACE))
            return None
        return convert(_open(file))
    except FileNotFoundError:
        faults.append(PhotoFault(label, "a link to a file that is not there", _REPLACE))
    except UnidentifiedImageError:
        faults.append(PhotoFault(label, "no known kind of picture", "export it as JPEG or PNG, or remove it"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        faults.append(PhotoFault(label, f"more than {limit} million pixels", "scale it down"))
    except UnsupportedPixels as problem:
        faults.append(PhotoFault(label, str(problem), "export one still picture of 8 or 16 bits"))
    except Exception as problem:  # decoders raise SyntaxError, struct.error and more for broken files
        reason = " ".join(str(problem).replace(str(file), label).split())[:120] or type(problem).__name__
        faults.append(PhotoFault(label, f"cannot be read ({reason})", _REPLACE))
    return None


def _read_photo(file: Path, faults: list[PhotoFault]) -> Image.Image | None:
    """Reads one photo; None with a fault noted where it cannot be used."""
    photo = _read_file(file, partial(upright_srgb, name=file.name), file.name, faults)
    if photo is not None and min(photo.size) < _SMALLEST_SIDE:
        size = f"{photo.width}×{photo.height} pixels"
        faults.append(PhotoFault(file.name, f"only {size}", "use the photo in its full size"))
        return None
    return photo


def _find_duplicates(photos: dict[str, Image.Image], files: dict[str, str], faults: list[PhotoFault]) -> int:
    """Notes photos whose pixels equal an earlier one's; returns how many there are."""
    first: dict[tuple[tuple[int, int], bytes], str] = {}
    count = 0
    for stem, photo in photos.items():
        key = (photo.size, hashlib.sha256(photo.tobytes()).digest())
        if key in first:
            faults.append(
                PhotoFault(files[stem], f"same pixels as {files[first[key]]}", "remove one of the two")
            )
            count += 1
        else:
            first[key] = stem
    return count


def _read_masks(
    folder: Path, photos: dict[str, Image.Image], stems: set[str], faults: list[PhotoFault]
) -> dict[str, np.ndarray]:
    """Reads the photos' masks; one without a photo only warns, because photos get excluded."""
    masks: dict[str, np.ndarray] = {}
    if not folder.is_dir():
        return masks
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or file.name.lower() in _STRAY_FILES or file.is_dir():
            continue
        label = f"{_MASKS}/{file.name}"
        if file.suffix.lower() != ".png" or file.stem not in stems:
            logger.warning("%s: no PNG named like a photo; passed over", file)
            continue
        mask = _read_file(file, partial(to_grey_unit, name=label), label, faults)
        photo = photos.get(file.stem)
        if mask is None or photo is None:
            continue
        problem = _mask_problem(mask, photo)
        if problem:
            faults.append(PhotoFault(label, *problem))
        else:
            masks[file.stem] = mask
    return masks


def _mask_problem(mask: np.ndarray, photo: Image.Image) -> tuple[str, str] | None:
    """Returns (fault, mend) of a mask, or None."""
    height, width = mask.shape
    if (width, height) != photo.size:
        size = f"{width}×{height} for an upright photo of {photo.width}×{photo.height}"
        return size, "draw the mask on the upright photo, in its size"
    if mask.max() < 0.5:
        return (
            f"empty (brightest value {mask.max() * 255:.0f} of 255)",
            "paint the object white (255), the rest black",
        )
    if mask.min() >= 0.5:
        return f"full (darkest value {mask.min() * 255:.0f} of 255)", "paint the background black (0)"
    return None
