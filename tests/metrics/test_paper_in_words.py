"""Measures of what the paper says in words: noise, copies, new views, diversity, on cases of known truth."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from hypnos_pipeline.imaging.unseen import read_unseen
from hypnos_pipeline.metrics.copying import copying
from hypnos_pipeline.metrics.dino import dino
from hypnos_pipeline.metrics.diversity import diversity
from hypnos_pipeline.metrics.grain import grain, noise_level
from hypnos_pipeline.metrics.images import to_unit_range
from hypnos_pipeline.metrics.lpips import lpips
from hypnos_pipeline.metrics.unseen_dino import unseen_dino
from tests.metrics.places import area_under_curve

SIZE = 64
SUBJECT = "figurine"
WELL = 0.95
"""The area under the curve that a measure must reach."""


def noisy(images: np.ndarray, deviation: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, deviation, images.shape)
    return np.clip(np.rint(images + noise), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def views(project_root: Path) -> np.ndarray:
    return read_unseen(project_root / "data/01_raw/truth" / SUBJECT, SIZE).stack()


@pytest.fixture(scope="module")
def perceptual(project_root: Path):
    from hypnos_pipeline.models.lpips import load_lpips_network

    return load_lpips_network((project_root / "data/01_raw/models/mini/lpips").resolve(), "cpu")


def test_noise_is_measured_in_levels_of_255():
    flat = np.full((3, 96, 96, 3), 128, np.uint8)
    for deviation in (2.0, 5.0, 12.0):
        np.testing.assert_allclose(noise_level(noisy(flat, deviation)), deviation, rtol=0.06)
    ramp = np.broadcast_to(np.arange(96, dtype=np.uint8)[None, :, None, None], (1, 96, 96, 3))
    assert noise_level(ramp) == 0
    edge = np.where(np.arange(96) < 40, 0, 255).astype(np.uint8)
    assert noise_level(np.broadcast_to(edge[None, :, None, None], (1, 96, 96, 3))) == 0


def test_grain_follows_known_noise_and_is_counted_from_the_photos(views):
    levels = [grain(noisy(views, deviation), views) for deviation in (0, 2, 4, 8, 16)]
    assert levels[0].mean() == pytest.approx(0)
    means = [level.mean() for level in levels]
    assert means == sorted(means)
    assert all(area_under_curve(more, less) >= WELL for less, more in pairwise(levels))


def blended(views: np.ndarray, photo: np.ndarray, share: float) -> np.ndarray:
    return np.rint(share * photo + (1 - share) * views).astype(np.uint8)


def test_a_copied_photo_is_nearer_than_a_new_view(views, perceptual):
    photo, others = views[:1], views[1:]
    values = [
        copying(lpips(to_unit_range(blended(others, photo[0], share)), to_unit_range(photo), perceptual))
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    means = [value.mean().item() for value in values]
    assert means == sorted(means, reverse=True)
    assert values[-1].abs().max() < 1e-4
    shifted, mirrored = np.roll(photo, SIZE // 8, axis=2), photo[:, :, ::-1]
    copies = np.concatenate([noisy(photo, 4), shifted, mirrored])
    distances = copying(lpips(to_unit_range(copies), to_unit_range(photo), perceptual))
    assert area_under_curve(values[0].numpy(), distances.numpy()) >= WELL


def test_the_nearest_of_several_photos_counts():
    assert copying(torch.tensor([[0.5, 0.1, 0.9], [0.2, 0.3, 0.4]])).tolist() == pytest.approx([0.1, 0.2])


def test_diversity_falls_as_images_of_one_prompt_become_one(views, perceptual):
    several = [
        diversity(blended(views, views[0], share), ["a"] * len(views), perceptual)
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    means = [values.mean() for values in several]
    assert means == sorted(means, reverse=True)
    assert several[-1].max() < 1e-4
    assert all(
        area_under_curve(more[1:], less[1:]) >= WELL for more, less in zip(several, several[2:], strict=False)
    )


def test_diversity_is_the_mean_distance_to_the_others_of_the_prompt(views, perceptual):
    images = views[:5]
    prompts = ["a", "b", "a", "a", "c"]
    values = diversity(images, prompts, perceptual, batch=2)
    assert np.isnan(values[[1, 4]]).all()  # the only ones of their prompts
    same = to_unit_range(images[[0, 2, 3]])
    matrix = lpips(same, same, perceptual).numpy()
    np.testing.assert_allclose(values[[0, 2, 3]], matrix.sum(1) / 2, rtol=1e-5)


@pytest.fixture(scope="module")
def encoder(project_root: Path):
    from hypnos_pipeline.models.networks import load_vit

    return load_vit((project_root / "data/01_raw/models/mini/dino").resolve(), "cpu")


def working_photos(folder: Path) -> np.ndarray:
    """Raw photos as squares from their centres."""
    from hypnos_pipeline.imaging.photos import read_pictures
    from hypnos_pipeline.imaging.square import central, cut_photo

    photos = read_pictures(folder).values()
    return np.stack([cut_photo(photo, central(*photo.size, min(photo.size)), SIZE) for photo in photos])


def renders(instance, count: int) -> np.ndarray:
    """An instance in as many scenes, drawn anew."""
    from hypnos_pipeline.miniworld.render.dataset import to_bytes
    from hypnos_pipeline.miniworld.render.scene import draw_scene, render
    from hypnos_pipeline.miniworld.render.words import SCENES

    rng = np.random.default_rng(7)
    scenes = [draw_scene(rng, instance.cls, background=[*SCENES][k % len(SCENES)]) for k in range(count)]
    return np.stack([to_bytes(render(instance, scene, size=SIZE, ss=2)["image"]) for scene in scenes])


def test_a_new_view_is_like_the_unseen_ones_and_another_object_is_not(views, encoder):
    from hypnos_pipeline.miniworld.render.subjects import SUBJECTS, TUNING

    known = to_unit_range(views)
    same, other = (
        unseen_dino(to_unit_range(renders(instance, 8)), known, encoder).numpy()
        for instance in (SUBJECTS[SUBJECT], TUNING["tuning_figurine"])
    )
    assert area_under_curve(same, other) >= WELL


def test_copied_photos_raise_dino_but_not_its_like_against_unseen_views(project_root, encoder):
    copies, news = {"dino": [], "unseen": []}, {"dino": [], "unseen": []}
    for name in ("figurine", "rattan_chair", "lego_robot"):
        photos = to_unit_range(working_photos(project_root / "data/01_raw/subjects" / name))
        unseen = to_unit_range(read_unseen(project_root / "data/01_raw/truth" / name, SIZE).stack())
        copied, new, known = photos, unseen[::2], unseen[1::2]
        for values, images in ((copies, copied), (news, new)):
            values["dino"].append(dino(images, photos, encoder).mean().item())
            values["unseen"].append(unseen_dino(images, known, encoder).mean().item())
    assert np.mean(copies["dino"]) > np.mean(news["dino"]) + 0.05
    assert np.mean(copies["unseen"]) < np.mean(news["unseen"])


@pytest.fixture(scope="module")
def generated(project_root) -> np.ndarray:
    """Images of the embedded model, as its studies sample them."""
    from hypnos_pipeline.models.generation import generate
    from hypnos_pipeline.models.settings import SamplerSettings
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    folder = project_root / "data/01_raw/models/mini/text_to_image"
    model = load_text_to_image(folder, torch.device("cpu"))
    prompts = ["a photo of figurine", "a photo of figurine on a beach"] * 6
    sampling = SamplerSettings(steps=20, guidance=5.0, batch=12)
    return np.stack(generate(model, prompts, [*range(12)], sampling, SIZE, progress=None))


@pytest.mark.long
def test_generated_images_with_known_mixtures(generated, views, perceptual, encoder):
    shares = (0, 0.25, 0.5, 0.75, 1)
    photo, known = views[:1], to_unit_range(views[8:])
    noise = [grain(noisy(generated, deviation), views) for deviation in (0, 1, 2, 4, 8)]
    near, diverse, like = [], [], []
    for share in shares:
        copied = blended(generated, photo[0], share)
        near.append(-copying(lpips(to_unit_range(copied), to_unit_range(photo), perceptual)).numpy())
        diverse.append(-diversity(copied, ["a"] * len(copied), perceptual))
        shown = np.stack(
            [blended(a[None], b, share)[0] for a, b in zip(generated, views[:8].repeat(2, 0), strict=False)]
        )
        like.append(unseen_dino(to_unit_range(shown), known, encoder).numpy())
    for name, steps in {"grain": noise, "copying": near, "diversity": diverse, "unseen": like}.items():
        means = [step.mean() for step in steps]
        assert means == sorted(means), name
        assert area_under_curve(steps[-1], steps[0]) >= WELL, name
