"""One picture from its file, whatever its size: formats, checksums, and what memory can hold."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, PngImagePlugin

from hypnos_pipeline.imaging.colour_management import UnsupportedPixels

LARGEST = 89_000_000
"""Pixels beyond which a picture is scaled while it is read: no working square needs more."""
_BYTES = 12
"""That reading takes a pixel: the decoder's four, and copies of them in conversion."""
_TEXT = 1 << 30
"""Bytes of text that a PNG may carry; editors store whole histories in it. Nothing of it is used."""


class TooLarge(ValueError):
    """A picture that this machine's memory does not hold."""


def open_picture(file: Path) -> Image.Image:
    """Opens and decodes a picture; one of more than ``LARGEST`` pixels is scaled down by a whole number.

    Raises:
        UnsupportedPixels: If it holds several pictures.
        TooLarge: If memory does not hold it.
        OSError: If it cannot be read; what decoders raise for broken files is not only this.
    """
    _know_heif()
    with _pillow_without_limits():
        with Image.open(file) as unread:
            if unread.format == "PNG":
                unread.verify()  # its checksums: a damaged one would decode into a damaged photo
        image = Image.open(file)
        # Phones put a second picture (depth, gain map) into a JPEG, which Pillow calls MPO: the first counts.
        one_counts = image.format in ("MPO", "HEIF")
        if (frames := getattr(image, "n_frames", 1)) > 1 and not one_counts:
            raise UnsupportedPixels(f"animated or of several pages ({frames} frames)")
        factor = _factor(image)
        if factor in (2, 4, 8):  # a JPEG is then decoded in that size
            image.draft(image.mode, (image.width // factor, image.height // factor))
        _refuse_too_large(image)
        image.load()
    return _reduced(image)


def _factor(image: Image.Image) -> int:
    """Returns by how much a picture's sides are divided; 1 where it is not too large."""
    return math.ceil(math.sqrt(image.width * image.height / LARGEST))


def _know_heif() -> None:
    from pillow_heif import register_heif_opener  # pyright: ignore[reportUnknownVariableType]

    register_heif_opener()


@contextmanager
def _pillow_without_limits() -> Generator[None]:
    """Lifts Pillow's limits on pixels and text, which guard servers; a photo is the user's own."""
    before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY
    Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY = None, _TEXT, _TEXT
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY = before


def _refuse_too_large(image: Image.Image) -> None:
    import psutil

    pixels = image.width * image.height
    if pixels > LARGEST and _BYTES * pixels > psutil.virtual_memory().available:
        need = f"needs about {_BYTES * pixels / 1e9:,.0f} GB of memory to be read, more than is free"
        raise TooLarge(f"{image.width}×{image.height} pixels: {need}")


def _reduced(image: Image.Image) -> Image.Image:
    """Scales a decoded picture below ``LARGEST`` by averaging, if it is not; its EXIF and profile stay."""
    factor = _factor(image)
    if factor == 1:
        return image
    exif = image.getexif()
    plain = {"1": "L", "P": "RGBA" if "transparency" in image.info else "RGB", "I;16": "I"}
    reduced = image.convert(plain[image.mode]) if image.mode in plain else image
    reduced = reduced.reduce(factor)
    reduced.info = {**image.info, "exif": exif.tobytes()}
    return reduced
