"""Text in pictures: one font, wrapped at a width, the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

BLACK = (20, 20, 20)
WHITE = (255, 255, 255)
FONT_SIZE = 12
LINE = FONT_SIZE + 5
"""Pixels from one line to the next."""
MARGIN = 4
_NOTICE_WIDTH = 520

Ink = tuple[int, int, int]


@cache
def font(size: int = FONT_SIZE) -> ImageFont.FreeTypeFont:
    """Returns the font that comes with matplotlib: the same on every machine, with λ, σ and Δ."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", size)


def write(draw: ImageDraw.ImageDraw, corner: tuple[int, int], lines: Sequence[str], ink: Ink = BLACK) -> None:
    """Writes lines below one another from the upper left corner on."""
    x, y = corner
    for line in lines:
        draw.text((x, y), line, fill=ink, font=font())
        y += LINE


def wrapped(text: str, width: int) -> list[str]:
    """Breaks text at spaces into lines of at most ``width`` pixels; a word too long for a line is cut."""
    letters = font()
    lines: list[str] = []
    for word in text.split():
        candidate = f"{lines[-1]} {word}" if lines else word
        if lines and letters.getlength(candidate) <= width:
            lines[-1] = candidate
        else:
            lines += _cut(word, letters, width)
    return lines


def notice(title: str, text: str) -> Image.Image:
    """Returns a picture of a text that explains why there is nothing to show."""
    from PIL import Image, ImageDraw

    lines = wrapped(text, _NOTICE_WIDTH - 2 * MARGIN)
    sheet = Image.new("RGB", (_NOTICE_WIDTH, 3 * LINE + LINE * len(lines) + 2 * MARGIN), WHITE)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN), title, fill=BLACK, font=font(FONT_SIZE + 3))
    write(draw, (MARGIN, 2 * LINE), lines)
    return sheet


def _cut(word: str, letters: ImageFont.FreeTypeFont, width: int) -> list[str]:
    pieces = [word[0]]
    for character in word[1:]:
        if letters.getlength(pieces[-1] + character) <= width:
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces
