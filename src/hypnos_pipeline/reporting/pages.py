"""Pages from templates, with their pictures in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypnos_pipeline.imaging.encoding import in_base64

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

WIDEST = 1280
"""Pixels of a picture on a page; sheets of a study at 512 px are wider."""
QUALITY = 88
"""JPEG's; pictures on a page are for finding an image, not for judging single pixels."""


def render(template: str, **shown: Any) -> str:
    """Returns a page from a file of ``templates/``; whatever is shown is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(str(__package__)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(shown)


def picture_source(picture: Image.Image) -> str:
    """Returns a picture as the address that holds it, a JPEG at most ``WIDEST`` pixels wide."""
    from PIL import Image

    if picture.width > WIDEST:
        height = max(1, round(picture.height * WIDEST / picture.width))
        picture = picture.resize((WIDEST, height), Image.Resampling.LANCZOS)
    return f"data:image/jpeg;base64,{in_base64(picture.convert('RGB'), 'JPEG', quality=QUALITY)}"


def thumbnail(image: np.ndarray, side: int) -> str:
    """Returns an image, H×W×3 or H×W uint8, as the address that holds it, at most ``side`` pixels a side."""
    from PIL import Image

    picture = Image.fromarray(image).convert("RGB")
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture_source(picture)
