"""Pictures as text, for pages that hold their pictures themselves."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image


def in_base64(picture: Image.Image, kind: str = "PNG", **options: Any) -> str:
    """Returns a picture's file, a ``PNG`` or ``JPEG`` with Pillow's options, in base64."""
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return base64.b64encode(buffer.getvalue()).decode()
