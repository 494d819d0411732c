"""Proportions belong to the method, not to the pool."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from hypnos_pipeline.errors import PoolError
from hypnos_pipeline.training.draws import PoolDraws, draw_class_images, draw_half
from hypnos_pipeline.training.latents import LatentCache
from hypnos_pipeline.training.settings import Augmented
from hypnos_pipeline.training.table_3 import FAKE, FRACTIONS, REAL, Table3, targets
from tests.training.tiny_study import PHOTOS, SEED, latents, pool

DRAWS = 10_000
# Five standard deviations of a proportion over 10,000 draws are at most 0.025.
TOLERANCE = 0.025


def kinds_of(images):
    return LatentCache({}, {}, {"pool": images.manifest}, 1.0).kinds("pool")


def drawn_rows(images, **settings):
    draws = PoolDraws(kinds_of(images), Augmented(**settings), SEED)
    return [images.manifest[row] for step in range(DRAWS // 10) for row in draws.draw(step, 10)]


@pytest.mark.parametrize(("recoloured", "resized"), [(3, 2), (40, 1)])
def test_two_thirds_recoloured_and_a_tenth_of_these_resized_for_any_pool(recoloured, resized):
    rows = drawn_rows(pool(recoloured, resized))
    kinds = Counter(row["kind"] for row in rows)
    changed = kinds["recoloured"] + kinds["resized"]
    assert changed / DRAWS == pytest.approx(0.66, abs=TOLERANCE)
    assert kinds["resized"] / changed == pytest.approx(0.10, abs=TOLERANCE)
    photos = Counter(row["photo"] for row in rows)
    assert all(photos[photo] / DRAWS == pytest.approx(1 / 3, abs=TOLERANCE) for photo in PHOTOS)
    variants = Counter(row["name"] for row in rows if row["kind"] == "recoloured")
    assert len(variants) == 3 * recoloured


@pytest.mark.parametrize(("probability", "kinds"), [(0.0, {"original"}), (1.0, {"recoloured", "resized"})])
def test_ablations_use_the_same_pool(probability, kinds):
    assert {row["kind"] for row in drawn_rows(pool(), recolour_probability=probability)} == kinds


def test_missing_kinds_are_named():
    with pytest.raises(PoolError, match=r"lacks: resized of one.*resize_probability"):
        PoolDraws(kinds_of(pool(resized=0)), Augmented(), SEED)
    PoolDraws(kinds_of(pool(resized=0)), Augmented(resize_probability=0.0), SEED)
    PoolDraws(kinds_of(pool(recoloured=0)), Augmented(resize_probability=1.0), SEED)
    with pytest.raises(PoolError, match="no image of kind 'original'"):
        PoolDraws({}, Augmented(), SEED)


def test_draws_depend_on_seed_and_step_only():
    first, again = (PoolDraws(kinds_of(pool()), Augmented(), SEED) for _ in range(2))
    later = again.draw(8, 16)
    assert first.draw(7, 16) == again.draw(7, 16) != later
    assert draw_class_images(50, 1, 7, 16) != draw_class_images(50, 2, 7, 16)


def test_timesteps_cover_the_schedule_and_halves_are_independent():
    cache = latents()
    halves = [
        draw_half(cache, section, [0] * 50, timesteps=1000, seed=SEED, step=step)
        for section in ("pool", "class_prior")
        for step in range(200)
    ]
    timesteps = torch.cat([half.timesteps for half in halves])
    assert int(timesteps.min()) == 0
    assert int(timesteps.max()) == 999
    assert float(timesteps.float().mean()) == pytest.approx(499.5, abs=15)
    for other in (halves[1], halves[200]):
        assert not torch.equal(halves[0].noise, other.noise)
        assert not torch.equal(halves[0].latents, other.latents)


def test_table_3_is_the_papers_and_is_drawn_so():
    printed = {"original": 30, "recoloured": 18, "resized": 2, "class": 17.50, "negative": 9.75}
    printed |= {"masked": 3.25, "coloured_negative": 4.88, "coloured_masked": 14.63}
    assert {kind: 100 * each for kind, each in FRACTIONS.items()} == pytest.approx(printed, abs=0.0051)
    assert sum(FRACTIONS.values()) == pytest.approx(1.0, abs=1e-12)
    assert sum(REAL.values()) == pytest.approx(0.5)
    table = Table3(latents(), SEED)
    drawn = Counter(kind for step in range(DRAWS // 100) for kind in table.draw_kinds("test", step, 100))
    for kind, fraction in FRACTIONS.items():
        assert drawn[kind] / DRAWS == pytest.approx(fraction, abs=5 * (fraction / DRAWS) ** 0.5)
    assert set(table.draw_kinds("test", 0, 200, FAKE)) == set(FAKE)


def test_table_3_draws_latents_of_the_requested_kinds():
    cache = latents()
    table = Table3(cache, SEED)
    kinds = list(FRACTIONS)
    drawn = table.draw("test", 1, kinds)
    assert drawn.shape == (len(kinds), *cache.shape)
    for kind, latent in zip(kinds, drawn, strict=True):
        section = "class_prior" if kind == "class" else "pool" if kind in REAL else "fakes"
        rows = [i for i, row in enumerate(cache.rows[section]) if row.get("kind", "class") == kind]
        means, deviations = cache.means[section][rows], cache.deviations[section][rows]
        # In units of the posterior's deviation, the latent is nearest to an image of its own kind.
        distances = ((latent / cache.scaling_factor - means) / deviations).square().flatten(1).mean(1)
        assert float(distances.min()) == pytest.approx(1.0, abs=0.6)
    assert targets(kinds).tolist() == [1, 1, 1, 0, 0, 0, 0, 0]


def test_table_3_names_missing_kinds():
    cache = latents()
    rows = cache.rows | {"fakes": [row for row in cache.rows["fakes"] if row["kind"] != "masked"]}
    with pytest.raises(PoolError, match="masked"):
        Table3(LatentCache(cache.means, cache.deviations, rows, cache.scaling_factor), SEED)
