"""Contact sheets: any images, gaps, and long titles, which are wrapped instead of widening the sheet."""

from __future__ import annotations

import numpy as np
import pytest

from hypnos_pipeline.imaging.sheets import contact_sheet

ROW = [[np.zeros((8, 8, 3), np.uint8)] * 4]


def test_a_long_title_is_wrapped_at_the_grids_width():
    plain = contact_sheet(ROW, cell=128)
    short = contact_sheet(ROW, cell=128, title="a photo")
    long = contact_sheet(ROW, cell=128, title="a photo of sks robot on a beach, " * 12)
    assert plain.width == short.width == long.width
    assert plain.height < short.height < long.height
    # The pictures stand below the title, whole.
    assert not np.asarray(long)[-6 - 128 : -6, 10:100].any()


def test_a_title_may_be_wider_than_a_narrow_grid():
    narrow = contact_sheet([[None]], cell=96, title="a title that is wider than one small cell")
    assert 96 < narrow.width < 400


def test_a_sheet_takes_any_images_and_leaves_gaps() -> None:
    rows = [
        [np.zeros((8, 8, 3), np.uint8), None, np.ones((20, 10), np.float32)],
        [np.full((300, 200, 3), 90, np.uint8)],
    ]
    sheet = contact_sheet(rows, ["first row with a long label", "b"], ["a", "b", "c"], cell=64, title="T")
    assert sheet.mode == "RGB"
    pixels = np.asarray(sheet)
    assert (pixels == 0).all(axis=-1).sum() >= 64 * 64
    with pytest.raises(ValueError, match="no more labels than rows"):
        contact_sheet(rows, ["a", "b", "c"])
    with pytest.raises(ValueError, match="at least one row"):
        contact_sheet([])
