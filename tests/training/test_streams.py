"""Trainings stay bit-identical: each draw comes from the stream of its own name, in its own order."""

from __future__ import annotations

from functools import lru_cache

import pytest
import torch

from hypnos_pipeline.randomness import generator
from hypnos_pipeline.training.draws import PoolDraws, draw_class_images, draw_half
from hypnos_pipeline.training.latents import LatentCache
from hypnos_pipeline.training.settings import Augmented
from hypnos_pipeline.training.table_3 import FRACTIONS, REAL, Table3
from tests.training.tiny_study import SEED, class_prior, fakes, pool

STEP = 7


@lru_cache(maxsize=1)
def latents() -> LatentCache:
    """Random posteriors, without a VAE: what is drawn of them is the same."""
    sections = {"pool": pool(), "fakes": fakes(), "class_prior": class_prior()}
    rows = {section: images.manifest for section, images in sections.items()}
    means, deviations = (
        {name: torch.rand(len(rows[name]), 4, 2, 2, generator=generator(0, what + name)) for name in rows}
        for what in ("mean", "deviation")
    )
    return LatentCache(means, deviations, rows, 0.18)


def normal(stream: str, count: int, step: int = STEP) -> torch.Tensor:
    return torch.randn(count, *latents().shape, generator=generator(SEED, stream, step))


def uniform(stream: str, *shape: int, step: int = STEP) -> list:
    return torch.rand(*shape, generator=generator(SEED, stream, step), dtype=torch.float64).tolist()


def test_the_pool() -> None:
    kinds = latents().kinds("pool")
    photos = torch.randint(3, (64,), generator=generator(SEED, "training/photo", STEP)).tolist()
    recolour, resize, variant = (
        uniform(f"training/{what}", 64) for what in ("recolour", "resize", "variant")
    )
    expected = []
    for i in range(64):
        kind = "original" if recolour[i] > 0.66 else "recoloured" if resize[i] > 0.1 else "resized"
        rows = list(kinds[kind].values())[photos[i]]
        expected.append(rows[int(variant[i] * len(rows))])
    assert PoolDraws(kinds, Augmented(), SEED).draw(STEP, 64) == expected


def test_class_images() -> None:
    expected = torch.randint(50, (16,), generator=generator(SEED, "training/class_image", STEP)).tolist()
    assert draw_class_images(50, SEED, STEP, 16) == expected


@pytest.mark.parametrize("section", ["pool", "class_prior"])
def test_latents_noise_and_timesteps(section) -> None:
    half = draw_half(latents(), section, [2, 0, 3], timesteps=1000, seed=SEED, step=STEP)
    posterior = normal(f"training/posterior/{section}", 3)
    timesteps = torch.randint(1000, (3,), generator=generator(SEED, f"training/timestep/{section}", STEP))
    assert half.indexes == [2, 0, 3]
    assert torch.equal(half.latents, latents().sample(section, [2, 0, 3], posterior))
    assert torch.equal(half.noise, normal(f"training/noise/{section}", 3))
    assert torch.equal(half.timesteps, timesteps)


@pytest.mark.parametrize("among", [FRACTIONS, REAL], ids=["all", "real"])
def test_kinds_of_table_3(among) -> None:
    weights = torch.tensor(list(among.values()), dtype=torch.float64)
    drawn = torch.multinomial(weights, 64, True, generator=generator(SEED, "table_3/joint/kind", STEP))
    expected = [list(among)[i] for i in drawn]
    assert Table3(latents(), SEED).draw_kinds("joint", STEP, 64, among) == expected


def test_latents_of_table_3() -> None:
    table, kinds = Table3(latents(), SEED), list(FRACTIONS) * 2
    noise, where = (
        normal("table_3/joint/posterior", len(kinds)),
        uniform("table_3/joint/image", len(kinds), 2),
    )
    expected = []
    for i, kind in enumerate(kinds):
        section = "class_prior" if kind == "class" else "pool" if kind in REAL else "fakes"
        photos = [[0, 1, 2, 3]] if kind == "class" else list(latents().kinds(section)[kind].values())
        rows = photos[int(where[i][0] * len(photos))]
        row = rows[int(where[i][1] * len(rows))]
        expected.append(latents().sample(section, [row], noise[i : i + 1]))
    assert torch.equal(table.draw("joint", STEP, kinds), torch.cat(expected))


@pytest.mark.parametrize(("kind", "limit"), [("recoloured", 256), ("recoloured", 2), ("class", 256)])
def test_every_latent_of_a_kind(kind, limit) -> None:
    section = "pool" if kind in REAL else "class_prior"
    rows = [i for i, row in enumerate(latents().rows[section]) if row.get("kind", "class") == kind][:limit]
    noise = normal(f"table_3/evaluation/{kind}", len(rows), step=0)
    expected = latents().sample(section, rows, noise)
    assert torch.equal(Table3(latents(), SEED).everything(kind, limit), expected)
