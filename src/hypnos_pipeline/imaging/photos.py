"""A subject's raw photos and masks: read and checked, with every problem reported at once (method.md §1)."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from hypnos_pipeline.configuration.messages import shown
from hypnos_pipeline.errors import PhotoError, Problem
from hypnos_pipeline.imaging.colour_management import UnsupportedPixels, to_grey_unit, upright_srgb

logger = logging.getLogger(__name__)

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif")
# Photos, but of kinds that Pillow alone does not read: ignoring them in silence would lose photos.
_FOREIGN_SUFFIXES = (".heic", ".heif", ".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".psd", ".jxl")
_STRAY_FILES = ("thumbs.db", "desktop.ini")
_REPLACE = "copy the file again or remove it"
_MASKS = "masks"
FEWEST = 3
"""Photos that a subject needs."""
MORE_PHOTOS = "add photos of the same object (3 to 5 work best)"
_MANY = 12
_SMALLEST_SIDE = 32
_Picture = TypeVar("_Picture")


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

    Hidden and stray files, folders and files of other kinds are ignored.

    Args:
        folder: Holds the photos, any of ``PHOTO_SUFFIXES`` in either case.

    Returns:
        Photos upright in sRGB, in order of their names; their masks.

    Raises:
        PhotoError: Listing everything that is wrong with the folder, each with its fix.
    """
    reader = _Reader(Path(folder))
    files = reader.photo_files()
    # Files that have a problem of their own count: once fixed, they are photos.
    given = len(files) + len(reader.problems)
    photos = {file.stem: photo for file in files if (photo := reader.photo(file)) is not None}
    given -= reader.duplicates(photos, {file.stem: file.name for file in files})
    masks = reader.masks(photos, {file.stem for file in files})
    if given < FEWEST:
        found = f"{given} different photos, fewer than {FEWEST}" if files or reader.problems else "no photos"
        reader.note(reader.folder.name, found, MORE_PHOTOS)
    if reader.problems:
        raise PhotoError(reader.problems)
    if len(photos) > _MANY:
        text = "%s: %d photos, more than %d; the method is made for 3 to 5: keep the best"
        logger.warning(text, folder, len(photos), _MANY)
    return RawPhotos(photos, masks)


class _Reader:
    """Reads a folder's pictures one by one and notes what is wrong with each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []

    def note(self, file: str, what: str, fix: str) -> None:
        self.problems.append(Problem(shown(self.folder), f"{file}: {what}", fix))

    def photo_files(self) -> list[Path]:
        """Lists the photo files by name; two files of one stem and foreign kinds are problems.

        Raises:
            PhotoError: If the folder cannot be looked into.
        """
        try:
            entries = sorted(self.folder.iterdir(), key=lambda path: (path.name.casefold(), path.name))
        except OSError as error:
            missing = isinstance(error, FileNotFoundError | NotADirectoryError)
            what = "no such folder" if missing else f"cannot be looked into ({error.strerror})"
            self.note(self.folder.name, what, "put the photos there")
            raise PhotoError(self.problems) from error
        by_stem: dict[str, Path] = {}
        for file in _ordinary(entries):
            suffix = file.suffix.lower()
            if suffix in _FOREIGN_SUFFIXES:
                self.note(file.name, f"{suffix} is not read", "export it as JPEG or PNG")
            elif suffix not in PHOTO_SUFFIXES:
                logger.warning("%s: no photo by its name (%s); ignored", file, ", ".join(PHOTO_SUFFIXES))
            elif (first := by_stem.setdefault(file.stem.casefold(), file)) is not file:
                self.note(file.name, f"same name as {first.name}", "rename or remove one")
        return list(by_stem.values())

    def read(self, file: Path, convert: Callable[[Image.Image], _Picture], label: str) -> _Picture | None:
        """Opens and converts one picture, or notes why it could not be read and returns None."""
        try:
            if file.stat().st_size:
                return convert(_open(file))
            self.note(label, "zero bytes", _REPLACE)
        except FileNotFoundError:
            self.note(label, "a link to a file that is not there", _REPLACE)
        except UnidentifiedImageError:
            self.note(label, "no known kind of picture", "export it as JPEG or PNG, or remove it")
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            limit = (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
            self.note(label, f"more than {limit} million pixels", "scale it down")
        except UnsupportedPixels as error:
            self.note(label, str(error), "export one still picture of 8 or 16 bits")
        except Exception as error:  # decoders raise SyntaxError, struct.error and more for broken files
            reason = " ".join(str(error).replace(str(file), label).split())[:120] or type(error).__name__
            self.note(label, f"cannot be read ({reason})", _REPLACE)
        return None

    def photo(self, file: Path) -> Image.Image | None:
        """Reads one photo; None, with the problem noted, where it cannot be used."""
        photo = self.read(file, partial(upright_srgb, name=file.name), file.name)
        if photo is not None and min(photo.size) < _SMALLEST_SIDE:
            size = f"only {photo.width}×{photo.height} pixels"
            self.note(file.name, size, "use the photo in its full size")
            return None
        return photo

    def duplicates(self, photos: dict[str, Image.Image], files: dict[str, str]) -> int:
        """Notes photos whose pixels equal an earlier one's; returns how many there are."""
        first: dict[tuple[tuple[int, int], bytes], str] = {}
        count = 0
        for stem, photo in photos.items():
            same = first.setdefault((photo.size, hashlib.sha256(photo.tobytes()).digest()), stem)
            if same != stem:
                self.note(files[stem], f"same pixels as {files[same]}", "remove one of the two")
                count += 1
        return count

    def masks(self, photos: dict[str, Image.Image], stems: set[str]) -> dict[str, np.ndarray]:
        """Reads the photos' masks; one without a photo only warns, because photos get excluded."""
        masks: dict[str, np.ndarray] = {}
        folder = self.folder / _MASKS
        for file in _ordinary(sorted(folder.iterdir()) if folder.is_dir() else []):
            label = f"{_MASKS}/{file.name}"
            if file.suffix.lower() != ".png" or file.stem not in stems:
                logger.warning("%s: no PNG named like a photo; ignored", file)
                continue
            mask, photo = self.read(file, partial(to_grey_unit, name=label), label), photos.get(file.stem)
            if mask is None or photo is None:
                continue
            if problem := size_problem(mask, photo.size) or _content_problem(mask):
                self.note(label, *problem)
            else:
                masks[file.stem] = mask
        return masks


def _ordinary(entries: list[Path]) -> Iterator[Path]:
    """Yields the files that somebody put there on purpose: neither hidden nor a system's own."""
    for file in entries:
        if not (file.name.startswith(".") or file.name.lower() in _STRAY_FILES or file.is_dir()):
            yield file


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


def size_problem(mask: np.ndarray, size: tuple[int, int]) -> tuple[str, str] | None:
    """Returns what is wrong with the size of a mask (H×W) of a photo (width, height) and its fix, or None."""
    if mask.shape[::-1] == size:
        return None
    found = f"{mask.shape[1]}×{mask.shape[0]} for an upright photo of {size[0]}×{size[1]}"
    return found, "draw the mask on the upright photo, in its size"


def _content_problem(mask: np.ndarray) -> tuple[str, str] | None:
    """Returns what is wrong with the values of a mask in [0, 1] and its fix, or None."""
    if mask.max() < 0.5:
        empty = f"empty (brightest value {mask.max() * 255:.0f} of 255)"
        return empty, "paint the object white (255), the rest black"
    if mask.min() >= 0.5:
        return f"full (darkest value {mask.min() * 255:.0f} of 255)", "paint the background black (0)"
    return None
