"""The perceptual loss L_p on decoded clean latents (paper 3.4.3, 0.B.1, Eq. 5, 6)."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.models.text_to_image import decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import numpy as np
    import torch

    from hypnos_pipeline.training.settings import Perceptual

STAGES = (1, 2, 3)
_LARGEST_GRADIENT = 16.0
"""Of an image, on its way into a half-precision decoder: far from both ends of float16 (6e-8 and 65504)."""


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


def keep_in_range(latents: torch.Tensor, images: torch.Tensor) -> None:
    """Keeps the gradient of a half-precision decoder in float16's range, whatever the loss is multiplied by.

    The gradient of a mean over large feature maps is so small that float16 rounds it to zero. On its way into
    the decoder each image's gradient is multiplied by the power of two that makes its largest element 16 to
    32, and where it leaves the decoder it is divided by the same. Powers of two change no digit.

    Args:
        latents: What was decoded, float32 N×C×h×w, used for nothing else.
        images: The decoded images, float32 N×3×H×W.
    """
    import torch

    factors: list[torch.Tensor] = []

    def enlarge(gradient: torch.Tensor) -> torch.Tensor:
        largest = gradient.abs().amax(dim=(1, 2, 3), keepdim=True)
        largest = largest.clamp(min=2.0**-100)  # an image may have no gradient
        factors[:] = [_LARGEST_GRADIENT * torch.exp2(-largest.log2().floor())]
        return gradient * factors[0]

    images.register_hook(enlarge)
    latents.register_hook(lambda gradient: gradient / factors[0])


class PerceptualLoss:
    """L_p against the very pool image whose latent is noised; its features are computed once.

    With the photo instead of the pool image, L_p would pull the old background back. EfficientNet computes in
    float32 in every precision: as images come close, half precision would round their difference away.

    Args:
        network: EfficientNet; frozen and put into evaluation mode here.
        images: The pool, uint8 N×H×W×3, in the latent cache's order.
        settings: Stage weights and reduction.
        vae: The frozen autoencoder.
        autocast: Makes the context of the decoder's forward passes.
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
        import torch

        with self.autocast():
            half = torch.is_autocast_enabled(clean.device.type)
            latents = clean.view_as(clean) if half else clean
            decoded = decode(self.vae, latents)
        if half and decoded.requires_grad:
            keep_in_range(latents, decoded)
        return self.distance(decoded, indexes)

    def distance(self, decoded: torch.Tensor, indexes: list[int]) -> torch.Tensor:
        """Returns the distance of images in [0, 1] from pool images per sample, float32 N."""
        import torch
        from torch.utils.checkpoint import checkpoint

        self._remember(indexes, decoded.device)
        kept = zip(*(self.reference[index] for index in indexes), strict=True)
        reference = [torch.stack(stage).to(decoded.device) for stage in kept]
        # Where the decoder recomputes its activations, those of EfficientNet would be held beside them.
        if self.vae.is_gradient_checkpointing and torch.is_grad_enabled():
            ours = checkpoint(stage_features, self.network, decoded, use_reentrant=False)
        else:
            ours = stage_features(self.network, decoded)
        return feature_distance(ours, reference, self.settings.stage_weights, self.settings.reduction)

    def _remember(self, indexes: list[int], device: torch.device) -> None:
        """Computes missing features one image at a time: a batch's make-up would show in the last bits."""
        import torch

        for index in dict.fromkeys(indexes):
            if index in self.reference:
                continue
            pixels = torch.from_numpy(self.images[index]).permute(2, 0, 1).to(device).float() / 255.0
            with torch.no_grad():
                features = stage_features(self.network, pixels[None])
            # On the CPU, where 124 images' 317 MB (the paper's) are in nobody's way.
            self.reference[index] = [stage[0].cpu() for stage in features]
