"""A subject's raw photos and masks: read and checked, with every problem reported at once (method.md §1)."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from hypnos_pipeline.configuration.messages import shown
from hypnos_pipeline.errors import PhotoError, Problem
from hypnos_pipeline.imaging.colour_management import UnsupportedPixels, to_grey_unit, upright_srgb
from hypnos_pipeline.imaging.opening import TooLarge, open_picture
from hypnos_pipeline.imaging.photo_files import PhotoFiles, find_photo_files, shown_name

_REPLACE = "copy the file again or remove it"
FEWEST = 3
"""Photos that a subject needs."""
MORE_PHOTOS = "add photos of the same object (3 to 5 work best)"
_MANY = 12
_SMALLEST_SIDE = 32
_Picture = TypeVar("_Picture")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PhotoOutline:
    """What is known of photos without their pixels.

    Attributes:
        sizes: Name to width and height, upright, sorted by name.
        masks: Names of the photos that have a mask.
        alphas: Names of the photos that are cut-outs.
    """

    sizes: dict[str, tuple[int, int]]
    masks: frozenset[str] = frozenset()
    alphas: frozenset[str] = frozenset()

    def given_mattes(self, alpha: str) -> frozenset[str]:
        """Returns the photos of which no backend needs to make a matte; see ``RawPhotos.given_mattes``."""
        return self.masks | self.alphas if alpha == "matte" else self.masks


@dataclass(frozen=True)
class RawPhotos:
    """Photos as taken, and what is given of their mattes.

    Attributes:
        photos: Name to an upright 8-bit sRGB picture, sorted by name.
        masks: Name to a matte of the photo's size, H×W float32 in [0, 1]; photos may lack one.
        alphas: Likewise, from the transparency of photos that are cut-outs.
        warnings: What was ignored or is unusual; it has been logged.
    """

    photos: dict[str, Image.Image]
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    alphas: dict[str, np.ndarray] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def outline(self) -> PhotoOutline:
        """What is known of them without their pixels."""
        sizes = {name: photo.size for name, photo in self.photos.items()}
        return PhotoOutline(sizes, frozenset(self.masks), frozenset(self.alphas))

    def given_mattes(self, alpha: str) -> dict[str, np.ndarray]:
        """Returns the mattes that no backend needs to make; a mask wins over transparency.

        Args:
            alpha: ``matte`` or ``ignore``, as ``background_removal.alpha``.
        """
        return (self.alphas if alpha == "matte" else {}) | self.masks


def read_photos(folder: Path) -> RawPhotos:
    """Reads the photos of a folder and their masks, in ``masks/<photo>.png`` or beside them.

    Hidden and system files are ignored, others that are no photos are warned of; see ``photo_files``.

    Args:
        folder: Holds the photos, any of ``PHOTO_SUFFIXES`` in either case.

    Returns:
        Photos upright in sRGB, in order of their names; their masks.

    Raises:
        PhotoError: Listing everything that is wrong with the folder, each with its fix.
    """
    reader = _Reader(Path(folder))
    files = reader.files()
    # Files that have a problem of their own count: once fixed, they are photos.
    given = len(files.photos) + len(reader.problems) + files.elsewhere
    read = {name: reader.photo(name, file) for name, file in files.photos.items()}
    photos = {name: photo for name, photo in read.items() if photo is not None}
    given -= reader.duplicates(photos, files)
    masks = reader.masks(photos, files)
    if given < FEWEST:
        found = f"{given} different photos, fewer than {FEWEST}" if given else "no photos"
        reader.note(reader.folder.name, found, MORE_PHOTOS)
    if reader.problems:
        raise PhotoError(reader.problems)
    warnings = list(files.warnings)
    if len(photos) > _MANY:
        warnings.append(
            f"{folder}: {len(photos)} photos, more than {_MANY}; the method is made for 3 to 5: keep the best"
        )
        _warn_once(warnings[-1])
    return RawPhotos(photos, masks, reader.alphas, tuple(warnings))


def read_pictures(folder: Path) -> dict[str, Image.Image]:
    """Reads a folder of photos that nothing is learned from, however many: upright, in order of their names.

    Raises:
        PhotoError: Listing every photo that cannot be read, each with its fix.
    """
    reader = _Reader(Path(folder))
    read = {name: reader.photo(name, file) for name, file in reader.files().photos.items()}
    if reader.problems:
        raise PhotoError(reader.problems)
    return {name: photo for name, photo in read.items() if photo is not None}


@cache
def _warn_once(text: str) -> None:
    """Logs a warning once in a process: the checks read a folder before the stage does."""
    _log.warning("%s", text)


class _Reader:
    """Reads a folder's pictures one by one and notes what is wrong with each.

    Attributes:
        problems: What is wrong.
        alphas: The transparency of the photos that were read and have one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.alphas: dict[str, np.ndarray] = {}

    def note(self, file: str, what: str, fix: str) -> None:
        self.problems.append(Problem(shown(self.folder), f"{file}: {what}", fix))

    def files(self) -> PhotoFiles:
        """Lists the folder's photos and masks.

        Raises:
            PhotoError: If the folder cannot be looked into.
        """
        try:
            found = find_photo_files(self.folder)
        except OSError as error:
            self.note(self.folder.name, *self._closed(error))
            raise PhotoError(self.problems) from error
        for problem in found.problems:
            self.note(*problem)
        for warning in found.warnings:
            _warn_once(warning)
        return found

    def _closed(self, error: OSError) -> tuple[str, str]:
        """Returns why the folder cannot be looked into, and the fix."""
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            return f"cannot be looked into ({error.strerror})", "put the photos there"
        beside = self.folder.parent
        others = sorted(path.name for path in beside.iterdir() if path.is_dir()) if beside.is_dir() else []
        named = f", or let photos name a folder that is there: {', '.join(others)}" if others else ""
        return "no such folder", f"put the photos there{named}"

    def read(self, file: Path, convert: Callable[[Image.Image], _Picture], label: str) -> _Picture | None:
        """Opens and converts one picture, or notes why it could not be read and returns None."""
        try:
            if file.stat().st_size:
                return convert(open_picture(file))
            self.note(label, "zero bytes", _REPLACE)
        except FileNotFoundError:
            self.note(label, "a link to a file that is not there", _REPLACE)
        except UnidentifiedImageError:
            self.note(label, "no known kind of picture", "export it as JPEG or PNG, or remove it")
        except TooLarge as error:
            self.note(label, str(error), "scale it down")
        except UnsupportedPixels as error:
            self.note(label, str(error), "export one still picture of 8 or 16 bits")
        except Exception as error:  # decoders raise SyntaxError, struct.error and more for broken files
            reason = " ".join(str(error).replace(str(file), label).split())[:120] or type(error).__name__
            self.note(label, f"cannot be read ({reason})", _REPLACE)
        return None

    def photo(self, name: str, file: Path) -> Image.Image | None:
        """Reads one photo; None, with the problem noted, where it cannot be used."""
        convert = partial(upright_srgb, name=file.name)
        photo, alpha = self.read(file, convert, shown_name(file)) or (None, None)
        if photo is not None and min(photo.size) < _SMALLEST_SIDE:
            size = f"only {photo.width}×{photo.height} pixels"
            self.note(file.name, size, "use the photo in its full size")
            return None
        if alpha is not None:
            self.alphas[name] = alpha
        return photo

    def duplicates(self, photos: dict[str, Image.Image], files: PhotoFiles) -> int:
        """Notes photos whose pixels equal an earlier one's; returns how many there are."""
        first: dict[tuple[tuple[int, int], bytes], str] = {}
        count = 0
        for name, photo in photos.items():
            same = first.setdefault((photo.size, hashlib.sha256(photo.tobytes()).digest()), name)
            if same != name:
                equal = f"same pixels as {files.photos[same].name}"
                self.note(files.photos[name].name, equal, "remove one of the two")
                count += 1
        return count

    def masks(self, photos: dict[str, Image.Image], files: PhotoFiles) -> dict[str, np.ndarray]:
        """Reads the photos' masks."""
        masks: dict[str, np.ndarray] = {}
        for name, file in files.masks.items():
            label = str(file.relative_to(self.folder))
            mask, photo = self.read(file, partial(to_grey_unit, name=label), label), photos.get(name)
            if mask is None or photo is None:
                continue
            if problem := size_problem(mask, photo.size) or _content_problem(mask):
                self.note(label, *problem)
            else:
                masks[name] = mask
        return masks


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
