"""The perceptual loss L_p on decoded clean latents (paper 3.4.3, 0.B.1, Eq. 5, 6)."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import numpy as np
    import torch

    from hypnos_pipeline.training.settings import Perceptual

STAGES = (1, 2, 3)


def decode(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Decodes scaled latents: D(z0) = vae.decode(z0 / scaling_factor), mapped to [0, 1].

    Values a little outside [0, 1] are left as they are: clamping would cut the gradient exactly where a
    z0 predicted at large t is most wrong.

    Args:
        vae: The frozen autoencoder.
        latents: z0, N×C×h×w.

    Returns:
        Images, float32 N×3×H×W.
    """
    return vae.decode(latents / vae.config.scaling_factor).sample.float() / 2.0 + 0.5


def stage_features(network: Any, images: torch.Tensor) -> list[torch.Tensor]:
    """Returns EfficientNet's activations of MBConv stages 2, 3, 4 (timm ``blocks[1..3]``).

    The paper feeds whole images (24@128², 40@64², 80@32² at 512 px), so nothing is resized here.

    Args:
        network: A timm EfficientNet with ``pretrained_cfg`` (its own mean and std).
        images: Float in [0, 1], N×3×H×W.
    """
    import torch

    configuration = network.pretrained_cfg
    mean = torch.tensor(configuration["mean"], device=images.device).reshape(1, 3, 1, 1)
    deviation = torch.tensor(configuration["std"], device=images.device).reshape(1, 3, 1, 1)
    hidden = network.bn1(network.conv_stem((images - mean) / deviation))
    stages = []
    for index in range(STAGES[-1] + 1):
        hidden = network.blocks[index](hidden)
        if index in STAGES:
            stages.append(hidden.float())
    return stages


def feature_distance(
    ours: list[torch.Tensor], reference: list[torch.Tensor], weights: tuple[float, ...], reduction: str
) -> torch.Tensor:
    """Returns the weighted squared distance of stage features per sample, float32 N.

    Args:
        ours: Features of D(z0), one N×C×H×W tensor per stage.
        reference: Features of x, likewise.
        weights: One per stage (0.35, 0.45, 0.2).
        reduction: ``mean`` over channels and positions, or ``channel_sum``: sum over channels, mean over
            positions (×42 at the paper's widths).
    """
    total: Any = 0.0
    for weight, a, b in zip(weights, ours, reference, strict=True):
        squared = (a - b).square()
        squared = squared.mean(dim=1) if reduction == "mean" else squared.sum(dim=1)
        total = total + weight * squared.flatten(1).mean(dim=1)
    return total


class PerceptualLoss:
    """L_p against the very pool image whose latent is noised; its features are computed once.

    With the photo instead of the pool image, L_p would pull the old background back.

    Args:
        network: EfficientNet; frozen and put into evaluation mode here.
        images: The pool, uint8 N×H×W×3, in the latent cache's order.
        settings: Stage weights and reduction.
        vae: The frozen autoencoder.
        autocast: Makes the context of forward passes.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        images: np.ndarray,
        settings: Perceptual,
        vae: Any,
        autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.images, self.settings, self.vae, self.autocast = images, settings, vae, autocast
        self.reference: dict[int, list[torch.Tensor]] = {}

    def __call__(self, clean: torch.Tensor, indexes: list[int]) -> torch.Tensor:
        """Returns L_p per sample.

        Args:
            clean: z0, float32 N×C×h×w, with gradient.
            indexes: The pool images whose latents were noised.

        Returns:
            Float32 N.
        """
        with self.autocast():
            decoded = decode(self.vae, clean)
        return self.distance(decoded, indexes)

    def distance(self, decoded: torch.Tensor, indexes: list[int]) -> torch.Tensor:
        """Returns the distance of images in [0, 1] from pool images per sample, float32 N."""
        import torch

        self._remember(indexes, decoded.device)
        kept = zip(*(self.reference[index] for index in indexes), strict=True)
        reference = [torch.stack(stage).to(decoded.device) for stage in kept]
        with self.autocast():
            ours = stage_features(self.network, decoded)
        return feature_distance(ours, reference, self.settings.stage_weights, self.settings.reduction)

    def _remember(self, indexes: list[int], device: torch.device) -> None:
        """Computes missing features one image at a time: a batch's make-up would show in the last bits."""
        import torch

        for index in dict.fromkeys(indexes):
            if index in self.reference:
                continue
            pixels = torch.from_numpy(self.images[index]).permute(2, 0, 1).to(device).float() / 255.0
            with torch.no_grad(), self.autocast():
                features = stage_features(self.network, pixels[None])
            # On the CPU, where 124 images' 317 MB (the paper's) are in nobody's way.
            self.reference[index] = [stage[0].cpu() for stage in features]
