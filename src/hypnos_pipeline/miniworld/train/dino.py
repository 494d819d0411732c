"""DINO (miniature): a small ViT whose [CLS] tells one instance from others of the same class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hypnos_pipeline.miniworld.config import EncoderConfig
from hypnos_pipeline.miniworld.render.dataset import load_set, save_array, to_bytes
from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES
from hypnos_pipeline.miniworld.render.scene import draw_instance, draw_scene, render
from hypnos_pipeline.miniworld.render.words import BACKGROUNDS, CLASSES, PLAIN, WALLED
from hypnos_pipeline.miniworld.train.nets import (
    HEADS,
    NORMALISED,
    RESCALED,
    augment,
    fit,
    heads_loss,
    save_encoder,
    to_input,
)
from hypnos_pipeline.miniworld.train.results import training_key
from hypnos_pipeline.randomness import numpy_generator, seed_for
from hypnos_pipeline.storage.checkpoints import Checkpoints, open_checkpoints
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings

WIDTH, LAYERS, VIEWS = 128, 5, 5


def draw_views(seed: int, stream: str, index: int) -> np.ndarray:
    """Renders one instance from ``VIEWS`` sides on other backgrounds, (views, 64, 64, 3) uint8.

    Neighbouring pairs of instances of one class share their colours, so that colour alone does not
    tell them apart.
    """
    cls = CLASSES[(index // 8) % len(CLASSES)]
    shared = numpy_generator(seed, f"{stream}/colors", index // 2)
    first, second = (str(c) for c in shared.choice(COLOR_NAMES, 2, replace=False))
    instance = draw_instance(cls, seed, stream, index, first, second if shared.random() < 0.6 else None)
    out = []
    for k in range(VIEWS):
        rng = numpy_generator(seed, f"{stream}/view", index * VIEWS + k)
        background = PLAIN if rng.random() < 0.3 else str(rng.choice(BACKGROUNDS))
        wall = str(rng.choice([c for c in COLOR_NAMES if c not in (first, second)]))
        scene = draw_scene(
            rng, cls, background=background, wall=wall if background in (PLAIN, WALLED) else None
        )
        out.append(to_bytes(render(instance, scene)["image"]))
    return np.stack(out)


def render_views(folder: Path, count: int, seed: int, stream: str) -> np.ndarray:
    """Renders (and keeps) the views of ``count`` instances, (count, views, 64, 64, 3)."""
    path = folder / "views.npy"
    if not path.exists():
        save_array(path, np.stack([draw_views(seed, stream, k) for k in range(count)]))
    return np.load(path, mmap_mode="r")


def build_vit(seed: int):
    """Returns a fresh ``ViTModel``, 64 px, patch 8."""
    import torch
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(seed_for(seed, "miniworld/dino/init") % 2**32)
    config = ViTConfig(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        intermediate_size=3 * WIDTH,
        image_size=64,
        patch_size=8,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return ViTModel(config, add_pooling_layer=False)


def embed(model, images: np.ndarray, chunk: int = 250):
    """Returns normalised [CLS] vectors (n, width) of uint8 pictures."""
    import torch

    with torch.no_grad():
        out = torch.cat(
            [
                model(pixel_values=to_input(images[a : a + chunk])).last_hidden_state[:, 0].float()
                for a in range(0, len(images), chunk)
            ]
        )
    return out / out.norm(dim=-1, keepdim=True)


def instance_auc(model, views: np.ndarray) -> float:
    """Probability that two views of one instance are closer than views of two instances of its class."""
    vectors = embed(model, np.concatenate(list(views))).reshape(len(views), VIEWS, -1).numpy()
    wins = []
    for k in range(len(views)):
        group = [
            j for j in range(len(views)) if (j // 8) % len(CLASSES) == (k // 8) % len(CLASSES) and j != k
        ]
        sims = vectors[k] @ vectors[k].T
        same = sims[np.triu_indices(VIEWS, 1)]
        other = np.concatenate([(vectors[k] @ vectors[j].T).ravel() for j in group])
        wins.append((same[:, None] > other[None]).mean())
    return float(np.mean(wins))


def warm_up(model, root: Path, config: EncoderConfig, seed: int, saved: Checkpoints | None = None) -> None:
    """Trains with label heads first: instance discrimination from nothing is slow to begin."""
    import torch

    data = load_set(root / "set/train")
    labels = torch.from_numpy(np.asarray(data["labels"], dtype=np.int64))
    head = torch.nn.Linear(WIDTH, sum(HEADS.values()))

    def loss_at(step: int):
        rng = numpy_generator(seed, "miniworld/dino/warm_up", step)
        index = np.sort(rng.integers(len(labels), size=config.batch))
        with torch.autocast("cpu", torch.bfloat16):
            cls = model(pixel_values=to_input(augment(data["images"][index], rng))).last_hidden_state[:, 0]
        return heads_loss(head(cls.float()), labels[index])

    fit("dino warm-up", {"model": model, "head": head}, loss_at, config, saved)


def discriminate(
    model, views: np.ndarray, config: EncoderConfig, seed: int, saved: Checkpoints | None = None
) -> None:
    """Pulls two views of an instance together against other instances of the same classes."""
    import torch
    import torch.nn.functional as functional

    blocks = len(views) // 8

    def loss_at(step: int):
        rng = numpy_generator(seed, "miniworld/dino/batch", step)
        # Whole runs of eight instances of one class: these are the hard negatives.
        chosen = (rng.choice(blocks, config.batch // 16, replace=False)[:, None] * 8 + np.arange(8)).ravel()
        pair = np.stack([rng.choice(VIEWS, 2, replace=False) for _ in chosen], 1)
        images = np.concatenate([views[chosen, pair[0]], views[chosen, pair[1]]])
        with torch.autocast("cpu", torch.bfloat16):
            cls = model(pixel_values=to_input(augment(images, rng))).last_hidden_state[:, 0]
        z = functional.normalize(cls.float(), dim=-1)
        sims = z @ z.T / 0.1
        sims.fill_diagonal_(-1e4)
        n = len(chosen)
        return functional.cross_entropy(sims, torch.cat([torch.arange(n, 2 * n), torch.arange(n)]))

    fit("dino", {"model": model}, loss_at, config, saved)


def save_vit(model, folder: Path, made: dict) -> None:
    """Writes a transformers folder with its preprocessor, fp16."""
    size = {"do_resize": True, "size": {"height": 64, "width": 64}}
    processor = {"image_processor_type": "ViTImageProcessor"} | size | RESCALED | NORMALISED
    save_encoder(model, folder, made, processor)


def train_dino(
    root: Path,
    folder: Path,
    supervised: EncoderConfig,
    config: EncoderConfig,
    seed: int,
    checkpoints: CheckpointSettings = OFF,
    instances: int = 2880,
) -> dict:
    """Warms up, discriminates, measures on instances never seen, and saves."""
    views = render_views(root / "views/train", instances, seed, "miniworld/views")
    held = render_views(root / "views/heldout", 144, seed, "miniworld/views/heldout")
    model = build_vit(seed).train()
    values = [supervised.model_dump(), config.model_dump(), seed, instances]
    files = [root / "set/train/images.npy", root / "set/train/labels.npy", root / "views/train/views.npy"]
    key = training_key("dino", values, files)
    warm_up(model, root, supervised, seed, open_checkpoints(checkpoints, "dino_warm_up", key, {}))
    before = instance_auc(model, held)
    discriminate(model, views, config, seed, open_checkpoints(checkpoints, "dino", key, {}))
    made = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "seed": seed,
        "instances": instances,
        "images_seen": supervised.steps * supervised.batch + config.steps * config.batch,
        "instance_auc_after_warm_up": before,
        "instance_auc": instance_auc(model.eval(), held),
    }
    save_vit(model, folder, made)
    return made
