"""Tiny random networks of the real classes, built in memory in milliseconds; every call returns fresh ones.

Nothing here draws from torch's global generator as seen from outside.
"""

from __future__ import annotations

import copy
import json
from functools import lru_cache
from pathlib import Path

from hypnos_pipeline.models.preprocessing import CONFIGURATION
from hypnos_pipeline.models.random.drawing import drawn
from hypnos_pipeline.models.random.encoders import CLIP_PREPROCESSING, CLIP_VIT_B32
from hypnos_pipeline.models.random.text_to_image import TEXT_ENCODER, UNET, VAE, make_text_to_image

_LINES = (
    "a an photo painting sketch of on in the at , . - background room beach snow night light dim bright",
    "red green blue yellow white black grey robot chair figurine mug lego rattan sks ohwx",
)
WORDS = tuple(word for line in _LINES for word in line.split())
TOWER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
"""A transformer's sizes."""


def tiny_text_to_image(
    prediction_type: str = "epsilon",
    latent: int = 8,
    scheduler: str = "PNDMScheduler",
    seed: int = 0,
    **schedule,
):
    """A ``TextToImage`` of 4 latent channels; images are twice the latent's edge (``latent=8``: 16 px).

    Args:
        prediction_type: The scheduler's.
        latent: Edge of the latent (the UNet's ``sample_size``).
        scheduler: Class name in diffusers.
        seed: Of the weights.
        **schedule: Further keys of the scheduler.
    """
    import diffusers

    from hypnos_pipeline.models.text_to_image import TextToImage

    unet, text_encoder, vae = copy.deepcopy(_parts(latent, seed))
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    known = {"skip_prk_steps": True, "steps_offset": 1} if scheduler == "PNDMScheduler" else {}
    made = getattr(diffusers, scheduler)(**{**betas, **known, "prediction_type": prediction_type, **schedule})
    return TextToImage(
        unet=unet, text_encoder=text_encoder, vae=vae, tokenizer=tiny_tokenizer(), scheduler=made
    )


@lru_cache(maxsize=4)
def _parts(latent: int, seed: int):
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    sizes = {"layers_per_block": 1, "norm_num_groups": 8}
    unet = drawn(
        lambda: UNet2DConditionModel(
            sample_size=latent,
            in_channels=4,
            out_channels=4,
            block_out_channels=(16, 32),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=32,
            attention_head_dim=4,
            **sizes,
        ),
        seed,
        "unet",
    )
    vae = drawn(
        lambda: AutoencoderKL(
            block_out_channels=(16, 16),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
            sample_size=latent * 2,
            **sizes,
        ),
        seed,
        "vae",
    )
    text_encoder = drawn(lambda: CLIPTextModel(CLIPTextConfig(**_text(tiny_tokenizer()))), seed, "text")
    return unet, text_encoder, vae.requires_grad_(False)


def _text(tokenizer) -> dict:
    ends = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    sizes = {"vocab_size": len(tokenizer), "max_position_embeddings": 77, "projection_dim": 16}
    return TOWER | sizes | ends


def tiny_tokenizer():
    """A ``CLIPTokenizer`` in which every one of ``WORDS`` is one token."""
    from hypnos_pipeline.models.byte_pairs import make_tokenizer

    return make_tokenizer(_merges())


@lru_cache(maxsize=1)
def _merges() -> list[tuple[str, str]]:
    from hypnos_pipeline.models.byte_pairs import train_merges

    return train_merges(list(WORDS))


def _vision(image_size: int) -> dict:
    return TOWER | {
        "image_size": image_size,
        "patch_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }


def tiny_vit(image_size: int = 32, seed: int = 0):
    """A transformers ``ViTModel`` with one block and 32 features."""
    from transformers import ViTConfig, ViTModel

    return drawn(lambda: ViTModel(ViTConfig(**_vision(image_size)), add_pooling_layer=False), seed, "vit")


def tiny_clip(image_size: int = 32, seed: int = 0):
    """A transformers ``CLIPModel`` with 16 common features, and its tokenizer."""
    from transformers import CLIPConfig, CLIPModel

    tokenizer, vision = tiny_tokenizer(), _vision(image_size) | {"projection_dim": 16}
    config = CLIPConfig(text_config=_text(tokenizer), vision_config=vision, projection_dim=16)
    return drawn(lambda: CLIPModel(config), seed, "clip"), tokenizer


def save_tiny_text_to_image(folder: Path, **settings) -> Path:
    """Saves :func:`tiny_text_to_image` as a diffusers folder and returns it."""
    from hypnos_pipeline.models.text_to_image import save_text_to_image

    save_text_to_image(tiny_text_to_image(**settings), folder)
    return folder


def save_tiny_vit(folder: Path, image_size: int = 32) -> Path:
    """Saves :func:`tiny_vit` with its preprocessing as a transformers folder and returns it."""
    tiny_vit(image_size).save_pretrained(folder)
    _save_preprocessing(folder, image_size, do_center_crop=False)
    return folder


def save_tiny_clip(folder: Path, image_size: int = 32, seed: int = 0) -> Path:
    """Saves :func:`tiny_clip` with tokenizer and preprocessing as a transformers folder and returns it."""
    model, tokenizer = tiny_clip(image_size, seed)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _save_preprocessing(folder, image_size, do_center_crop=True)
    return folder


def _save_preprocessing(folder: Path, image_size: int, do_center_crop: bool) -> None:
    sizes = {"size": image_size, "crop_size": image_size, "do_center_crop": do_center_crop}
    (folder / CONFIGURATION).write_text(json.dumps(CLIP_PREPROCESSING | sizes))


def save_tiny_timm(folder: Path, architecture: str = "test_efficientnet", seed: int = 0) -> Path:
    """Saves a random timm network of 64 px as a timm folder (``local-dir:``) and returns it.

    Args:
        folder: Where.
        architecture: timm's name; the default is timm's own smallest EfficientNet (0.35 M parameters).
        seed: Of the weights.
    """
    import timm
    from safetensors.torch import save_file

    network = drawn(lambda: timm.create_model(architecture, num_classes=4), seed, architecture)
    names = ("mean", "std", "first_conv", "classifier")
    known = {name: network.pretrained_cfg[name] for name in names}
    content = {"architecture": architecture, "num_classes": 4, "num_features": network.num_features}
    content["pretrained_cfg"] = known | {"input_size": [3, 64, 64], "num_classes": 4}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(content))
    return folder


SMALL_CLIP = {
    "projection_dim": 32,
    "text_config": TEXT_ENCODER | TOWER | {"projection_dim": 32},
    "vision_config": CLIP_VIT_B32["vision_config"] | TOWER | {"projection_dim": 32},
}
"""CLIP's configuration with small towers, and the true size of vocabulary."""


def small_text_to_image(seed: int):
    """Stable Diffusion 1.5's architecture, every part of it small but the vocabulary."""
    width = {"layers_per_block": 1, "norm_num_groups": 8}
    unet = (
        UNET
        | width
        | {"block_out_channels": (16, 32, 32, 32), "cross_attention_dim": 32, "attention_head_dim": 4}
    )
    vae = VAE | width | {"block_out_channels": (8, 8, 16, 16)}
    return make_text_to_image(seed, unet, vae, TEXT_ENCODER | TOWER)
