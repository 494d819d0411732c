"""Contact sheets: a labelled grid of small pictures, so that every stage can be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hypnos_pipeline.imaging.pixels import to_uint8

_GAP = 6
_PAPER = (255, 255, 255)
_INK = (20, 20, 20)
_EMPTY = (236, 236, 236)
_NARROWEST_TITLE = 360  # pixels that a title may take above a grid that is narrower


def contact_sheet(
    rows: Sequence[Sequence[np.ndarray | None]],
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    cell: int = 128,
    title: str = "",
) -> Image.Image:
    """Draws images in a labelled grid.

    Args:
        rows: Images H×W×3 or H×W, uint8 or float in [0, 1], of any size: each is fitted into its cell with
            its proportions kept (small ones enlarged without smoothing). None leaves a cell empty. Rows may
            differ in length.
        row_labels: Written left of the rows; wrapped at spaces and underscores.
        column_labels: Written above the columns.
        cell: Side of a cell in pixels.
        title: Written above all; wrapped at the grid's width.

    Returns:
        An RGB picture.

    Raises:
        ValueError: If there are more labels than rows or columns, or no rows.
    """
    width = max((len(row) for row in rows), default=0)
    if not rows or len(row_labels) > len(rows) or len(column_labels) > max(width, 1):
        raise ValueError(
            f"expected at least one row and no more labels than rows and columns, got {len(rows)} rows "
            f"({len(row_labels)} labels) and {width} columns ({len(column_labels)} labels)"
        )
    font = ImageFont.load_default(size=max(11, min(18, cell // 8)))
    line = round(font.size * 1.25)
    columns_text = [_wrap(text, font, cell) for text in column_labels]
    rows_text = [_wrap(text, font, max(cell, 96)) for text in row_labels]
    left = max((font.getlength(text) for lines in rows_text for text in lines), default=0)
    left = round(left) + 2 * _GAP if left else _GAP
    widest = max(left + width * (cell + _GAP), _NARROWEST_TITLE)
    titles = _wrap(title, font, widest - 2 * _GAP) if title else []
    head = len(titles) * line + _GAP if title else 0
    top = head + max((len(lines) for lines in columns_text), default=0) * line + _GAP
    heights = [max(cell, len(lines) * line) for lines in rows_text] + [cell] * (len(rows) - len(rows_text))
    title_width = max((round(font.getlength(text)) for text in titles), default=0)
    full_width = max(left + width * (cell + _GAP), title_width + 2 * _GAP)
    sheet = Image.new("RGB", (full_width, top + sum(heights) + _GAP * len(heights)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.multiline_text((_GAP, _GAP // 2), "\n".join(titles), _INK, font)
    for column, lines in enumerate(columns_text):
        draw.multiline_text((left + column * (cell + _GAP), head), "\n".join(lines), _INK, font)
    y = top
    for index, (row, height) in enumerate(zip(rows, heights, strict=True)):
        if index < len(rows_text):
            draw.multiline_text((_GAP, y), "\n".join(rows_text[index]), _INK, font)
        for column, image in enumerate(row):
            _place(sheet, image, left + column * (cell + _GAP), y, cell)
        y += height + _GAP
    return sheet


def _place(sheet: Image.Image, image: np.ndarray | None, x: int, y: int, cell: int) -> None:
    """Fits one image into the cell whose upper left corner is (x, y)."""
    if image is None:
        sheet.paste(_EMPTY, (x, y, x + cell, y + cell))
        return
    if image.dtype != np.uint8:
        image = to_uint8(image)
    picture = Image.fromarray(image).convert("RGB")
    scale = cell / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    # Enlarged pixels stay pixels: smoothing would flatter a 64 px picture.
    picture = picture.resize(size, Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS)
    sheet.paste(picture, (x + (cell - size[0]) // 2, y + (cell - size[1]) // 2))


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Breaks a label into lines of at most ``width`` pixels, at spaces and after underscores where it can."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        current = ""
        for piece in paragraph.replace("_", "_\0").replace(" ", " \0").split("\0"):
            if current and font.getlength((current + piece).rstrip()) > width:
                lines.append(current.rstrip())
                current = ""
            current += piece
        lines.append(current.rstrip())
    return lines
