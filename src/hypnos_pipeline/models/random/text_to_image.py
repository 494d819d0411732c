"""Stable Diffusion 1.5's architecture with random weights.

The numbers are those of its published configurations (``unet/config.json``, ``vae/config.json``,
``text_encoder/config.json``, ``scheduler/scheduler_config.json`` of the diffusers release).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.models.libraries import prepare_diffusers
from hypnos_pipeline.models.random.drawing import drawn
from hypnos_pipeline.models.random.encoders import clip_text
from hypnos_pipeline.models.random.tokenizer import make_synthetic_tokenizer

if TYPE_CHECKING:
    from hypnos_pipeline.models.text_to_image import TextToImage

UNET: dict[str, Any] = {
    "sample_size": 64,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
    "norm_num_groups": 32,
}
VAE: dict[str, Any] = {
    "sample_size": 512,
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
    "norm_num_groups": 32,
    "scaling_factor": 0.18215,
}
TEXT_ENCODER = {**clip_text(768, 768), "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
SCHEDULER: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "prediction_type": "epsilon",
}


def make_text_to_image(
    seed: int,
    unet: dict[str, Any] = UNET,
    vae: dict[str, Any] = VAE,
    text_encoder: dict[str, Any] = TEXT_ENCODER,
) -> TextToImage:
    """Makes the model with the libraries' own initialisation, float32.

    Args:
        seed: Of the weights.
        unet: Arguments of ``UNet2DConditionModel``.
        vae: Arguments of ``AutoencoderKL``.
        text_encoder: Arguments of ``CLIPTextConfig``; ``vocab_size`` is the tokenizer's too.
    """
    prepare_diffusers()
    from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    from hypnos_pipeline.models.text_to_image import TextToImage

    return TextToImage(
        unet=drawn(lambda: UNet2DConditionModel(**unet), seed, "unet"),
        text_encoder=drawn(lambda: CLIPTextModel(CLIPTextConfig(**text_encoder)), seed, "text_encoder"),
        vae=drawn(lambda: AutoencoderKL(**vae), seed, "vae"),
        tokenizer=make_synthetic_tokenizer(text_encoder["vocab_size"]),
        scheduler=PNDMScheduler(**SCHEDULER),
    )


def save_stable_diffusion_1_5(folder: Path, seed: int) -> None:
    """Writes the model as a diffusers folder."""
    from hypnos_pipeline.models.text_to_image import save_text_to_image

    save_text_to_image(make_text_to_image(seed), folder)
