"""The working square."""

from __future__ import annotations

import logging

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hypnos_pipeline.imaging.square import Square, cut_matte, cut_photo, find_square


def box_matte(width: int, height: int, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    alpha = np.zeros((height, width), dtype=np.float32)
    alpha[top:bottom, left:right] = 1
    return alpha


@settings(max_examples=40)
@given(st.data())
def test_the_square_is_the_largest_in_frame_and_holds_the_box_where_it_fits(data) -> None:
    width, height = data.draw(st.integers(32, 90)), data.draw(st.integers(32, 90))
    left, top = data.draw(st.integers(0, width - 2)), data.draw(st.integers(0, height - 2))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    square = find_square(width, height, box_matte(width, height, left, top, right, bottom), "matte", "p")
    assert square.side == min(width, height)
    assert 0 <= square.left <= width - square.side
    assert 0 <= square.top <= height - square.side
    if max(right - left, bottom - top) <= square.side:
        assert square.left <= left
        assert right <= square.left + square.side
        assert square.top <= top
        assert bottom <= square.top + square.side


def test_a_box_that_does_not_fit_is_cut_from_the_centre_with_a_warning(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        square = find_square(100, 40, box_matte(100, 40, 0, 10, 60, 30), "matte", "wide")
    assert square == Square(30, 0, 40)
    assert "wide" in caplog.text
    assert "does not fit" in caplog.text


def test_an_empty_matte_is_cut_from_the_centre() -> None:
    assert find_square(100, 40, np.zeros((40, 100)), "matte", "p") == Square(30, 0, 40)


def test_photo_and_matte_are_cut_alike() -> None:
    alpha = box_matte(100, 60, 60, 20, 90, 50)
    photo = Image.fromarray((alpha[..., None] * (255, 10, 20)).astype(np.uint8))
    for crop in ("matte", "centre", "pad"):
        square = find_square(100, 60, alpha, crop, "p")
        picture, matte = cut_photo(photo, square, 32), cut_matte(alpha, square, 32)
        assert picture.shape == (32, 32, 3)
        assert matte.shape == (32, 32)
        # Lanczos overshoots; bytes clip it between the two passes and floats only after them.
        assert np.abs(picture[..., 0].astype(float) - matte).max() < 0.06 * 255


def test_padding_keeps_the_whole_photo_on_its_border_colour() -> None:
    photo = Image.new("RGB", (60, 30), (10, 200, 30))
    square = find_square(60, 30, np.ones((30, 60)), "pad", "p")
    assert square == Square(0, -15, 60)
    assert (cut_photo(photo, square, 30) == (10, 200, 30)).all()
    matte = cut_matte(np.ones((30, 60)), square, 30)
    assert matte[0].max() == 0
    assert matte[15].min() == 255


def test_a_small_photo_is_enlarged() -> None:
    photo = Image.new("RGB", (32, 32), (10, 200, 30))
    assert cut_photo(photo, Square(0, 0, 32), 64).shape == (64, 64, 3)
