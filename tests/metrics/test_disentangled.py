"""``disentangled`` sees whether a requested colour is where it was requested, on renders of known colours."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from hypnos_pipeline.imaging.colours import listed_colour
from hypnos_pipeline.metrics.disentangled import disentangled
from hypnos_pipeline.miniworld.render.scene import draw_instance
from tests.metrics.places import SEED, SHARES, Views, area_under_curve, blended, views

ENOUGH, COUNT = 0.95, 8


@cache
def robots(wall: str, first: str = "cyan", second: str = "white") -> Views:
    """Draws robots of two colours in a room with walls of another."""
    instance = draw_instance("robot", SEED, "tests/disentangled", 0, first, second)
    return views(instance, "robots", COUNT, lambda _: {"background": "walled", "wall": wall})


def of_scene(shown: Views, colour: str, images: np.ndarray | None = None) -> np.ndarray:
    pixels = shown.images if images is None else images
    return disentangled(pixels, shown.mattes, [[]] * COUNT, [colour] * COUNT)


def of_object(shown: Views) -> np.ndarray:
    return disentangled(shown.images, shown.mattes, [["purple", "green"]] * COUNT, [None] * COUNT)


@pytest.mark.parametrize("colour", ["green", "yellow"])
def test_a_scene_s_colour_belongs_to_the_walls_and_not_to_the_object(colour) -> None:
    walls, neither = of_scene(robots(colour), colour), of_scene(robots("white"), colour)
    leaked = of_scene(robots("white", colour, colour), colour)
    both = of_scene(robots(colour, colour, colour), colour)
    for better, worse in ((walls, neither), (walls, both), (neither, leaked), (both, leaked)):
        assert area_under_curve(better, worse) >= ENOUGH
    assert walls.mean() > 10
    assert abs(both.mean()) < 8
    assert leaked.mean() < -10


def test_an_object_s_colours_belong_to_it_and_both_are_needed() -> None:
    right, own = of_object(robots("white", "purple", "green")), of_object(robots("white"))
    half, leaked = of_object(robots("white", "purple", "white")), of_object(robots("green"))
    for better, worse in ((right, half), (half, own), (right, own), (own, leaked)):
        assert area_under_curve(better, worse) >= ENOUGH


def test_it_follows_the_share_of_the_requested_walls() -> None:
    green, white = robots("green"), robots("white")
    values = [of_scene(green, "green", blended(green, white, share)) for share in SHARES]
    assert [each.mean() for each in values] == sorted(each.mean() for each in values)
    none, _, half, _, whole = values
    for better, worse in ((half, none), (whole, half), (whole, none)):
        assert area_under_curve(better, worse) >= ENOUGH


def test_plain_pictures_of_the_colours_themselves() -> None:
    image = np.full((1, 8, 8, 3), listed_colour("green"), np.uint8)
    matte = np.zeros((1, 8, 8), np.float32)
    matte[:, 2:6, 2:6] = 1
    alike = disentangled(image, matte, [[]], ["green"])
    image[matte > 0] = listed_colour("purple")
    apart = disentangled(image, matte, [[]], ["green"])
    assert alike == pytest.approx([0])
    assert apart[0] > 50
    assert disentangled(image, matte, [["purple"]], ["green"]) == pytest.approx(apart)  # as far the other way
    assert disentangled(image, matte, [["green"]], [None]) == pytest.approx(-apart)


def test_without_a_request_an_object_or_a_background_there_is_no_value() -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    mattes = np.stack([np.zeros((8, 8)), np.ones((8, 8)), np.eye(8)]).astype(np.float32)
    assert np.isnan(disentangled(images, mattes, [["red"], [], []], [None, "red", None])).all()
