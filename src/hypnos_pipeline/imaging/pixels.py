"""The two forms of an image, uint8 and float in [0, 1], and what is done to either: resizing, digests."""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image


def to_unit(image: np.ndarray) -> np.ndarray:
    """Returns a uint8 image as float32 in [0, 1]."""
    return image.astype(np.float32) / np.float32(255.0)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Returns a float image as uint8: clipped to [0, 1], rounded to the nearest of 256 levels."""
    return np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)


def pixel_sha256(image: np.ndarray) -> str:
    """Returns the SHA-256 of an image's shape and raw bytes, so that it is the pixels' and not the file's."""
    digest = hashlib.sha256(repr((image.shape, image.dtype.str)).encode())
    digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()


def resize_plane(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resizes one plane, H×W float in [0, 1], with Lanczos to height×width float32.

    It is clipped to [0, 1], because Lanczos overshoots at edges.
    """
    resized = Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.LANCZOS)
    return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)


def resize_image(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resizes an H×W×3 uint8 image with Lanczos to height×width×3 uint8."""
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))
