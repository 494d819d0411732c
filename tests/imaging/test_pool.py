"""The pool and the altered images: captions, places, digests, determinism."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypnos_pipeline.imaging.colours import CLEARLY_UNLIKE, COLOURS, delta_e, unit_colour
from hypnos_pipeline.imaging.compositing import matte_box
from hypnos_pipeline.imaging.fakes import GREY_ON_GREY_REMARK, OWN_NEGATIVE_REMARK, build_fakes
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.pixels import pixel_sha256, to_unit
from hypnos_pipeline.imaging.pool import build_pool, move, pool_sheet
from hypnos_pipeline.imaging.settings import AugmentationSettings

from .conftest import SIZE, disc_matte


@pytest.fixture
def pool(working, augmentation, prompt_for) -> ImageSet:
    return build_pool(*working, augmentation, prompt_for, seed=42)


@pytest.fixture
def fakes(working, augmentation) -> ImageSet:
    return build_fakes(*working, augmentation, seed=42)


def assert_composed(images: ImageSet, row: dict, expected: np.ndarray) -> None:
    """Fails unless an image is the float picture in [0, 1], rounded."""
    assert np.abs(images.images[row["name"]] - expected * 255).max() <= 0.5 + 1e-3


def test_the_pool_holds_each_kind_in_the_configured_number(pool, augmentation, working) -> None:
    for photo in working[0].images:
        assert len(pool.rows(photo=photo, kind="original")) == 1
        assert len(pool.rows(photo=photo, kind="recoloured")) == augmentation.recoloured
        assert len(pool.rows(photo=photo, kind="resized")) == augmentation.resized
    assert [row["name"] for row in pool.manifest] == list(pool.images)


def test_originals_are_the_photos_and_name_their_own_background(pool, working) -> None:
    for row in pool.rows(kind="original"):
        np.testing.assert_array_equal(pool.images[row["name"]], working[0].images[row["photo"]])
        assert row["prompt"] == "a photo of sks robot, ohwx background"
        assert row["colour"] is None


def test_caption_and_border_colour_agree_for_every_recoloured_image(pool) -> None:
    coloured = [row for row in pool.manifest if row["kind"] != "original"]
    assert coloured
    for row in coloured:
        assert row["prompt"] == f"a photo of sks robot, {row['colour']} background"
        image = pool.images[row["name"]]
        edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        clean = edge[(edge == COLOURS[row["colour"]]).all(axis=1)]
        # A resized object may touch the frame; a recoloured one of these photos does not.
        assert len(clean) >= (0.5 if row["kind"] == "resized" else 1.0) * len(edge)


def test_recoloured_images_are_the_foreground_composed_on_the_colour(pool, working) -> None:
    for row in pool.rows(kind="recoloured"):
        alpha = to_unit(working[1].images[row["photo"]])[..., None].astype(np.float64)
        foreground = to_unit(working[2].images[row["photo"]])
        assert_composed(pool, row, alpha * foreground + (1 - alpha) * unit_colour(row["colour"]))


def test_colours_do_not_repeat_until_the_list_is_used_up(pool) -> None:
    for photo in ("front", "side"):
        drawn = [row["colour"] for row in pool.rows(photo=photo, kind="recoloured")]
        assert len(set(drawn)) == len(drawn)
    assert len({row["colour"] for row in pool.manifest}) > 4


@settings(max_examples=30)
@given(
    x=st.floats(0.3, 0.7), y=st.floats(0.3, 0.7), radius=st.floats(0.05, 0.25), scale=st.floats(0.2, 3.0),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_moved_foregrounds_lie_wholly_in_frame(x, y, radius, scale, seed) -> None:
    alpha = disc_matte(x=x, y=y, radius=radius)
    foreground = np.full((SIZE, SIZE, 3), 90, dtype=np.uint8)
    moved, moved_alpha, placed = move(foreground, alpha, scale, np.random.default_rng(seed))
    # A disc cut off by the frame would lose area; its box is scaled to whole pixels.
    left, top, right, bottom = matte_box(alpha)
    width, height = round((right - left) * placed["scale"]), round((bottom - top) * placed["scale"])
    growth = width * height / ((right - left) * (bottom - top))
    assert moved_alpha.sum() == pytest.approx(alpha.sum() * growth, rel=0.05, abs=2.0)
    assert placed["scale"] <= scale + 1e-6
    assert (moved[moved_alpha > 0] > 0.3).all()


def test_an_object_cut_off_by_the_frame_stays_at_that_border() -> None:
    alpha = np.zeros((SIZE, SIZE))
    alpha[30:, 10:30] = 1
    for seed in range(5):
        _, moved, _ = move(np.zeros((SIZE, SIZE, 3), np.uint8), alpha, 0.5, np.random.default_rng(seed))
        assert moved[-1].max() > 0.9


def test_two_builds_are_equal_and_another_seed_differs(
    working, augmentation, prompt_for, pool, fakes
) -> None:
    again = build_pool(*working, augmentation, prompt_for, seed=42)
    assert again.manifest == pool.manifest
    other = build_pool(*working, augmentation, prompt_for, seed=43)
    assert [row["sha256"] for row in other.manifest] != [row["sha256"] for row in pool.manifest]
    assert fakes.manifest == build_fakes(*working, augmentation, seed=42).manifest
    assert fakes.manifest != build_fakes(*working, augmentation, seed=43).manifest


def test_one_photo_s_draws_do_not_depend_on_the_others(working, augmentation, prompt_for, pool) -> None:
    alone = [ImageSet({"side": images.images["side"]}) for images in working]
    assert build_pool(*alone, augmentation, prompt_for, seed=42).manifest == pool.rows(photo="side")


def test_manifests_hold_the_pixels_digests(pool, fakes) -> None:
    for images in (pool, fakes):
        for row in images.manifest:
            assert row["sha256"] == pixel_sha256(images.images[row["name"]])


def test_altered_images_are_as_defined(working, augmentation, fakes) -> None:
    for photo in working[0].images:
        image, alpha, foreground = (to_unit(images.images[photo]).astype(np.float64) for images in working)
        alpha = alpha[..., None]
        (negative,) = fakes.rows(photo=photo, kind="negative")
        assert_composed(fakes, negative, np.clip(image + alpha * (1 - 2 * foreground), 0, 1))
        (masked,) = fakes.rows(photo=photo, kind="masked")
        assert masked["fill"] == "grey"
        result = fakes.images[masked["name"]]
        assert (result[alpha[..., 0] == 1] == COLOURS["grey"]).all()
        clear = alpha[..., 0] == 0
        assert (result[clear] == working[0].images[photo][clear]).all()
        for row in fakes.rows(photo=photo, kind="coloured_negative"):
            background = (1 - alpha) * unit_colour(row["colour"])
            assert_composed(fakes, row, alpha * (1 - foreground) + background)
        coloured = fakes.rows(photo=photo, kind="coloured_masked")
        assert len(coloured) == augmentation.altered
        for row in coloured:
            assert delta_e(COLOURS[row["fill"]], COLOURS[row["colour"]]) >= CLEARLY_UNLIKE
            background = (1 - alpha) * unit_colour(row["colour"])
            assert_composed(fakes, row, alpha * unit_colour(row["fill"]) + background)


def test_a_grey_object_is_opposed_instead_and_not_filled_with_grey(working, augmentation) -> None:
    photos, mattes, _ = working
    grey = ImageSet({name: np.full((SIZE, SIZE, 3), 128, np.uint8) for name in photos.images})
    fakes = build_fakes(photos, mattes, grey, augmentation, seed=42)
    (negative,) = fakes.rows(photo="front", kind="negative")
    assert negative["remark"] == OWN_NEGATIVE_REMARK
    opaque = mattes.images["front"] == 255
    change = fakes.images[negative["name"]][opaque].astype(int) - photos.images["front"][opaque]
    assert np.abs(change).mean() > 40
    (masked,) = fakes.rows(photo="front", kind="masked")
    assert masked["fill"] != "grey"
    assert masked["remark"] == GREY_ON_GREY_REMARK.format(fill=masked["fill"])


def test_an_unlisted_colour_is_refused(working, prompt_for) -> None:
    settings = AugmentationSettings(recoloured=1, resized=1, altered=1, colours=["red", "mauve"])
    with pytest.raises(ValueError, match="'mauve'"):
        build_pool(*working, settings, prompt_for, seed=1)


def test_the_sheet_shows_every_photo_twice(pool, fakes) -> None:
    assert pool_sheet(pool, fakes).height > 4 * 96
