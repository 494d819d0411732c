"""The paper's networks at their true sizes, and images for them: to be built where tensors are fake."""

# pyright: standard, reportPrivateImportUsage=false

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hypnos_pipeline.models.runtime import precision

if TYPE_CHECKING:
    from hypnos_pipeline.metrics.features import MetricNetworks
    from hypnos_pipeline.models.settings import RuntimeSettings
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.latents import LatentCache

PHOTOS = ("00", "01", "02", "03")
PROMPT = "a photo of sks robot"
KINDS = {
    "pool": ("original", "recoloured", "resized"),
    "fakes": ("negative", "masked", "coloured_negative", "coloured_masked"),
    "class_prior": ("prior",),
}
CPU = torch.device("cpu")


def autoencoder() -> Any:
    """Builds Stable Diffusion 1.5's VAE."""
    from diffusers import AutoencoderKL

    from hypnos_pipeline.models.random.text_to_image import VAE

    return AutoencoderKL(**VAE).eval().requires_grad_(False)


def stable_diffusion(runtime: RuntimeSettings | None = None) -> TextToImage:
    """Builds Stable Diffusion 1.5.

    Args:
        runtime: With a VAE kept as ``frozen_vae`` names it; None for one in float32.
    """
    from hypnos_pipeline.models.random.text_to_image import make_text_to_image

    model = make_text_to_image(seed=0)
    if runtime is not None and runtime.frozen_vae != "float32":
        # As training/frozen_vae.py does it, which fake tensors cannot: they refuse to be converted in place.
        torch.set_default_dtype(precision(runtime, CPU))
        try:
            model.vae = autoencoder()
        finally:
            torch.set_default_dtype(torch.float32)
    return model


def latents(image_size: int) -> LatentCache:
    """Returns posteriors of a small subject; to be built before tensors are fake, so that none is counted."""
    from hypnos_pipeline.training.latents import LatentCache

    rows = {
        section: [
            {"name": f"{kind}_{photo}", "kind": kind, "photo": photo, "prompt": PROMPT}
            for kind, photo in product(kinds, PHOTOS)
        ]
        for section, kinds in KINDS.items()
    }
    shape = (4, image_size // 8, image_size // 8)
    means = {section: torch.zeros(len(each), *shape) for section, each in rows.items()}
    return LatentCache(means, dict(means), rows, 0.18215)


def pixels(count: int, image_size: int) -> np.ndarray:
    """Returns black images, uint8 N×S×S×3."""
    return np.zeros((count, image_size, image_size, 3), np.uint8)


def efficientnet() -> Any:
    """Builds L_p's network."""
    import timm

    return timm.create_model("efficientnet_b1", pretrained=False).eval().requires_grad_(False)


def metric_networks() -> MetricNetworks:
    """Builds every network of the evaluation."""
    from torchvision.models import alexnet
    from transformers import ViTConfig, ViTModel
    from transformers.initialization import no_init_weights

    from hypnos_pipeline.metrics.features import MetricNetworks
    from hypnos_pipeline.models.inception import FidInceptionNetwork, FidInceptionV3
    from hypnos_pipeline.models.lpips import ALEXNET_TAPS, AlexNetLpipsNetwork
    from hypnos_pipeline.models.networks import ImageEncoder
    from hypnos_pipeline.models.preprocessing import Preprocessing
    from hypnos_pipeline.models.random.encoders import CLIP_VIT_B32, CLIP_VIT_L14, DINO_VITS16

    with no_init_weights():  # it draws again what lies too far out, which fake numbers never satisfy
        dino = ViTModel(ViTConfig(**DINO_VITS16), add_pooling_layer=False).eval()
    backbone: Any = alexnet(weights=None)
    heads = [torch.zeros(backbone.features[tap - 1].out_channels) for tap in ALEXNET_TAPS]
    return MetricNetworks(
        device=CPU,
        dino=ImageEncoder(
            dino,
            Preprocessing(256, 224, (0.5,) * 3, (0.5,) * 3),
            lambda x: dino(pixel_values=x).last_hidden_state[:, 0],
        ),
        clip=_clip(CLIP_VIT_L14),
        clip_b32=_clip(CLIP_VIT_B32),
        inception=FidInceptionNetwork(FidInceptionV3()),
        lpips=AlexNetLpipsNetwork(backbone.state_dict(), heads),
    )


def _clip(configuration: dict[str, Any]) -> Any:
    from transformers import CLIPConfig, CLIPModel

    from hypnos_pipeline.models.networks import ClipNetwork, ImageEncoder
    from hypnos_pipeline.models.preprocessing import Preprocessing
    from hypnos_pipeline.models.random.tokenizer import make_synthetic_tokenizer

    config = CLIPConfig(**configuration)
    model: Any = CLIPModel(config).eval()
    tokenizer = make_synthetic_tokenizer(config.text_config.vocab_size)  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
    images = ImageEncoder(
        model,
        Preprocessing(224, 224, (0.5,) * 3, (0.5,) * 3),
        lambda x: model.get_image_features(pixel_values=x).pooler_output,
    )
    return ClipNetwork(model, tokenizer, images)
