"""The grid laid out like Fig. 5."""

import numpy as np
import pytest

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.reporting.comparison_grid import (
    EMPTY,
    GAP,
    LEFT,
    cell_size,
    comparison_grid,
    grid_columns,
)

PROMPT_SETS = {"varying": 8, "invariant": 3}


def colour(method: int, prompt_set: str, index: int) -> tuple[int, int, int]:
    place = [*PROMPT_SETS, "backgrounds"].index(prompt_set)
    return (40 * method + 20, 60 * place + 30, 20 * index + 10)


def samples(method: int, size: int = 64, backgrounds: int = 0) -> ImageSet:
    rows = [
        {"name": f"{p}/{i:03d}", "prompt_set": p, "index": i, "prompt": f"{p} prompt {i}"}
        for p, count in (PROMPT_SETS | {"backgrounds": backgrounds}).items()
        for i in reversed(range(count))
    ]
    images = {
        row["name"]: np.full((size, size, 3), colour(method, row["prompt_set"], row["index"]), np.uint8)
        for row in rows
    }
    return ImageSet(images, rows)


PHOTOS = ImageSet({f"p{i}": np.full((64, 64, 3), (i, 200, 200), np.uint8) for i in range(4)})


def centre(picture, row: int, column: int, cell: int = 128) -> tuple[int, int, int]:
    """Counts rows from the bottom, since the header's height depends on the prompts."""
    rows_below = -row
    y = picture.height - GAP - cell // 2 - (rows_below - 1) * (cell + GAP)
    return picture.getpixel((LEFT + column * (cell + GAP) + cell // 2, y))


def test_columns_are_the_first_of_each_prompt_set() -> None:
    (columns,) = grid_columns({"A": samples(0)})
    assert [column["name"] for column in columns] == [
        *(f"invariant/{i:03d}" for i in range(2)),
        *(f"varying/{i:03d}" for i in range(6)),
    ]
    assert columns[0]["prompt"] == "invariant prompt 0"


def test_every_image_is_at_its_place() -> None:
    picture = comparison_grid(PHOTOS, {"A": samples(0), "B": samples(1)}, "Chair")
    assert picture.width == LEFT + 8 * (128 + GAP)
    for row, method in ((-1, 1), (-2, 0)):
        for column in range(8):
            prompt_set, index = ("invariant", column) if column < 2 else ("varying", column - 2)
            assert centre(picture, row, column) == colour(method, prompt_set, index)
    assert [centre(picture, -3, column) for column in range(4)] == [(i, 200, 200) for i in range(4)]
    assert centre(picture, -3, 4) == (255, 255, 255)


def test_requested_backgrounds_stand_below_in_a_block_of_their_own() -> None:
    with_, without = (
        comparison_grid(PHOTOS, {"A": samples(0, backgrounds=n), "B": samples(1, backgrounds=n)}, "Chair")
        for n in (7, 0)
    )
    assert with_.width == without.width
    for row, method in ((-1, 1), (-2, 0)):
        assert [centre(with_, row, column) for column in range(6)] == [
            colour(method, "backgrounds", index) for index in range(6)
        ]
    assert with_.crop((0, 0, without.width, without.height)).tobytes() == without.tobytes()


def test_a_missing_image_leaves_its_cell_grey() -> None:
    partial = samples(1)
    del partial.images["varying/000"]
    picture = comparison_grid(PHOTOS, {"A": samples(0), "B": partial}, "Chair")
    assert centre(picture, -1, 2) == EMPTY
    assert centre(picture, -2, 2) == colour(0, "varying", 0)


def test_cells_double_small_images_and_bound_large_ones() -> None:
    none = ImageSet({})
    assert [cell_size(none, {"A": samples(0, size)}) for size in (32, 64, 96, 512)] == [128, 128, 192, 256]


def test_header_grows_with_long_prompts_and_words() -> None:
    short = comparison_grid(PHOTOS, {"A": samples(0)}, "Chair")
    wordy = samples(0)
    wordy.manifest[0]["prompt"] = wordy.manifest[-1]["prompt"] = "a very long " * 9 + "w" * 60
    assert comparison_grid(PHOTOS, {"A": wordy}, "Chair").height > short.height


def test_nothing_to_compare_is_named() -> None:
    with pytest.raises(ValueError, match="Chair: no samples of the prompt sets invariant, varying"):
        comparison_grid(PHOTOS, {"A": ImageSet({})}, "Chair")


def test_pixels_are_deterministic() -> None:
    first, second = (comparison_grid(PHOTOS, {"A": samples(0)}, "Chair").tobytes() for _ in range(2))
    assert first == second
