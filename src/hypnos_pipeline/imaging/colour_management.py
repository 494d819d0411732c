"""Any picture Pillow opens → upright 8-bit sRGB: EXIF, ICC profiles, CMYK, grey, palettes, 16 bits."""

from __future__ import annotations

import io
import logging

import numpy as np
from PIL import Image, ImageCms, ImageOps

logger = logging.getLogger(__name__)

_WHITE = (255, 255, 255)
# Modes a profile's own colour space can describe; others carry no usable profile.
_PROFILE_MODES = {"RGB": ("RGB",), "CMYK": ("CMYK",), "GRAY": ("L",), "Lab": ("LAB",), "LAB": ("LAB",)}


class UnsupportedPixels(ValueError):
    """The pixels have no single meaning as an 8-bit sRGB picture."""


def upright_srgb(image: Image.Image, name: str) -> tuple[Image.Image, np.ndarray | None]:
    """Turns a picture by its EXIF orientation, converts it to 8-bit sRGB and splits transparency off.

    Transparency is laid on white. A profile that cannot be read is ignored with a warning.

    Args:
        image: Any opened picture.
        name: Named in warnings.

    Returns:
        An RGB picture without metadata; and a cut-out's alpha channel, H×W float32 in [0, 1], or None if all
        is opaque.

    Raises:
        UnsupportedPixels: If values are outside 8 or 16 bits (scientific or HDR pictures), or if nothing is
            opaque.
    """
    profile = image.info.get("icc_profile")
    image = _turned(image, name)
    image, alpha = _split_alpha(_eight_bits(image))
    if alpha is not None and alpha.getextrema()[1] == 0:
        raise UnsupportedPixels("wholly transparent")
    colour = _to_srgb(image, profile, name)
    if alpha is not None:
        paper = Image.new("RGB", colour.size, _WHITE)
        paper.paste(colour, mask=alpha)
        colour = paper
    clean = Image.new("RGB", colour.size)
    clean.paste(colour)
    if alpha is None or alpha.getextrema()[0] == 255:
        return clean, None
    return clean, _unit(alpha)


def to_grey_unit(image: Image.Image, name: str = "mask") -> np.ndarray:
    """Reads a mask: its alpha channel where it has a varying one (a cut-out), else its lightness.

    Args:
        image: Any opened picture; turned by EXIF.
        name: Named in warnings.

    Returns:
        H×W float32 in [0, 1]; 16-bit masks keep their precision.
    """
    image = _turned(image, name)
    if image.mode.startswith("I;16"):
        return (np.asarray(image.convert("I"), dtype=np.float32) / np.float32(65535.0)).clip(0.0, 1.0)
    colour, alpha = _split_alpha(_eight_bits(image))
    if alpha is not None and alpha.getextrema()[0] != alpha.getextrema()[1]:
        return _unit(alpha)
    return _unit(colour.convert("L"))


def _unit(grey: Image.Image) -> np.ndarray:
    """Returns an 8-bit grey as H×W float32 in [0, 1]."""
    return np.asarray(grey, dtype=np.float32) / np.float32(255.0)


def _turned(image: Image.Image, name: str) -> Image.Image:
    """Turns a picture by its EXIF orientation; EXIF that cannot be read is ignored with a warning."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # what Pillow raises for broken EXIF depends on the file's format
        logger.warning("%s: its EXIF cannot be read; taken as upright", name)
        return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scales 16-bit and unit-range float greys to 8 bits; Pillow's own ``convert`` would clip them."""
    if not (image.mode.startswith("I") or image.mode == "F"):
        return image
    values = np.asarray(image.convert("F") if image.mode == "F" else image.convert("I"), dtype=np.float64)
    full = 1.0 if image.mode == "F" else 65535.0
    if values.min() < 0 or values.max() > full or not np.isfinite(values).all():
        raise UnsupportedPixels(
            f"values from {values.min():g} to {values.max():g} are not those of an 8 or 16-bit picture"
        )
    return Image.fromarray(np.rint(values / full * 255.0).astype(np.uint8))


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Splits transparency off, of palettes and colour keys too."""
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif image.mode == "PA" or (image.mode == "RGB" and "transparency" in image.info):
        image = image.convert("RGBA")
    elif image.mode == "L" and "transparency" in image.info:
        image = image.convert("LA")
    elif image.mode in ("RGBa", "La"):
        image = image.convert({"RGBa": "RGBA", "La": "LA"}[image.mode])
    if image.mode in ("RGBA", "LA"):
        return image.convert("RGB" if image.mode == "RGBA" else "L"), image.getchannel("A")
    return image, None


def _to_srgb(image: Image.Image, profile: bytes | None, name: str) -> Image.Image:
    """Converts one opaque picture by its profile where that fits its mode, else by Pillow's rules."""
    if image.mode == "1":
        image = image.convert("L")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if image.mode in _PROFILE_MODES.get(source.profile.xcolor_space.strip(), ()):  # pyright: ignore[reportAttributeAccessIssue]
                srgb = ImageCms.createProfile("sRGB")
                intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
                return ImageCms.profileToProfile(image, source, srgb, intent, outputMode="RGB")  # pyright: ignore[reportReturnType]
            logger.warning("%s: its colour profile is for another kind of picture; ignored", name)
        except (ImageCms.PyCMSError, OSError, ValueError):
            logger.warning("%s: its colour profile cannot be read; taken as sRGB", name)
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")  # pyright: ignore[reportReturnType]
    return image.convert("RGB")
