"""Compositing on soft mattes, negatives and masks, against the method's formulas."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hypnos_pipeline.imaging import compositing
from hypnos_pipeline.imaging.pixels import pixel_sha256, resize_plane, to_uint8, to_unit

UNIT = st.floats(0, 1, width=32)
IMAGE = hnp.arrays(np.float64, (5, 4, 3), elements=UNIT)
MATTE = hnp.arrays(np.float64, (5, 4), elements=UNIT)


def drawn(test):
    """Draws a foreground, its matte and a background for a test."""
    return settings(max_examples=25)(given(foreground=IMAGE, alpha=MATTE, background=IMAGE)(test))


@drawn
def test_composite_is_exact_on_soft_mattes(foreground, alpha, background) -> None:
    result = compositing.composite(foreground, alpha, background)
    for index in np.ndindex(5, 4, 3):
        a = alpha[index[:2]]
        assert result[index] == a * foreground[index] + (1 - a) * background[index]


@drawn
def test_negative_of_a_composite_is_the_composite_of_the_negative(foreground, alpha, background) -> None:
    image = compositing.composite(foreground, alpha, background)
    expected = compositing.composite(1 - foreground, alpha, background)
    np.testing.assert_allclose(compositing.negative(image, foreground, alpha), expected, atol=1e-12)


@drawn
def test_masking_over_the_original_recovers_its_background(foreground, alpha, background) -> None:
    image = compositing.composite(foreground, alpha, background)
    grey = np.full(3, 0.5)
    result = compositing.composite(grey, alpha, compositing.recovered_background(image, foreground, alpha))
    np.testing.assert_allclose(result, compositing.composite(grey, alpha, background), atol=1e-5)


@pytest.mark.parametrize(
    ("function", "image", "foreground", "alpha", "others", "expected"),
    [
        (compositing.negative, 0.3, 0.75, 0.5, [], 0.05),
        (compositing.negative, 0.1, 1.0, 1.0, [], 0.0),
        (compositing.negative, 0.9, 0.0, 1.0, [], 1.0),
        (compositing.replaced, 0.5, 0.2, 0.5, [0.4], 0.6),
        (compositing.replaced, 0.1, 1.0, 1.0, [0.0], 0.0),
        (compositing.replaced, 0.9, 0.0, 1.0, [1.0], 1.0),
        (compositing.recovered_background, 0.5, 0.9, 0.5, [], 0.1),
        (compositing.recovered_background, 0.1, 0.9, 0.5, [], 0.0),
        (compositing.recovered_background, 0.9, 0.1, 0.5, [], 1.0),
        (compositing.recovered_background, 0.5, 0.9, 1 - 5e-7, [], 0.5),  # nothing of it is seen
        (compositing.recovered_background, 0.9 - 1.4e-6, 0.9, 1 - 2e-6, [], 0.2),
    ],
)
def test_values_by_hand(function, image, foreground, alpha, others, expected) -> None:
    pictures = np.full((2, 2, 3), image), np.full((2, 2, 3), foreground), np.full((2, 2), alpha)
    result = function(*pictures, *(np.full((2, 2, 3), other) for other in others))
    np.testing.assert_allclose(result, np.full((2, 2, 3), expected), atol=1e-9)


@pytest.mark.parametrize(
    ("colour", "seen", "expected"),
    [
        ((0.2, 0.3, 0.5), 1, (0.85, 0.75, 0.55)),  # dark: lighter
        ((0.6, 0.6, 0.6), 1, (0.25, 0.25, 0.25)),  # light: darker
        ((0.6, 0.6, 0.6), 0, (0.95, 0.95, 0.95)),  # nothing is seen of it
        ((1.0, 0.0, 0.0), 1, (0.0, 0.65, 0.65)),
        ((0.0, 0.9, 0.0), 1, (1.0, 0.35, 1.0)),
    ],
)
def test_opposed_colours_by_hand(colour, seen, expected) -> None:
    foreground, alpha = np.full((2, 2, 3), 0.05), np.zeros((2, 2))
    foreground[0], alpha[0] = colour, seen  # the matte covers the upper half alone
    np.testing.assert_allclose(compositing.opposed(foreground, alpha)[0, 1], expected)


def test_the_box_holds_what_exceeds_the_threshold() -> None:
    alpha = np.zeros((6, 8))
    alpha[0, 0] = alpha[5, 7] = 1 / 512
    assert compositing.matte_box(alpha) is None
    alpha[1, 6], alpha[4, 2] = 1.0, 1.5 / 512
    assert compositing.matte_box(alpha) == (2, 1, 7, 5)
    assert compositing.matte_box(alpha, 0.5) == (6, 1, 7, 2)


def test_a_mid_grey_object_is_its_own_negative_and_others_are_not() -> None:
    alpha = np.ones((4, 4))
    assert compositing.is_own_negative(np.full((4, 4, 3), 0.5), alpha)
    assert compositing.is_own_negative(np.full((4, 4, 3), 0.45), alpha)
    assert not compositing.is_own_negative(np.full((4, 4, 3), (0.9, 0.1, 0.5)), alpha)
    assert not compositing.is_own_negative(np.full((4, 4, 3), 0.5), np.zeros((4, 4)))
    assert compositing.is_own_negative(np.full((4, 4, 3), 0.43), alpha)
    assert not compositing.is_own_negative(np.full((4, 4, 3), 0.42), alpha)
    alpha[:2], half = 0, np.full((4, 4, 3), 0.5)
    half[:2] = 0.9
    assert compositing.is_own_negative(half, alpha)
    alpha[:2] = 1
    assert not compositing.is_own_negative(half, alpha)


@settings(max_examples=25)
@given(colour=st.tuples(UNIT, UNIT, UNIT))
def test_opposed_colours_have_the_opposite_hue_and_another_lightness(colour) -> None:
    foreground = np.full((2, 2, 3), 0.5) + (np.array(colour) - 0.5) * 0.14
    opposed = compositing.opposed(foreground, np.ones((2, 2)))
    hue, lightness, _ = colorsys.rgb_to_hls(*foreground[0, 0])
    turned, shifted, _ = colorsys.rgb_to_hls(*opposed[0, 0])
    assert abs(abs(shifted - lightness) - compositing.LIGHTNESS_SHIFT) < 1e-6
    if np.ptp(foreground[0, 0]) > 0.01:
        assert abs(abs(turned - hue) - 0.5) < 1e-6


def test_uint8_and_unit_forms_round_trip_and_digest_pixels() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(to_uint8(to_unit(every)), every)
    assert pixel_sha256(every) == pixel_sha256(np.asfortranarray(every))
    assert pixel_sha256(every) != pixel_sha256(every.reshape(8, 32))


def test_resized_mattes_stay_in_range() -> None:
    resized = resize_plane(np.eye(9).repeat(3, axis=0).repeat(3, axis=1), 50, 50)
    assert resized.min() >= 0
    assert resized.max() <= 1
