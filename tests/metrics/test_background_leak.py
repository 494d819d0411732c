"""``background_leak`` sees the photos' place and not the object, on renders and on generated samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from hypnos_pipeline.metrics.background_leak import background_leak
from hypnos_pipeline.miniworld.render.subjects import SUBJECTS
from tests.metrics.places import (
    FIGURINE,
    OF_PHOTOS,
    ROBOT,
    SHARES,
    STRANGER,
    area_under_curve,
    before_generated,
    blended,
    elsewhere,
    in_place,
    of_the_class,
)

ENOUGH, HALVES = 0.95, 0.85
"""Area under the curve: at least, and of half the place against none of it."""


class Leak:
    """The measure with one subject's photos in one place."""

    def __init__(self, instance, place, clip, others: int = 48) -> None:
        self.photos, self.others = in_place(instance, place, "photos", 4), of_the_class(instance, others)
        self.clip = clip

    def __call__(self, images: np.ndarray, mattes: np.ndarray) -> np.ndarray:
        photos, others = self.photos, self.others
        return background_leak(
            images, mattes, photos.images, photos.mattes, others.images, others.mattes, self.clip
        )


@pytest.fixture(scope="module")
def leak(mini_clip):
    return Leak(FIGURINE, "room", mini_clip, others=24)


def check(leak: Leak, place: str, instance, count=24, through=lambda images: images, generated=None) -> None:
    """The promises of the measure.

    ``through`` is what the pictures go through before it; ``generated`` are other places in place of renders.
    """
    here, there = (draw(instance, place, "samples", count) for draw in (in_place, elsewhere))
    if generated:
        there = before_generated(here, generated, place)
    values = [leak(through(blended(here, there, share)), here.mattes) for share in SHARES]
    means = [each.mean() for each in values]
    assert means == sorted(means)
    none, _, half, _, whole = values
    assert area_under_curve(whole, none) >= ENOUGH
    assert area_under_curve(half, none) >= HALVES
    assert area_under_curve(whole, half) >= ENOUGH
    stranger = in_place(STRANGER, place, "stranger", count)
    another_object, same_elsewhere = (
        leak(through(shown.images), shown.mattes) for shown in (stranger, there)
    )
    assert area_under_curve(another_object, same_elsewhere) >= ENOUGH
    assert abs(same_elsewhere.mean()) < 0.25  # chance
    assert 0.5 < whole.mean() < 1.25


def test_it_follows_the_share_of_the_photos_place_and_not_the_object(leak) -> None:
    check(leak, "room", FIGURINE, count=8)


def test_mirrored_photos_have_1_and_other_places_0(leak) -> None:
    mirrored = [each[:, :, ::-1].copy() for each in (leak.photos.images, leak.photos.mattes)]
    assert leak(*mirrored).mean() == pytest.approx(1)
    robots = of_the_class(ROBOT, 16)
    assert abs(leak(robots.images, robots.mattes).mean()) < 0.25


def test_it_needs_more_than_three_other_places(leak, mini_clip) -> None:
    photos, few = leak.photos, of_the_class(FIGURINE, 3)
    with pytest.raises(ValueError, match="more than 3, got 3"):
        background_leak(*[photos.images, photos.mattes] * 2, few.images, few.mattes, mini_clip)


@pytest.mark.long
@pytest.mark.parametrize("instance", [FIGURINE, ROBOT], ids=["figurine", "robot"])
@pytest.mark.parametrize("place", OF_PHOTOS)
def test_it_holds_in_the_places_of_the_photos_and_through_the_autoencoder(
    instance, place, mini_clip, autoencoded
):
    check(Leak(instance, place, mini_clip), place, instance)
    check(Leak(instance, place, mini_clip), place, instance, through=autoencoded)


@pytest.mark.long
@pytest.mark.parametrize("place", OF_PHOTOS)
def test_it_holds_before_generated_places(place, mini_clip, generated_scenes):
    check(Leak(FIGURINE, place, mini_clip), place, FIGURINE, count=21, generated=generated_scenes)


@pytest.mark.long
@pytest.mark.parametrize("name", SUBJECTS)
def test_each_tracked_photo_repeats_the_place_of_the_others_and_unseen_views_do_not(
    name, project_root, mini_clip
):
    raw, others = project_root / "data/01_raw", of_the_class(SUBJECTS[name])
    images, mattes = tracked(raw / "subjects" / name, raw / "truth" / name / "masks")

    def leak(shown, keep) -> np.ndarray:
        return background_leak(*shown, images[keep], mattes[keep], others.images, others.mattes, mini_clip)

    left_out = [
        leak((images[[k]], mattes[[k]]), np.arange(len(images)) != k).item() for k in range(len(images))
    ]
    unseen = tracked(raw / "truth" / name / "unseen", raw / "truth" / name / "unseen_masks")
    elsewhere_ = leak(unseen, np.arange(len(images)))
    assert area_under_curve(left_out, elsewhere_) >= ENOUGH
    assert abs(elsewhere_.mean()) < 0.25


def tracked(pictures: Path, masks: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns the central squares of tracked pictures, N×64×64×3 uint8, and of their mattes."""
    images, mattes = [], []
    for file in sorted(pictures.glob("*.jpg")):
        photo = ImageOps.exif_transpose(Image.open(file))
        square = (64, 64), Image.Resampling.LANCZOS
        images.append(np.asarray(ImageOps.fit(photo, *square)))
        mattes.append(np.asarray(ImageOps.fit(Image.open(masks / f"{file.stem}.png"), *square)))
    return np.stack(images), np.stack(mattes).astype(np.float32) / 255
