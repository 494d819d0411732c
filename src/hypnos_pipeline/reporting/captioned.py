"""Pictures with a caption each, in titled sections; and pictures below one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypnos_pipeline.reporting.lettering import (
    BLACK,
    FONT_SIZE,
    LINE,
    MARGIN,
    WHITE,
    font,
    wrapped,
    write,
)

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

CELL, GAP, ACROSS = 168, 12, 6


@dataclass(frozen=True)
class CaptionedSection:
    """A title, text below it, and images (H×W×3 uint8) with their captions."""

    title: str
    text: str = ""
    images: Sequence[tuple[np.ndarray, str]] = ()


def captioned_sheet(title: str, sections: Sequence[CaptionedSection]) -> Image.Image:
    """Draws sections below one another, six images in a row, each caption below its image.

    Returns:
        An RGB picture; images fill squares of 168 px, small ones enlarged without smoothing.
    """
    width = ACROSS * (CELL + GAP) + GAP
    return stacked([heading(title, GAP, width), *(_section(section, width) for section in sections)])


def heading(text: str, left: int, width: int) -> Image.Image:
    """Returns a picture's first line in larger letters, ``left`` pixels from the edge."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (width, 2 * LINE), WHITE)
    ImageDraw.Draw(picture).text((left, MARGIN), text, fill=BLACK, font=font(FONT_SIZE + 3))
    return picture


def stacked(pictures: Sequence[Image.Image]) -> Image.Image:
    """Returns pictures below one another, flush left on white."""
    from PIL import Image

    width = max(picture.width for picture in pictures)
    sheet = Image.new("RGB", (width, sum(picture.height for picture in pictures)), WHITE)
    top = 0
    for picture in pictures:
        sheet.paste(picture, (0, top))
        top += picture.height
    return sheet


def fitted(image: np.ndarray, side: int) -> Image.Image:
    """Returns an image in a square; enlarged pixels stay pixels, so that nothing is flattered."""
    from PIL import Image

    picture = Image.fromarray(image).convert("RGB")
    enlarged = side >= max(picture.size)
    return picture.resize((side, side), Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS)


def _section(section: CaptionedSection, width: int) -> Image.Image:
    from PIL import Image, ImageDraw

    text = wrapped(section.text, width - 2 * GAP)
    captions = [wrapped(caption, CELL) for _, caption in section.images]
    rows = [range(start, min(start + ACROSS, len(captions))) for start in range(0, len(captions), ACROSS)]
    heights = [CELL + MARGIN + LINE * max(len(captions[n]) for n in row) + GAP for row in rows]
    top = LINE + LINE // 4 + LINE * len(text) + MARGIN
    sheet = Image.new("RGB", (width, top + sum(heights) + GAP), WHITE)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, 0), section.title, fill=BLACK, font=font(FONT_SIZE + 1))
    write(draw, (GAP, LINE + LINE // 4), text)
    for row, height in zip(rows, heights, strict=True):
        for place, number in enumerate(row):
            corner = (GAP + place * (CELL + GAP), top)
            sheet.paste(fitted(section.images[number][0], CELL), corner)
            write(draw, (corner[0], top + CELL + MARGIN), captions[number])
        top += height
    return sheet
