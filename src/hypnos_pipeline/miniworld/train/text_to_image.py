"""Joint training of the UNet and the text encoder from scratch, on precomputed latents."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hypnos_pipeline.miniworld.config import TextToImageConfig
from hypnos_pipeline.miniworld.train.descent import Descent, rate_at
from hypnos_pipeline.miniworld.train.results import is_done, save_result, training_key
from hypnos_pipeline.models.byte_pairs import MAX_LENGTH
from hypnos_pipeline.randomness import generator, numpy_generator, seed_for
from hypnos_pipeline.storage.checkpoints import open_checkpoints
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.training.driver import Row, drive


def build_models(config: TextToImageConfig, tokenizer, seed: int):
    """Returns ``(unet, text_encoder)`` with seeded fresh weights."""
    import torch
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(seed_for(seed, "miniworld/t2i/init") % 2**32)
    levels = len(config.channels)
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        layers_per_block=config.layers,
        block_out_channels=config.channels,
        down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * (levels - 1)),
        up_block_types=(*["CrossAttnUpBlock2D"] * (levels - 1), "UpBlock2D"),
        cross_attention_dim=config.width,
        attention_head_dim=config.heads,
        norm_num_groups=config.groups,
    )
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.width,
            intermediate_size=4 * config.width,
            projection_dim=config.width,
            num_hidden_layers=config.text_layers,
            num_attention_heads=config.text_heads,
            max_position_embeddings=MAX_LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    return unet, text


def scheduler_config(prediction: str) -> dict:
    """The noise schedule of Stable Diffusion 1.5."""
    return {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": 1000,
        "steps_offset": 1,
        "prediction_type": prediction,
    }


def draw_batch(data: dict, config: TextToImageConfig, seed: int, step: int) -> dict:
    """Draws pictures, caption variants, timesteps and noise of one step from ``(seed, stream, step)``."""
    import torch

    rng = numpy_generator(seed, "miniworld/t2i/batch", step)
    index = rng.integers(len(data["latents"]), size=config.batch)
    variant = rng.integers(data["tokens"].shape[1], size=config.batch)
    ids = np.full((config.batch, MAX_LENGTH), data["pad"], np.int64)
    rows = data["tokens"][index, variant].astype(np.int64)
    ids[:, : rows.shape[1]] = rows
    ids[rng.random(config.batch) < config.dropout] = data["empty"]
    # One timestep per stratum: the same uniform distribution with a less noisy loss.
    t = ((rng.permutation(config.batch) + rng.random(config.batch)) / config.batch * 1000).astype(np.int64)
    latents = torch.from_numpy(data["latents"][index].astype(np.float32))
    return {
        "latents": latents,
        "weight": 1
        + config.object_weight * torch.from_numpy(data["mask16"][index].astype(np.float32) / 255)[:, None],
        "ids": torch.from_numpy(ids),
        "t": torch.from_numpy(t),
        "noise": torch.randn(latents.shape, generator=generator(seed, "miniworld/t2i/noise", step)),
    }


def loss_of(unet, text, batch: dict, alpha_bar, config: TextToImageConfig):
    """Weighted squared error of the prediction.

    The weight is min(SNR, clip) in terms of z0, raised towards pure noise: there the picture's large
    areas of colour are decided, and an error of epsilon is an error of z0 many times as large.
    """
    import torch

    abar = alpha_bar[batch["t"]][:, None, None, None]
    noisy = abar.sqrt() * batch["latents"] + (1 - abar).sqrt() * batch["noise"]
    snr = abar / (1 - abar)
    if config.prediction == "epsilon":
        target, scale = batch["noise"], snr.clamp(max=config.snr_clip) / snr
    else:
        target = abar.sqrt() * batch["noise"] - (1 - abar).sqrt() * batch["latents"]
        scale = snr.clamp(max=config.snr_clip) / (snr + 1)
    scale = scale * (1 + config.high_noise_weight * (batch["t"][:, None, None, None] / 1000) ** 3)
    with torch.autocast("cpu", torch.bfloat16, enabled=config.bf16):
        hidden = text(batch["ids"]).last_hidden_state
        out = unet(noisy, batch["t"], hidden).sample
    return ((out.float() - target) ** 2 * batch["weight"] * scale).mean()


def load_training_data(folder: Path, tokenizer) -> dict:
    """Reads the prepared arrays into memory."""
    data = {name: np.load(folder / f"{name}.npy") for name in ("latents", "mask16", "tokens")}
    data["pad"] = tokenizer.pad_token_id
    data["empty"] = np.array(tokenizer("", padding="max_length", max_length=MAX_LENGTH).input_ids)
    return data


def train(
    folder: Path,
    result: Path,
    tokenizer,
    config: TextToImageConfig,
    seed: int,
    checkpoints: CheckpointSettings = OFF,
) -> list[Row]:
    """Trains all steps to ``result``, unless it is there.

    Args:
        folder: The prepared set (:func:`hypnos_pipeline.miniworld.train.latents.prepare`).
        result: One safetensors file of averaged weights.
        tokenizer: The set's.
        config: Of the model and its training.
        seed: Of the weights and draws.
        checkpoints: When the state is saved, and where; changes nothing of the result.

    Returns:
        The learning curve; empty if the result was there.
    """
    import torch
    from diffusers import DDPMScheduler

    files = [folder / f"{part}.npy" for part in ("latents", "mask16", "tokens")]
    key = training_key("text_to_image", [config.model_dump(), seed, tokenizer.get_vocab()], files)
    if is_done(result, key):
        return []
    data = load_training_data(folder, tokenizer)
    unet, text = build_models(config, tokenizer, seed)
    networks = {"unet": unet.train(), "text": text.train()}
    alpha_bar = DDPMScheduler(**scheduler_config(config.prediction)).alphas_cumprod

    def loss_at(step: int) -> torch.Tensor:
        return loss_of(unet, text, draw_batch(data, config, seed, step), alpha_bar, config)

    def factor_at(step: int) -> float:
        return rate_at(step, config.steps, config.warmup, config.constant)

    rates = {"unet": config.rate, "text": config.rate * config.text_rate}
    training = Descent(networks, loss_at, factor_at, rates, decay=config.ema)
    saved = open_checkpoints(checkpoints, "text_to_image", key, {})
    curve = drive(training, config.steps, "text to image", saved)
    save_result(result, training.average, config.steps, key)
    return curve
