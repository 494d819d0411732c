"""The comparison laid out like Fig. 5: photos on top, one row per method, one column per prompt.

Prompts that request a background colour stand in a block of their own below, so that the picture stays as
narrow as the paper's. Figures 9 to 11 and 12 are laid out alike, with other columns and other rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.reporting.captioned import heading, stacked
from hypnos_pipeline.reporting.lettering import BLACK, LINE, WHITE, wrapped, write

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

Blocks = Sequence[Mapping[str, int]]
"""First images of each prompt set that get a column, block by block; sets that a study lacks are skipped."""

COMPARED: Blocks = ({"invariant": 2, "varying": 6, "disentangle": 2}, {"backgrounds": 6})
"""Fig. 5."""
UNCURATED: Blocks = ({"invariant": 10}, {"varying": 10})
"""Figs. 9 to 11: the first seeds in order, none chosen."""
ABLATED: Blocks = ({"invariant": 3, "varying": 3, "disentangle": 2, "backgrounds": 2},)
"""Fig. 12."""

# Fig. 5 writes invariant prompts red, varying yellow (darkened here to be legible), disentangling green;
# requested backgrounds are ours.
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


def grid_columns(samples: Mapping[str, ImageSet], wanted: Blocks = COMPARED) -> list[list[dict[str, Any]]]:
    """Returns each block's columns: the rows of the first images of each prompt set, of the first method.

    Args:
        samples: Method to its images with manifest rows ``name``, ``prompt_set``, ``index``, ``prompt``.
        wanted: Which prompt sets, and how many images of each.
    """
    first = next(iter(samples.values()), ImageSet({}))
    blocks = [
        [
            row
            for prompt_set, count in counts.items()
            for row in sorted(first.rows(prompt_set=prompt_set), key=lambda row: row["index"])[:count]
        ]
        for counts in wanted
    ]
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
    blocks = grid_columns(samples, wanted)
    if not blocks:
        known = ", ".join(name for counts in wanted for name in counts)
        raise ValueError(f"{title}: no samples of the prompt sets {known} to compare")
    cell = cell_size(photos, samples)
    pictures = []
    for number, columns in enumerate(blocks):
        rows = {} if number else {"Photos": [*photos.images.values()][: len(columns)]}
        rows |= {
            label: [images.images.get(column["name"]) for column in columns]
            for label, images in samples.items()
        }
        pictures.append(_block(columns, rows, cell, below=0 if columns is blocks[-1] else LINE))
    return stacked([heading(title, GAP, max(picture.width for picture in pictures)), *pictures])


def _block(
    columns: Sequence[Mapping[str, Any]],
    rows: Mapping[str, Sequence[np.ndarray | None]],
    cell: int,
    below: int,
) -> Image.Image:
    """Draws the prompts right above their columns, then the rows with their labels; ``below`` stays white."""
    from PIL import Image, ImageDraw

    prompts = [wrapped(column["prompt"], cell) for column in columns]
    top, step = max(map(len, prompts)) * LINE + GAP, cell + GAP
    size = (LEFT + len(columns) * step, top + len(rows) * step + below)
    sheet = Image.new("RGB", size, WHITE)
    draw = ImageDraw.Draw(sheet)
    for number, (column, lines) in enumerate(zip(columns, prompts, strict=True)):
        corner = (LEFT + number * step, top - GAP - len(lines) * LINE)
        write(draw, corner, lines, INK[column["prompt_set"]])
    for row, (label, images) in enumerate(rows.items()):
        write(draw, (GAP, top + row * step), wrapped(label, LEFT - 2 * GAP), BLACK)
        for number, image in enumerate(images):
            x, y = LEFT + number * step, top + row * step
            shown = EMPTY if image is None else _enlarged(image, cell)
            sheet.paste(shown, (x, y, x + cell, y + cell))
    return sheet


def _enlarged(image: np.ndarray, cell: int) -> Image.Image:
    """Returns an image of a cell's size; enlarged pixels stay pixels, so that the grid flatters no method."""
    from PIL import Image

    picture = Image.fromarray(image)
    whole = cell % picture.width == 0
    return picture.resize((cell, cell), Image.Resampling.NEAREST if whole else Image.Resampling.LANCZOS)


def cell_size(photos: ImageSet, samples: Mapping[str, ImageSet]) -> int:
    """Returns the side of a cell: twice the images' size, within 128–256 px."""
    sets = [photos, *samples.values()]
    sizes = [image.shape[0] for images in sets for image in images.images.values()]
    return min(LARGEST_CELL, max(SMALLEST_CELL, 2 * max(sizes, default=0)))
