"""Small convolutional nets in timm's folder format: the classifier, and three that loss and metrics use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hypnos_pipeline.miniworld.config import EncoderConfig
from hypnos_pipeline.miniworld.render.dataset import LABELS, load_set
from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES
from hypnos_pipeline.miniworld.render.words import BACKGROUNDS, CLASSES, STYLE_NAMES, TYPES
from hypnos_pipeline.miniworld.train.descent import Descent, rate_at
from hypnos_pipeline.miniworld.train.results import training_key
from hypnos_pipeline.randomness import numpy_generator, seed_for
from hypnos_pipeline.storage.checkpoints import Checkpoints, open_checkpoints
from hypnos_pipeline.storage.replacing import replaced_folder
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.training.driver import drive

if TYPE_CHECKING:
    import torch

# Logits in this order; -1 labels (no second colour, no wall, no style) are left out of the loss.
HEADS: dict[str, int] = {
    "cls": len(CLASSES),
    "first": len(COLOR_NAMES),
    "second": len(COLOR_NAMES),
    "background": len(BACKGROUNDS),
    "wall": len(COLOR_NAMES),
    "kind": len(TYPES),
    "style": len(STYLE_NAMES),
}
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def split_logits(logits) -> dict:
    """Cuts (n, sum of HEADS) into one block per head."""
    import torch

    return dict(zip(HEADS, torch.split(logits, list(HEADS.values()), dim=1), strict=True))


def heads_loss(logits, labels):
    """Sum of cross entropies; labels of -1 count for nothing."""
    import torch.nn.functional as functional

    total = 0.0
    for name, block in split_logits(logits).items():
        target = labels[:, LABELS.index(name)]
        if (target >= 0).any():
            total = total + functional.cross_entropy(block, target, ignore_index=-1)
    return total


def accuracies(logits, labels) -> dict[str, float]:
    """Fraction right per head, where there is a label."""
    out = {}
    for name, block in split_logits(logits).items():
        target = labels[:, LABELS.index(name)]
        known = target >= 0
        if known.any():
            out[name] = float((block.argmax(1)[known] == target[known]).float().mean())
    return out


def to_input(images: np.ndarray):
    """uint8 (n, 64, 64, 3) to normalised float (n, 3, 64, 64)."""
    import torch

    x = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
    return (x - MEAN[0]) / STD[0]


def augment(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shifts by a few pixels and sometimes blurs, as sampled pictures are softer than renders."""
    dy, dx = rng.integers(-4, 5, 2)
    images = np.roll(images, (dy, dx), (1, 2))
    if rng.random() < 0.4:
        x = images.astype(np.float32)
        for axis in (1, 2):
            x = 0.5 * x + 0.25 * (np.roll(x, 1, axis) + np.roll(x, -1, axis))
        images = x.astype(np.uint8)
    return images


def fit(
    label: str,
    networks: dict[str, torch.nn.Module],
    loss_at: Callable[[int], torch.Tensor],
    config: EncoderConfig,
    saved: Checkpoints | None = None,
) -> None:
    """Minimises ``loss_at(step)`` over ``config.steps`` steps with AdamW and a cosine rate.

    Args:
        label: Shown before the progress bar.
        networks: What is trained, by name.
        loss_at: Step, from 0, to loss.
        config: Steps and rate.
        saved: This training's checkpoints.
    """

    def factor_at(step: int) -> float:
        return rate_at(step, config.steps, 50, 0.3)

    rates = dict.fromkeys(networks, config.rate)
    training = Descent(networks, loss_at, factor_at, rates, weight_decay=1e-2, betas=(0.9, 0.999))
    drive(training, config.steps, label, saved)


def train_net(
    root: Path,
    folder: Path,
    architecture: str,
    args: dict,
    config: EncoderConfig,
    seed: int,
    checkpoints: CheckpointSettings = OFF,
) -> dict:
    """Trains one timm architecture on the rendered set and saves it; returns held-out accuracies."""
    import timm
    import torch

    name = folder.name
    data, held = load_set(root / "set/train"), load_set(root / "set/heldout")
    labels = torch.from_numpy(np.asarray(data["labels"], dtype=np.int64))
    torch.manual_seed(seed_for(seed, f"miniworld/{name}/init") % 2**32)
    model = timm.create_model(architecture, num_classes=sum(HEADS.values()), **args)
    model.train()

    def loss_at(step: int):
        rng = numpy_generator(seed, f"miniworld/{name}/batch", step)
        index = np.sort(rng.integers(len(labels), size=config.batch))
        return heads_loss(model(to_input(augment(data["images"][index], rng))), labels[index])

    files = [root / "set/train" / f"{part}.npy" for part in ("images", "labels")]
    key = training_key(name, [architecture, args, config.model_dump(), seed], files)
    fit(name, {"model": model}, loss_at, config, open_checkpoints(checkpoints, name, key, {}))
    model.eval()
    made = {
        "architecture": architecture,
        "parameters": sum(p.numel() for p in model.parameters()),
        "images_seen": config.steps * config.batch,
        "seed": seed,
        "heldout_accuracy": _heldout_accuracies(model, held),
        "heads": HEADS,
    }
    save_timm(model, folder, architecture, args, made)
    return made


def _heldout_accuracies(model, held: dict) -> dict[str, float]:
    import torch

    with torch.no_grad():
        logits = torch.cat(
            [model(to_input(held["images"][a : a + 250])) for a in range(0, len(held["labels"]), 250)]
        )
    return accuracies(logits, torch.from_numpy(np.asarray(held["labels"], dtype=np.int64)))


# Of the encoders' preprocessors, in transformers' words.
RESCALED = {"do_rescale": True, "rescale_factor": 1 / 255, "resample": 3, "do_normalize": True}
NORMALISED = {"image_mean": list(MEAN), "image_std": list(STD)}


def save_encoder(model, folder: Path, made: dict, processor: dict, tokenizer=None) -> None:
    """Writes a transformers folder in fp16 with its preprocessor and, where it has one, its tokenizer.

    Args:
        model: Converted to fp16 in place.
        folder: Replaced.
        made: What was measured, for ``training.json``.
        processor: Content of the preprocessor's configuration.
        tokenizer: Saved beside it.
    """
    import torch

    with replaced_folder(folder) as part:
        model.to(torch.float16).save_pretrained(part, safe_serialization=True)
        if tokenizer:
            tokenizer.save_pretrained(part)
        (part / "preprocessor_config.json").write_text(json.dumps(processor, indent=1))
        (part / "training.json").write_text(json.dumps(made, indent=1))


def save_timm(model, folder: Path, architecture: str, args: dict, made: dict) -> None:
    """Writes timm's hub layout, loadable as ``timm.create_model("local-dir:<folder>", pretrained=True)``."""
    import torch
    from safetensors.torch import save_file

    with replaced_folder(folder) as part:
        half = {k: v.to(torch.float16) if v.is_floating_point() else v for k, v in model.state_dict().items()}
        save_file({k: v.contiguous() for k, v in half.items()}, part / "model.safetensors")
        config = {
            "architecture": architecture,
            "num_classes": sum(HEADS.values()),
            "num_features": model.num_features,
            "model_args": args,
            "pretrained_cfg": {
                "input_size": [3, 64, 64],
                "fixed_input_size": False,
                "interpolation": "bicubic",
                "crop_pct": 1.0,
                "mean": list(MEAN),
                "std": list(STD),
                "num_classes": sum(HEADS.values()),
            },
        }
        (part / "config.json").write_text(json.dumps(config, indent=1))
        (part / "training.json").write_text(json.dumps(made, indent=1))
