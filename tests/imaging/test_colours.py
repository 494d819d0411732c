"""The listed colours and their distances."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from hypnos_pipeline.imaging import colours


def test_lab_agrees_with_reference_values() -> None:
    # Bruce Lindbloom's values for sRGB red and mid-grey under D65.
    np.testing.assert_allclose(colours.srgb_to_lab((255, 0, 0)), (53.2408, 80.0925, 67.2032), atol=0.01)
    np.testing.assert_allclose(colours.srgb_to_lab((255, 255, 255)), (100, 0, 0), atol=0.01)
    np.testing.assert_allclose(colours.delta_e((0, 0, 0), (255, 255, 255)), 100, atol=0.01)


def test_no_two_listed_colours_are_alike() -> None:
    for (_, first), (_, second) in combinations(colours.COLOURS.items(), 2):
        assert colours.delta_e(first, second) >= colours.CLEARLY_UNLIKE


def test_unlisted_colours_are_refused_naming_the_nearest_and_those_listed() -> None:
    with pytest.raises(ValueError, match=r"'mauve'; expected one of red, orange"):
        colours.listed_colour("mauve")
    with pytest.raises(ValueError, match=r"'gray'; expected grey, or another one of red, orange"):
        colours.listed_colour("gray")


def test_unlike_colours_are_far_from_every_reference() -> None:
    names = list(colours.COLOURS)
    unlike = colours.unlike_or_farthest(names, colours.COLOURS["red"], colours.COLOURS["blue"])
    assert "red" not in unlike
    assert "blue" not in unlike
    assert "white" in unlike
    assert colours.unlike_or_farthest(["red"], colours.COLOURS["red"]) == ["red"]
