"""What a training step draws: photos, kinds, variants, class images, timesteps and noise (method.md §3, §5).

Every draw is ``generator(seed, stream, step)``, and each thing has its own stream: methods that differ in one
respect therefore share all other draws, and a resumed run needs no saved generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypnos_pipeline.errors import PoolError
from hypnos_pipeline.randomness import generator

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.training.latents import LatentCache
    from hypnos_pipeline.training.settings import Augmented


@dataclass(frozen=True)
class Half:
    """The instance or the class half of a step's batch.

    Attributes:
        indexes: Rows of the latent cache's section.
        latents: Scaled clean latents z, float32 N×C×h×w.
        noise: ε, likewise.
        timesteps: t, int64 N in [0, T).
    """

    indexes: list[int]
    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor


class PoolDraws:
    """Draws rows of the pool: photo uniform, then the kind, then a variant of that kind (paper 3.3).

    Args:
        kinds: Kind → photo → rows, as :meth:`LatentCache.kinds` gives it.
        settings: The method's probabilities.
        seed: The study's seed.

    Raises:
        PoolError: If a kind with a positive probability has no image of some photo.
    """

    def __init__(self, kinds: dict[str, dict[str, list[int]]], settings: Augmented, seed: int) -> None:
        self.kinds, self.settings, self.seed = kinds, settings, seed
        self.photos = list(kinds.get("original", {}))
        if not self.photos:
            raise PoolError("the pool has no image of kind 'original'; run the augmentation pipeline again")
        recoloured, resized = settings.recolour_probability, settings.resize_probability
        needed = {"recoloured": recoloured * (1 - resized), "resized": recoloured * resized}
        lacking = [
            f"{kind} of {photo}"
            for kind, probability in needed.items()
            for photo in self.photos
            if probability > 0 and not kinds.get(kind, {}).get(photo)
        ]
        if lacking:
            raise PoolError(
                f"the pool lacks: {', '.join(lacking)}; run the augmentation pipeline again, or set the "
                "method's augmentation.recolour_probability or resize_probability so that none is drawn"
            )

    def draw(self, step: int, count: int) -> list[int]:
        """Returns ``count`` rows of the pool for a step."""
        import torch

        photos = torch.randint(len(self.photos), (count,), generator=self._generator("photo", step))
        recolour = torch.rand(count, generator=self._generator("recolour", step), dtype=torch.float64)
        resize = torch.rand(count, generator=self._generator("resize", step), dtype=torch.float64)
        variant = torch.rand(count, generator=self._generator("variant", step), dtype=torch.float64)
        rows = []
        for i in range(count):
            variants = self.kinds[self._kind(recolour[i], resize[i])][self.photos[photos[i]]]
            rows.append(variants[int(variant[i] * len(variants))])
        return rows

    def _kind(self, recolour: torch.Tensor, resize: torch.Tensor) -> str:
        if recolour >= self.settings.recolour_probability:
            return "original"
        return "resized" if resize < self.settings.resize_probability else "recoloured"

    def _generator(self, what: str, step: int) -> torch.Generator:
        return generator(self.seed, f"training/{what}", step)


def draw_class_images(available: int, seed: int, step: int, count: int) -> list[int]:
    """Returns ``count`` rows of the class prior for a step, uniform."""
    import torch

    return torch.randint(
        available, (count,), generator=generator(seed, "training/class_image", step)
    ).tolist()


def draw_templates(available: int, seed: int, step: int, count: int) -> list[int]:
    """Returns the position of the template of each of ``count`` images of a step, uniform."""
    import torch

    return torch.randint(available, (count,), generator=generator(seed, "training/template", step)).tolist()


def draw_half(
    latents: LatentCache, section: str, indexes: list[int], *, timesteps: int, seed: int, step: int
) -> Half:
    """Samples the latents of one half of the batch, with its timesteps and noise.

    Args:
        latents: The subject's posteriors.
        section: Where ``indexes`` point.
        indexes: Rows of the section.
        timesteps: T of the noise schedule; t is uniform over 0…T−1.
        seed: The study's seed.
        step: The training step, from 1.
    """
    import torch

    shape = (len(indexes), *latents.shape)
    posterior = torch.randn(shape, generator=generator(seed, f"training/posterior/{section}", step))
    noise = torch.randn(shape, generator=generator(seed, f"training/noise/{section}", step))
    drawn = torch.randint(
        timesteps, shape[:1], generator=generator(seed, f"training/timestep/{section}", step)
    )
    return Half(indexes, latents.sample(section, indexes, posterior), noise, drawn)
