"""The AutoencoderKL: its decoder learns the fixed linear latent, then its encoder is regressed onto it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from hypnos_pipeline.miniworld.config import AutoencoderConfig
from hypnos_pipeline.miniworld.train.descent import Descent, rate_at
from hypnos_pipeline.miniworld.train.results import is_done, load_result, save_result, training_key
from hypnos_pipeline.randomness import generator, numpy_generator, seed_for
from hypnos_pipeline.storage.checkpoints import open_checkpoints
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.training.driver import Row, drive

PARTS = {"decoder": ("decoder", "post_quant_conv"), "encoder": ("encoder", "quant_conv")}


def build(config: AutoencoderConfig, seed: int) -> Any:
    """Returns a fresh ``AutoencoderKL``, 64 px to 4 x 16 x 16."""
    import torch
    from diffusers import AutoencoderKL

    torch.manual_seed(seed_for(seed, "miniworld/vae/init") % 2**32)
    levels = len(config.channels)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        sample_size=64,
        norm_num_groups=config.groups,
        down_block_types=("DownEncoderBlock2D",) * levels,  # pyright: ignore[reportArgumentType]
        up_block_types=("UpDecoderBlock2D",) * levels,  # pyright: ignore[reportArgumentType]
        block_out_channels=config.channels,  # pyright: ignore[reportArgumentType]
        layers_per_block=config.layers,
        scaling_factor=config.scale,
    )


def _part(vae, name: str) -> dict:
    """Returns the modules of the decoder or of the encoder by name."""
    return {key: getattr(vae, key) for key in PARTS[name]}


def _batch(data: dict, config: AutoencoderConfig, seed: int, stream: str, step: int):
    """Returns pictures (b, 3, 64, 64) in [-1, 1] and their linear latents (b, 4, 16, 16)."""
    import torch

    index = numpy_generator(seed, stream, step).integers(len(data["images"]), size=config.batch)
    images = torch.from_numpy(data["images"][index]).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images, torch.from_numpy(data["latents"][index].astype(np.float32))


def _slopes(x):
    return x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]


def decoder_loss(vae, images, latents, noise, config: AutoencoderConfig):
    """Absolute error of the picture and of its gradients, so that edges stay edges."""
    import torch

    with torch.autocast("cpu", torch.bfloat16, enabled=config.bf16):
        out = vae.decoder(vae.post_quant_conv(latents + config.noise * noise))
    out = out.float()
    edges = sum((a - b).abs().mean() for a, b in zip(_slopes(out), _slopes(images), strict=True))
    return (out - images).abs().mean() + 2 * ((out - images) ** 2).mean() + config.gradient_weight * edges


def encoder_loss(vae, images, latents, noise, config: AutoencoderConfig):
    """Squared error of the posterior's mean against the linear latent."""
    import torch

    with torch.autocast("cpu", torch.bfloat16, enabled=config.bf16):
        mean = vae.quant_conv(vae.encoder(images))[:, :4]
    return ((mean.float() - latents) ** 2).mean()


def train_part(
    name: str,
    folder: Path,
    result: Path,
    config: AutoencoderConfig,
    seed: int,
    checkpoints: CheckpointSettings = OFF,
) -> list[Row]:
    """Trains ``decoder`` or ``encoder`` to ``result``, unless it is there.

    Args:
        name: ``decoder`` or ``encoder``.
        folder: The prepared set (:func:`hypnos_pipeline.miniworld.train.latents.prepare`).
        result: One safetensors file of averaged weights.
        config: Of the autoencoder.
        seed: Of the weights and draws.
        checkpoints: When the state is saved, and where; changes nothing of the result.

    Returns:
        The learning curve; empty if the result was there.
    """
    import torch

    files = [folder / f"{part}.npy" for part in ("images", "latents")]
    key = training_key(name, [config.model_dump(), seed], files)
    if is_done(result, key):
        return []
    data = {key: np.load(folder / f"{key}.npy", mmap_mode="r") for key in ("images", "latents")}
    vae = build(config, seed)
    part, stream = _part(vae, name), f"miniworld/vae/{name}"
    steps = config.decoder_steps if name == "decoder" else config.encoder_steps
    objective = decoder_loss if name == "decoder" else encoder_loss

    def loss_at(step: int) -> torch.Tensor:
        images, latents = _batch(data, config, seed, f"{stream}/batch", step)
        noise = torch.randn(latents.shape, generator=generator(seed, f"{stream}/noise", step))
        return objective(vae, images, latents, noise, config)

    rates = dict.fromkeys(part, config.rate)
    training = Descent(part, loss_at, lambda step: rate_at(step, steps, 100, 0.3), rates, decay=0.998)
    curve = drive(training, steps, f"autoencoder's {name}", open_checkpoints(checkpoints, name, key, {}))
    assert training.average is not None
    save_result(result, training.average, steps, key)
    return curve


def assemble(decoder: Path, encoder: Path | None, config: AutoencoderConfig, seed: int):
    """Joins the averaged halves; outside, latents are the linear ones divided by the scaling factor.

    The posterior's standard deviation is made constant, ``config.noise`` in scaled units: the noise that the
    decoder was trained on.
    """
    import torch

    vae = build(config, seed)
    for name, path in (("decoder", decoder), ("encoder", encoder)):
        if path is not None and path.exists():
            torch.nn.ModuleDict(_part(vae, name)).load_state_dict(load_result(path)[0])
    with torch.no_grad():
        vae.post_quant_conv.weight *= config.scale
        vae.quant_conv.weight[:4] /= config.scale
        vae.quant_conv.bias[:4] /= config.scale
        vae.quant_conv.weight[4:] = 0
        vae.quant_conv.bias[4:] = 2 * math.log(config.noise / config.scale)
    return vae.eval()


def psnr_of(vae, folder: Path, count: int = 500) -> dict[str, float]:
    """Measures dB on a held-out set: decoder on the linear latent, and the full round trip."""
    import torch

    images = np.load(folder / "images.npy", mmap_mode="r")[:count]
    latents = np.load(folder / "latents.npy", mmap_mode="r")[:count].astype(np.float32)
    x = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
    found = {"decoder_db": [], "round_trip_db": []}
    errors = []
    with torch.no_grad():
        for a in range(0, len(images), 50):
            z = torch.from_numpy(latents[a : a + 50]) / vae.config.scaling_factor
            own = vae.encode(x[a : a + 50] * 2 - 1).latent_dist.mean
            errors.append(float(((own - z) ** 2).mean() * vae.config.scaling_factor**2))
            for key, code in (("decoder_db", z), ("round_trip_db", own)):
                out = (vae.decode(code).sample / 2 + 0.5).clamp(0, 1)
                mse = ((out - x[a : a + 50]) ** 2).flatten(1).mean(1)
                found[key].append(-10 * torch.log10(mse))
    result = {key: float(torch.cat(values).mean()) for key, values in found.items()}
    return {**result, "encoder_error": float(np.mean(errors))}
