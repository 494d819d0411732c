"""The discriminator's training mixture (paper Table 3; method.md §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypnos_pipeline.errors import PoolError
from hypnos_pipeline.randomness import generator

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.training.latents import LatentCache

# Fractions of the whole. The printed table is rounded and sums to 50.01 %; these are the exact values.
REAL = {"original": 0.30, "recoloured": 0.18, "resized": 0.02}
FAKE = {
    "class": 0.175,
    "negative": 0.0975,
    "masked": 0.0325,
    "coloured_negative": 0.04875,
    "coloured_masked": 0.14625,
}
FRACTIONS = REAL | FAKE


class Table3:
    """Draws latents of Table 3's kinds from a subject's cached posteriors.

    Args:
        latents: The posteriors; sections ``pool``, ``fakes`` and ``class_prior``.
        seed: The study's seed.

    Raises:
        PoolError: Naming the kinds that have no image.
    """

    def __init__(self, latents: LatentCache, seed: int) -> None:
        self.latents, self.seed = latents, seed
        self.members: dict[str, tuple[str, list[list[int]]]] = {
            kind: (section, list(photos.values()))
            for section in ("pool", "fakes")
            for kind, photos in latents.kinds(section).items()
        }
        # The class prior knows no photos: it is one group.
        self.members["class"] = ("class_prior", [list(range(len(latents.rows["class_prior"])))])
        lacking = [kind for kind in FRACTIONS if not any(self.members.get(kind, ("", []))[1])]
        if lacking:
            raise PoolError(
                f"the pool or the class prior lacks kinds of Table 3: {', '.join(lacking)}; "
                "run the pipelines augmentation and class_prior again"
            )

    def draw_kinds(
        self, stream: str, step: int, count: int, among: dict[str, float] = FRACTIONS
    ) -> list[str]:
        """Draws kinds in proportion to ``among`` (all of Table 3, or its real or fake half)."""
        import torch

        weights = torch.tensor(list(among.values()), dtype=torch.float64)
        drawn = torch.multinomial(
            weights, count, replacement=True, generator=self._generator(stream, "kind", step)
        )
        names = list(among)
        return [names[i] for i in drawn.tolist()]

    def draw(self, stream: str, step: int, kinds: list[str]) -> torch.Tensor:
        """Draws one latent for each kind: photo uniform, then image uniform, then a posterior sample.

        Returns:
            Scaled latents, float32 N×C×h×w.
        """
        import torch

        where = torch.rand(
            len(kinds), 2, generator=self._generator(stream, "image", step), dtype=torch.float64
        )
        noise = torch.randn(
            (len(kinds), *self.latents.shape), generator=self._generator(stream, "posterior", step)
        )
        sampled = [torch.empty(0, *self.latents.shape)]
        for i, kind in enumerate(kinds):
            section, photos = self.members[kind]
            rows = photos[int(where[i, 0] * len(photos))]
            row = rows[int(where[i, 1] * len(rows))]
            sampled.append(self.latents.sample(section, [row], noise[i : i + 1]))
        return torch.cat(sampled)

    def everything(self, kind: str, limit: int = 256) -> torch.Tensor:
        """Returns one posterior sample of each image of a kind (of the first ``limit``)."""
        import torch

        section, photos = self.members[kind]
        rows = sorted(row for group in photos for row in group)[:limit]
        noise = torch.randn(
            (len(rows), *self.latents.shape), generator=self._generator("evaluation", kind, 0)
        )
        return self.latents.sample(section, rows, noise)

    def _generator(self, stream: str, what: str, step: int) -> torch.Generator:
        return generator(self.seed, f"table_3/{stream}/{what}", step)


def targets(kinds: list[str]) -> torch.Tensor:
    """Returns 1 for real kinds and 0 for fake ones, float32 N."""
    import torch

    return torch.tensor([float(kind in REAL) for kind in kinds])
