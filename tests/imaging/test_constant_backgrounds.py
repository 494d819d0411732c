"""Failed sets of samples are found and ordinary ones pass, on renders with composited backgrounds."""

from __future__ import annotations

import numpy as np
import pytest

from hypnos_pipeline.imaging.constant_backgrounds import background_report, beside_base, measure_backgrounds
from hypnos_pipeline.imaging.pixels import to_uint8

COLOURS = [(214, 34, 36), (36, 148, 54), (32, 76, 204), (246, 212, 46), (240, 240, 240), (26, 26, 30)]


@pytest.fixture(scope="module")
def renders() -> tuple[np.ndarray, np.ndarray]:
    """Twelve 64 px renders of the miniature world's scenes, and their true mattes."""
    from hypnos_pipeline.miniworld.render.scene import draw_scene, render
    from hypnos_pipeline.miniworld.render.subjects import TUNING
    from hypnos_pipeline.miniworld.render.words import SCENES
    from hypnos_pipeline.randomness import numpy_generator

    robot, names = TUNING["tuning_robot"], list(SCENES)
    layers = []
    for index in range(12):
        draws = numpy_generator(3, "constant_backgrounds", index)
        scene = draw_scene(draws, robot.cls, background=names[index % len(names)])
        layers.append(render(robot, scene))
    images = np.stack([layer["image"] for layer in layers])
    return to_uint8(images), np.stack([layer["alpha"] for layer in layers])


def composited(renders: tuple[np.ndarray, np.ndarray], backgrounds: np.ndarray) -> np.ndarray:
    images, alphas = renders
    noise = np.random.default_rng(0).normal(0, 3, images.shape)
    mixed = alphas * images + (1 - alphas) * (backgrounds + noise)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def test_scenes_are_no_failure(renders) -> None:
    measured = measure_backgrounds(renders[0])
    assert measured.warnings() == []
    assert measured.blank == 0
    assert measured.change > 25


def test_blank_backgrounds_are_found_whatever_their_colours(renders) -> None:
    flat = np.array([COLOURS[index % 6] for index in range(12)])[:, None, None]
    measured = measure_backgrounds(composited(renders, flat))
    assert measured.blank == 12
    assert measured.warnings() == ["12 of 12 images have a blank background"]


def test_a_quarter_of_blank_ones_is_enough(renders) -> None:
    flat = composited(renders, np.full((1, 1, 3), 200.0))
    three, two = renders[0].copy(), renders[0].copy()
    three[:3], two[:2] = flat[:3], flat[:2]
    assert measure_backgrounds(three).warnings() == ["3 of 12 images have a blank background"]
    assert measure_backgrounds(two).warnings() == []


def test_one_scene_behind_everything_is_found(renders) -> None:
    measured = measure_backgrounds(composited(renders, renders[0][1:2].astype(float)))
    assert measured.blank < 3
    (warning,) = measured.warnings()
    assert "the same whatever is requested" in warning


def test_few_images_may_be_alike(renders) -> None:
    assert measure_backgrounds(np.repeat(renders[0][1:2], 3, axis=0)).warnings() == []
    assert len(measure_backgrounds(np.repeat(renders[0][1:2], 4, axis=0)).warnings()) == 1


def test_brightness_of_the_whole_scale_and_size_do_not_matter(renders) -> None:
    large = renders[0].repeat(4, axis=1).repeat(4, axis=2)
    assert measure_backgrounds(large) == measure_backgrounds(renders[0])


def test_beside_the_base_model(renders) -> None:
    scenes = background_report(measure_backgrounds(renders[0]))
    blank = background_report(measure_backgrounds(composited(renders, np.full((1, 1, 3), 200.0))))
    reports = {"hypnos": {"varying": blank}, "base": {"varying": scenes}}
    hypnos, base = beside_base(reports, "base")
    assert hypnos["base_spread"] == scenes["spread"]
    assert hypnos["warning"].endswith("; the base model does not")
    assert base["warning"] == ""
    reports["base"]["varying"] = blank
    assert beside_base(reports, "base")[0]["warning"].endswith("; the base model fails too")
    assert "base_spread" not in beside_base(reports, None)[0]
