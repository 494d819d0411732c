"""Pages from templates, with their pictures in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypnos_pipeline.imaging.encoding import in_base64

if TYPE_CHECKING:
    from PIL import Image

WIDEST = 1600
"""Pixels of a picture on a page; sheets of a study at 512 px are wider."""


def render(template: str, **shown: Any) -> str:
    """Returns a page from a file of ``templates/``; whatever is shown is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(shown)


def picture_source(picture: Image.Image, kind: str = "PNG", **options: Any) -> str:
    """Returns a picture as the address that holds it, at most ``WIDEST`` pixels wide.

    Args:
        picture: Of any size.
        kind: ``PNG`` or ``JPEG``.
        options: Of Pillow's writer.
    """
    if picture.width > WIDEST:
        picture = picture.resize((WIDEST, max(1, round(picture.height * WIDEST / picture.width))))
    return f"data:image/{kind.lower()};base64,{in_base64(picture, kind, **options)}"
