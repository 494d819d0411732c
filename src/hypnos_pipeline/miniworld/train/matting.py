"""The small matting network, which cuts samples out: a U-Net trained on exact mattes.

Samples are softer than renders, because an autoencoder decoded them. So half of the images that the network
sees went through the autoencoder, their latents a little disturbed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hypnos_pipeline.imaging.mattes.network import FILE, remove_backgrounds, save_network
from hypnos_pipeline.imaging.mattes.unet import MatteUNet
from hypnos_pipeline.miniworld.config import MattingConfig
from hypnos_pipeline.miniworld.render.dataset import save_array
from hypnos_pipeline.miniworld.render.mattes import SIZE, draw_pictures
from hypnos_pipeline.miniworld.train.nets import fit
from hypnos_pipeline.miniworld.train.results import training_key
from hypnos_pipeline.randomness import generator, numpy_generator, seed_for
from hypnos_pipeline.storage.checkpoints import open_checkpoints
from hypnos_pipeline.storage.replacing import replaced_folder
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings

DISTURBED = (0.0, 0.1, 0.25)
"""Standard deviations of the noise on a latent before it is decoded, drawn alike; latents have about 1."""


def render_pictures(
    folder: Path, count: int, seed: int, stream: str, vae: Any, workers: int
) -> tuple[np.ndarray, np.ndarray]:
    """Renders pictures and their mattes, ``images`` and ``mattes`` (.npy), and returns them.

    The second half of the pictures went through the autoencoder.
    """
    images, mattes = draw_pictures(seed, stream, count, workers)
    images[count // 2 :] = round_trip(vae, images[count // 2 :], seed, f"{stream}/latent_noise")
    save_array(folder / "images.npy", images)
    save_array(folder / "mattes.npy", mattes)
    return images, mattes


def round_trip(vae: Any, images: np.ndarray, seed: int, stream: str) -> np.ndarray:
    """Encodes images N×64×64×3 uint8, disturbs their latents by ``DISTURBED``, and decodes them again."""
    import torch

    parts = []
    for start in range(0, len(images), 50):
        x = torch.from_numpy(np.array(images[start : start + 50])).permute(0, 3, 1, 2).float() / 127.5 - 1
        draws = generator(seed, stream, start)
        amounts = torch.tensor(DISTURBED)[torch.randint(len(DISTURBED), (len(x),), generator=draws)]
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            latents = vae.encode(x).latent_dist.mean
            noise = torch.randn(latents.shape, generator=draws) / vae.config.scaling_factor
            decoded = vae.decode(latents + amounts[:, None, None, None] * noise).sample.float()
        parts.append(((decoded / 2 + 0.5).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy())
    return np.concatenate(parts)


def train_matting(
    root: Path, folder: Path, vae: Any, config: MattingConfig, seed: int, workers: int = 1,
    checkpoints: CheckpointSettings = OFF,
) -> dict[str, Any]:  # fmt: skip
    """Renders its pictures, trains the network, measures it on held-back pictures, and saves it.

    Args:
        root: Receives the pictures, below ``mattes``.
        folder: Of the finished network, replaced.
        vae: The miniature autoencoder, diffusers' ``AutoencoderKL``.
        config: Pictures, channels, steps and rate.
        seed: Of all draws.
        workers: Processes that render.
        checkpoints: When the state is saved, and where; changes nothing of the result.

    Returns:
        What ``training.json`` holds: the settings, and the mean overlap with the true mattes.
    """
    import torch

    (images, mattes), held = (
        render_pictures(root / "mattes" / name, count, seed, f"miniworld/mattes/{name}", vae, workers)
        for name, count in (("train", config.train), ("heldout", config.heldout))
    )
    files = [root / "mattes/train" / name for name in ("images.npy", "mattes.npy")]
    torch.manual_seed(seed_for(seed, "miniworld/matting/init") % 2**32)
    unet = MatteUNet(config.channels).to(memory_format=torch.channels_last).train()

    def loss_at(step: int) -> torch.Tensor:
        rng = numpy_generator(seed, "miniworld/matting/batch", step)
        index = np.sort(rng.integers(len(mattes), size=config.batch))
        x, wanted = _moved(images[index], mattes[index], rng)
        with torch.autocast("cpu", torch.bfloat16):
            logits = unet(x)
        return matte_loss(logits.float()[:, 0], wanted)

    key = training_key("matting", [config.model_dump(), seed], files)
    fit("matting", {"model": unet}, loss_at, config, open_checkpoints(checkpoints, "matting", key, {}))
    made = {
        "parameters": sum(p.numel() for p in unet.parameters()),
        "images_seen": config.steps * config.batch,
        "seed": seed,
    }
    with replaced_folder(folder) as part:
        save_network(unet, SIZE, config.channels, part / FILE)
        made |= {"heldout_iou": heldout_iou(part / FILE, *held)}
        (part / "training.json").write_text(json.dumps(made, indent=1))
    return made


def matte_loss(logits: Any, wanted: Any) -> Any:
    """Cross entropy of each pixel, and one less the overlap (Dice) of each image, B×H×W to a mean."""
    from torch.nn.functional import binary_cross_entropy_with_logits

    found = logits.sigmoid()
    both, either = (found * wanted).sum((1, 2)), (found + wanted).sum((1, 2))
    return binary_cross_entropy_with_logits(logits, wanted) + 0.5 * (1 - (2 * both + 1) / (either + 1)).mean()


def _moved(images: np.ndarray, mattes: np.ndarray, rng: np.random.Generator) -> tuple[Any, Any]:
    """Mirrors half of all batches and shifts them by a few pixels; returns B×3×H×W and B×H×W in [0, 1]."""
    import torch

    shift, step = tuple(rng.integers(-6, 7, 2)), -1 if rng.random() < 0.5 else 1
    images, mattes = (np.roll(array[:, :, ::step], shift, (1, 2)) for array in (images, mattes))
    x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    return x, torch.from_numpy(np.ascontiguousarray(mattes)).float() / 255


def iou(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Returns the overlap of mattes N×H×W in [0, 1] with the true ones: N values, intersection over union."""
    union = np.maximum(found, true).sum((1, 2))
    return np.minimum(found, true).sum((1, 2)) / np.maximum(union, 1e-6)


def heldout_iou(network: Path, images: np.ndarray, mattes: np.ndarray) -> dict[str, float]:
    """Returns the mean overlap on held-back renders, and on those that went through the autoencoder.

    ``nothing`` is the mean share of a picture without an object that is taken for one.
    """
    true = mattes.astype(np.float32) / 255
    found = remove_backgrounds(images, network=network)
    overlap, there = iou(found, true), true.sum((1, 2)) > 0
    soft = np.arange(len(images)) >= len(images) // 2
    means = {
        "renders": float(overlap[there & ~soft].mean()),
        "through_autoencoder": float(overlap[there & soft].mean()),
    }
    return means if there.all() else means | {"nothing": float(found[~there].mean())}
