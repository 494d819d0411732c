"""The renderer: deterministic, exact mattes, every class and background drawable."""

from itertools import combinations

import numpy as np
import pytest

from hypnos_pipeline.miniworld.render.captions import caption, draw_example
from hypnos_pipeline.miniworld.render.dataset import load_set, render_set
from hypnos_pipeline.miniworld.render.mattes import draw_picture, draw_pictures
from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES, COLORS, unit_rgb
from hypnos_pipeline.miniworld.render.scene import draw_instance, draw_scene, render
from hypnos_pipeline.miniworld.render.words import BACKGROUNDS, CLASSES, STYLES
from hypnos_pipeline.randomness import numpy_generator


@pytest.mark.parametrize("index", range(4))
def test_same_numbers_same_picture(index):
    first, second = (render(*draw_example(3, index)) for _ in range(2))
    for key in first:
        np.testing.assert_array_equal(first[key], second[key])


@pytest.mark.parametrize("index", range(12))
def test_matte_is_exact(index):
    drawn = render(*draw_example(5, index))
    composed = drawn["object"] + (1 - drawn["alpha"]) * drawn["backdrop"]
    np.testing.assert_allclose(drawn["image"], composed, atol=1e-6)
    assert drawn["alpha"].min() >= 0
    assert drawn["alpha"].max() <= 1
    assert drawn["image"].max() <= 1 + 1e-6
    assert (drawn["object"][drawn["alpha"][..., 0] == 0] == 0).all()


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_is_in_frame_and_of_one_size(cls):
    for k in range(4):
        rng = numpy_generator(1, f"test/{cls}", k)
        drawn = render(draw_instance(cls, 1, "test", k, "red", "blue"), draw_scene(rng, cls))
        area = drawn["alpha"].mean()
        assert 0.04 < area < 0.5
        border = np.concatenate([drawn["alpha"][0], drawn["alpha"][:, 0], drawn["alpha"][:, -1]])
        assert border.mean() < 0.05


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_backgrounds_do_not_depend_on_size(name):
    instance = draw_instance("ball", 1, "test", 0, "red")
    scene = draw_scene(numpy_generator(1, "test", 0), "ball", background=name, wall="green", texture=5)
    small = render(instance, scene, size=32)["image"]
    large = render(instance, scene, size=128)["image"].reshape(32, 4, 32, 4, 3).mean((1, 3))
    assert np.abs(small - large).mean() < 0.02


def test_plain_background_has_its_colour():
    instance = draw_instance("mug", 1, "test", 0, "white")
    for color in COLOR_NAMES:
        scene = draw_scene(numpy_generator(2, "test", 0), "mug", background="plain", wall=color)
        top = render(instance, scene)["backdrop"][:6].mean((0, 1))
        assert np.abs(top - unit_rgb(color)).max() < 0.08
    assert len(COLORS) == 10


def test_scenes_and_styles_change_the_picture():
    instance, pictures = draw_instance("robot", 1, "test", 0, "red"), []
    for kind, styles in STYLES.items():
        for style in (None, *styles):
            given = {"background": "room", "kind": kind, "style": style}
            scene = draw_scene(numpy_generator(1, "test", 0), "robot", **given)
            pictures.append(render(instance, scene)["image"])
    for first, second in combinations(pictures, 2):
        assert np.abs(first - second).mean() > 0.004


def test_set_depends_on_neither_workers_nor_shards(tmp_path):
    render_set(tmp_path / "a", 6, 3, "test", workers=1, shard=6)
    render_set(tmp_path / "b", 6, 3, "test", workers=2, shard=2)
    first, second = load_set(tmp_path / "a"), load_set(tmp_path / "b")
    assert first["captions"] == second["captions"]
    for key in ("images", "alpha", "labels"):
        np.testing.assert_array_equal(first[key], second[key])


def test_captions_name_what_is_drawn():
    seen = set()
    for index in range(300):
        instance, scene = draw_example(11, index)
        text = caption(instance, scene, numpy_generator(11, "caption", index))
        assert f" {instance.cls}" in text
        assert text.startswith(f"a {scene.kind} of ")
        assert (scene.style is None) or text.endswith(f", {scene.style}")
        assert instance.first != instance.second
        assert scene.wall is None or scene.wall not in (instance.first, instance.second)
        seen.add(instance.cls)
    assert seen == set(CLASSES)


def test_pictures_for_the_matting_network_come_with_their_mattes():
    images, mattes = draw_pictures(7, "test/mattes", 40, shard=16)
    assert (images.shape, mattes.shape) == ((40, 64, 64, 3), (40, 64, 64))
    for index in (0, 17, 39):
        image, matte = draw_picture(7, "test/mattes", index)
        np.testing.assert_array_equal(images[index], image)
        np.testing.assert_array_equal(mattes[index], matte)
    areas = mattes.mean((1, 2)) / 255
    assert 0.02 < (areas == 0).mean() < 0.15  # places without an object
    assert 0.02 < areas[areas > 0].min() < areas.max() < 0.7
