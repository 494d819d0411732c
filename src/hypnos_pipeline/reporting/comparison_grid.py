"""The comparison laid out like Fig. 5: photos on top, one row per method, one column per prompt.

Prompts that ask for a background colour stand in a block of their own below, so that the picture stays as
narrow as the paper's. Figures 9 to 11 and 12 are laid out alike, with other columns and other rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.reporting.lettering import BLACK, FONT_SIZE, LINE, WHITE, font, wrapped, write

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image, ImageDraw

Blocks = Sequence[Mapping[str, int]]
"""First images of each prompt set that get a column, block by block; sets that a study lacks are skipped."""

COMPARED: Blocks = ({"invariant": 2, "varying": 6, "disentangle": 2}, {"backgrounds": 6})
"""Fig. 5."""
UNCURATED: Blocks = ({"invariant": 10}, {"varying": 10})
"""Figs. 9 to 11: the first seeds in order, none chosen."""
ABLATED: Blocks = ({"invariant": 3, "varying": 3, "disentangle": 2, "backgrounds": 2},)
"""Fig. 12."""

# Fig. 5 writes invariant prompts red, varying yellow (darkened here to be legible), disentangling green;
# asked backgrounds are ours.
INK = {
    "invariant": (178, 24, 24),
    "varying": (138, 98, 0),
    "disentangle": (22, 112, 46),
    "backgrounds": (30, 74, 160),
}
EMPTY = (238, 238, 238)
GAP = 4
LEFT = 132
SMALLEST_CELL = 128
LARGEST_CELL = 256


@dataclass(frozen=True)
class Column:
    """One column: an image name within every method's samples, and the prompt that made it."""

    name: str
    prompt_set: str
    prompt: str


@dataclass(frozen=True)
class Layout:
    """Where things lie, in pixels.

    Attributes:
        cell: Side of an image's square.
        top: Where the first row begins, below what stands above it.
    """

    cell: int
    top: int

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Returns the upper left corner of a cell; row 0 is the block's first."""
        step = self.cell + GAP
        return LEFT + column * step, self.top + row * step


def grid_columns(samples: Mapping[str, ImageSet], wanted: Blocks = COMPARED) -> list[list[Column]]:
    """Returns each block's columns: the first images of each prompt set, with the first method's prompts.

    Args:
        samples: Method to its images with manifest rows ``name``, ``prompt_set``, ``index``, ``prompt``.
        wanted: Which prompt sets, and how many images of each.
    """
    first = next(iter(samples.values()), ImageSet({}))
    blocks = []
    for counts in wanted:
        columns = []
        for prompt_set, count in counts.items():
            rows = sorted(first.rows(prompt_set=prompt_set), key=lambda row: row["index"])[:count]
            columns += [Column(row["name"], prompt_set, row["prompt"]) for row in rows]
        blocks.append(columns)
    return [columns for columns in blocks if columns]


def comparison_grid(
    photos: ImageSet, samples: Mapping[str, ImageSet], title: str, wanted: Blocks = COMPARED
) -> Image.Image:
    """Draws photos and every method's images of the same prompts and the same initial noise.

    Args:
        photos: Working photos, S×S×3; as many as the first block has columns are shown.
        samples: Printed method label to its images, S×S×3 uint8, in printed order. An image that a method
            lacks leaves its cell grey.
        title: First line of the picture, e.g. the subject.
        wanted: Which prompt sets, and how many images of each.

    Returns:
        An RGB picture. Each image fills a square of 128–256 px (64 px images are doubled).

    Raises:
        ValueError: If there are no samples of the wanted prompt sets.
    """
    from PIL import Image, ImageDraw

    blocks = grid_columns(samples, wanted)
    if not blocks:
        known = ", ".join(name for counts in wanted for name in counts)
        raise ValueError(f"{title}: no samples of the prompt sets {known} to compare")
    cell = cell_size(photos, samples)
    layouts, bottom, width = [], 2 * LINE, 0
    for number, columns in enumerate(blocks):
        header = max(len(wrapped(column.prompt, cell)) for column in columns) * LINE
        layouts.append(Layout(cell, bottom + header + GAP))
        right, bottom = layouts[-1].corner(len(samples) + (number == 0), len(columns))
        width, bottom = max(width, right), bottom + (LINE if number + 1 < len(blocks) else 0)
    sheet = Image.new("RGB", (width, bottom), WHITE)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, GAP), title, fill=BLACK, font=font(FONT_SIZE + 3))
    for number, (layout, columns) in enumerate(zip(layouts, blocks, strict=True)):
        of_photos = {"Photos": [*photos.images.values()][: len(columns)]} if number == 0 else {}
        of_methods = {
            label: [images.images.get(column.name) for column in columns] for label, images in samples.items()
        }
        _draw_block(sheet, draw, layout, columns, of_photos | of_methods)
    return sheet


def _draw_block(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    layout: Layout,
    columns: Sequence[Column],
    rows: Mapping[str, Sequence[np.ndarray | None]],
) -> None:
    """Draws the prompts right above their columns, then the rows."""
    for number, column in enumerate(columns):
        lines = wrapped(column.prompt, layout.cell)
        left, top = layout.corner(0, number)
        write(draw, (left, top - GAP - len(lines) * LINE), lines, INK[column.prompt_set])
    for row, (label, images) in enumerate(rows.items()):
        _draw_row(sheet, draw, layout, row, label, images)


def cell_size(photos: ImageSet, samples: Mapping[str, ImageSet]) -> int:
    """Returns the side of a cell: twice the images' size, within 128–256 px."""
    sets = [photos, *samples.values()]
    sizes = [image.shape[0] for images in sets for image in images.images.values()]
    return min(LARGEST_CELL, max(SMALLEST_CELL, 2 * max(sizes, default=0)))


def _draw_row(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    layout: Layout,
    row: int,
    label: str,
    images: Sequence[np.ndarray | None],
) -> None:
    from PIL import Image

    left, top = layout.corner(row, 0)
    write(draw, (GAP, top), wrapped(label, left - 2 * GAP), BLACK)
    for column, image in enumerate(images):
        corner = layout.corner(row, column)
        if image is None:
            draw.rectangle((*corner, corner[0] + layout.cell - 1, corner[1] + layout.cell - 1), fill=EMPTY)
            continue
        picture = Image.fromarray(image)
        # Enlarged pixels stay pixels, so that the grid flatters no method.
        whole = layout.cell % picture.width == 0
        method = Image.Resampling.NEAREST if whole else Image.Resampling.LANCZOS
        sheet.paste(picture.resize((layout.cell, layout.cell), method), corner)
