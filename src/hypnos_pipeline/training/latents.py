"""VAE posteriors of a subject's images, encoded once and sampled anew each step (method.md §5).

*Latent* always means scaled: z = scaling_factor · (mean + std · n).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.progress import counted

if TYPE_CHECKING:
    import numpy as np
    import torch

    from hypnos_pipeline.imaging.image_set import ImageSet

SECTIONS = ("pool", "fakes", "class_prior")


def encode_posteriors(vae: Any, images: np.ndarray, batch: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Encodes images to the VAE's unscaled posteriors.

    Args:
        vae: AutoencoderKL, or AutoencoderTiny (whose posterior is a point: std 0), in float32 whatever the
            precision of training is: each image is encoded once, and every step reads the result.
        images: uint8, N×H×W×3 sRGB.
        batch: Images per forward pass.

    Returns:
        Mean and standard deviation, float32 N×C×h×w on the CPU.

    Raises:
        ValueError: If the images are not uint8 N×H×W×3 with N > 0, or the VAE is not float32.
    """
    import torch

    if images.dtype != "uint8" or images.ndim != 4 or images.shape[-1] != 3 or not len(images):
        raise ValueError(f"expected uint8 images N×H×W×3, got {images.dtype} {images.shape}")
    if vae.dtype != torch.float32:
        raise ValueError(f"expected a VAE in float32 to encode with, got {vae.dtype}")
    means, deviations = [], []
    with torch.no_grad(), torch.autocast(vae.device.type, enabled=False):
        for start in counted(range(0, len(images), batch), "latents", "batch"):
            pixels = torch.from_numpy(images[start : start + batch]).permute(0, 3, 1, 2)
            pixels = pixels.to(vae.device, torch.float32) / 127.5 - 1.0
            encoded = vae.encode(pixels)
            if hasattr(encoded, "latent_dist"):
                mean, deviation = encoded.latent_dist.mean, encoded.latent_dist.std
            else:
                mean, deviation = encoded.latents, torch.zeros_like(encoded.latents)
            means.append(mean.float().cpu())
            deviations.append(deviation.float().cpu())
    return torch.cat(means).contiguous(), torch.cat(deviations).contiguous()


@dataclass(frozen=True)
class LatentCache:
    """The posteriors of a subject's pool, Table 3's altered images and class prior.

    Attributes:
        means: Section (``pool``, ``fakes``, ``class_prior``) to unscaled means, float32 N×C×h×w.
        deviations: Section to unscaled standard deviations, likewise.
        rows: Section to the images' manifest rows, in the same order.
        scaling_factor: The VAE's.
    """

    means: dict[str, torch.Tensor]
    deviations: dict[str, torch.Tensor]
    rows: dict[str, list[dict[str, Any]]]
    scaling_factor: float

    @classmethod
    def encode(cls, vae: Any, sections: dict[str, ImageSet], batch: int = 8) -> LatentCache:
        """Encodes the images of each section in manifest order."""
        means, deviations, rows = {}, {}, {}
        for section, images in sections.items():
            rows[section] = [dict(row) for row in images.manifest]
            stacked = images.stack([row["name"] for row in images.manifest])
            means[section], deviations[section] = encode_posteriors(vae, stacked, batch)
        return cls(means, deviations, rows, float(vae.config.scaling_factor))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one latent."""
        channels, height, width = next(iter(self.means.values())).shape[1:]
        return channels, height, width

    def sample(self, section: str, indexes: list[int], noise: torch.Tensor) -> torch.Tensor:
        """Samples scaled latents: scaling_factor · (mean + std · noise).

        Args:
            section: ``pool``, ``fakes`` or ``class_prior``.
            indexes: Rows of the section.
            noise: Standard normal, N×C×h×w.

        Returns:
            Latents, float32 N×C×h×w on the CPU.
        """
        mean, deviation = self.means[section][indexes], self.deviations[section][indexes]
        return self.scaling_factor * (mean + deviation * noise)

    def kinds(self, section: str) -> dict[str, dict[str, list[int]]]:
        """Returns kind → photo → row indexes, in manifest order."""
        found: dict[str, dict[str, list[int]]] = {}
        for index, row in enumerate(self.rows[section]):
            found.setdefault(row["kind"], {}).setdefault(row["photo"], []).append(index)
        return found

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """Returns the tensors as safetensors keeps them: ``<section>.mean``, ``<section>.std``."""
        tensors = {f"{section}.mean": tensor for section, tensor in self.means.items()}
        return tensors | {f"{section}.std": tensor for section, tensor in self.deviations.items()}

    def to_metadata(self) -> dict[str, Any]:
        """Returns what is not a tensor: manifests and scaling factor (JSON types only)."""
        return {"scaling_factor": self.scaling_factor, "rows": self.rows}

    @classmethod
    def from_tensors(cls, tensors: dict[str, torch.Tensor], metadata: dict[str, Any]) -> LatentCache:
        """Builds a cache from what :meth:`to_tensors` and :meth:`to_metadata` returned."""
        rows = metadata["rows"]
        means = {section: tensors[f"{section}.mean"] for section in rows}
        deviations = {section: tensors[f"{section}.std"] for section in rows}
        return cls(means, deviations, rows, float(metadata["scaling_factor"]))
