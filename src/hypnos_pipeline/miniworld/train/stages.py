"""The stages of the miniature world; each reads and writes under ``config.output`` only."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

from hypnos_pipeline.miniworld.config import MiniworldConfig

Stage = Callable[[MiniworldConfig], None]
_log = logging.getLogger(__name__)
CLASSIFIER = "judge"
"""The classifier's folder; it also names its random streams, so it stays as the embedded weights have it."""
# Folder, timm architecture and arguments of each convolutional net.
NETS: dict[str, tuple[str, str, dict]] = {
    "classifier": (CLASSIFIER, "test_resnet", {"channels": [32, 48, 48, 96]}),
    "efficientnet": ("efficientnet", "test_efficientnet", {}),
    "inception": ("inception", "test_byobnet", {}),
    "lpips": ("lpips", "test_resnet", {"channels": [24, 32, 32, 64]}),
}


def _root(config: MiniworldConfig) -> Path:
    return Path(config.output)


def models_folder(config: MiniworldConfig) -> Path:
    """Where the finished model folders of this build lie, before promotion."""
    return _root(config) / "models"


def _threads(config: MiniworldConfig) -> None:
    import torch

    torch.set_num_threads(config.threads)


def _tokenizer(config: MiniworldConfig):
    from hypnos_pipeline.miniworld.train.tokens import build_tokenizer

    return build_tokenizer(_root(config) / "tokenizer")


def render(config: MiniworldConfig) -> None:
    """Renders the training and the held-out set and their latents."""
    from hypnos_pipeline.miniworld.render.dataset import render_set
    from hypnos_pipeline.miniworld.train.latents import prepare

    tokenizer = _tokenizer(config)
    for name, count in (("train", config.data.train), ("heldout", config.data.heldout)):
        folder = _root(config) / "set" / name
        render_set(folder, count, config.seed, f"miniworld/{name}", config.data.captions, config.data.workers)
        prepare(folder, tokenizer, None if name == "train" else _root(config) / "set/train")


def text_to_image(config: MiniworldConfig) -> None:
    """Trains the UNet and the text encoder."""
    from hypnos_pipeline.miniworld.train.text_to_image import train

    _threads(config)
    root = _root(config)
    result = root / "checkpoints/text_to_image.safetensors"
    tokenizer, chosen = _tokenizer(config), config.text_to_image
    train(root / "set/train", result, tokenizer, chosen, config.seed, config.checkpoints)


def _autoencoder(part: str) -> Stage:
    def stage(config: MiniworldConfig) -> None:
        from hypnos_pipeline.miniworld.train.autoencoder import train_part

        _threads(config)
        folder, result = _root(config) / "set/train", _root(config) / f"checkpoints/{part}.safetensors"
        train_part(part, folder, result, config.autoencoder, config.seed, config.checkpoints)

    stage.__doc__ = f"Trains the autoencoder's {part} on the linear latents."
    return stage


def _net(name: str) -> Stage:
    def stage(config: MiniworldConfig) -> None:
        from hypnos_pipeline.miniworld.train.nets import train_net

        _threads(config)
        where, architecture, arguments = NETS[name]
        folder, chosen = models_folder(config) / where, getattr(config.encoders, name)
        made = train_net(
            _root(config), folder, architecture, arguments, chosen, config.seed, config.checkpoints
        )
        _log.info("%s: %s", name, json.dumps(made))

    stage.__doc__ = f"Trains the convolutional net {name}."
    return stage


def clip(config: MiniworldConfig) -> None:
    """Trains CLIP (miniature)."""
    from hypnos_pipeline.miniworld.train.clip import train_clip

    _threads(config)
    chosen = config.encoders
    made = train_clip(
        _root(config),
        models_folder(config) / "clip",
        _tokenizer(config),
        chosen.clip_supervised,
        chosen.clip,
        config.seed,
        config.checkpoints,
    )
    _log.info("clip: %s", json.dumps(made))


def dino(config: MiniworldConfig) -> None:
    """Trains DINO (miniature), a small ViT."""
    from hypnos_pipeline.miniworld.train.dino import train_dino

    _threads(config)
    chosen = config.encoders
    folder = models_folder(config) / "dino"
    made = train_dino(
        _root(config), folder, chosen.dino_supervised, chosen.dino, config.seed, config.checkpoints
    )
    _log.info("dino: %s", json.dumps(made))


def export(config: MiniworldConfig) -> None:
    """Writes the text-to-image folder from the trained weights, and measures it."""
    from hypnos_pipeline.miniworld.train.export import export_pipeline
    from hypnos_pipeline.miniworld.train.quality import measure

    _threads(config)
    folder = models_folder(config) / "text_to_image"
    export_pipeline(_root(config), folder, config)
    measured = measure(_root(config), folder, models_folder(config) / CLASSIFIER, config.seed)
    _log.info("text_to_image: %s", json.dumps(measured))


def matting(config: MiniworldConfig) -> None:
    """Trains the small network that cuts samples out."""
    from diffusers import AutoencoderKL

    from hypnos_pipeline.miniworld.train.matting import train_matting

    _threads(config)
    models, workers = models_folder(config), config.data.workers
    vae = AutoencoderKL.from_pretrained(models / "text_to_image/vae", local_files_only=True).float()
    made = train_matting(
        _root(config), models / "matting", vae, config.matting, config.seed, workers, config.checkpoints
    )
    _log.info("matting: %s", json.dumps(made))


def subjects(config: MiniworldConfig) -> None:
    """Renders the subjects' photos and, apart from them, their true masks and unseen views."""
    from hypnos_pipeline.miniworld.render.subjects import make_subjects

    root = _root(config)
    make_subjects(root / "subjects", root / "truth", config.seed)


def cards(config: MiniworldConfig) -> None:
    """Writes the model cards from the measured JSON."""
    from hypnos_pipeline.miniworld.train.cards import write_cards

    write_cards(models_folder(config))


STAGES: dict[str, Stage] = {
    "render": render,
    "text_to_image": text_to_image,
    **{part: _autoencoder(part) for part in ("decoder", "encoder")},
    **{name: _net(name) for name in NETS},
    "clip": clip,
    "dino": dino,
    "export": export,
    "matting": matting,
    "subjects": subjects,
    "cards": cards,
}
