"""CLIP (miniature): the image tower is warmed up with labels, then both towers are made to agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hypnos_pipeline.miniworld.config import EncoderConfig
from hypnos_pipeline.miniworld.render.dataset import LABELS, load_set
from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES
from hypnos_pipeline.miniworld.render.words import CLASSES, SCENES
from hypnos_pipeline.miniworld.train.nets import (
    HEADS,
    NORMALISED,
    RESCALED,
    accuracies,
    augment,
    fit,
    heads_loss,
    save_encoder,
    to_input,
)
from hypnos_pipeline.miniworld.train.results import training_key
from hypnos_pipeline.models.byte_pairs import MAX_LENGTH
from hypnos_pipeline.randomness import numpy_generator, seed_for
from hypnos_pipeline.storage.checkpoints import Checkpoints, open_checkpoints
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings

WIDTH = 128


def build_clip(tokenizer, seed: int):
    """Returns a fresh ``CLIPModel``: ViT 64 px patch 8, text 2 layers, 128 wide both."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(seed_for(seed, "miniworld/clip/init") % 2**32)
    tower = {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_attention_heads": 4,
        "projection_dim": WIDTH,
    }
    text = {
        **tower,
        "num_hidden_layers": 2,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": MAX_LENGTH,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {**tower, "num_hidden_layers": 4, "image_size": 64, "patch_size": 8}
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=WIDTH))


def _embeddings(model, pixels, ids):
    image = model.get_image_features(pixel_values=pixels).pooler_output
    text = model.get_text_features(input_ids=ids).pooler_output
    return image / image.norm(dim=-1, keepdim=True), text / text.norm(dim=-1, keepdim=True)


def warm_up(
    model, root: Path, config: EncoderConfig, seed: int, saved: Checkpoints | None = None
) -> dict[str, float]:
    """Trains the image tower with label heads; returns held-out accuracies of the heads."""
    import torch

    data, held = load_set(root / "set/train"), load_set(root / "set/heldout")
    labels = torch.from_numpy(np.asarray(data["labels"], dtype=np.int64))
    head = torch.nn.Linear(WIDTH, sum(HEADS.values()))

    def loss_at(step: int):
        rng = numpy_generator(seed, "miniworld/clip/warm_up", step)
        index = np.sort(rng.integers(len(labels), size=config.batch))
        with torch.autocast("cpu", torch.bfloat16):
            pooled = model.vision_model(to_input(augment(data["images"][index], rng))).pooler_output
        return heads_loss(head(pooled.float()), labels[index])

    fit("clip warm-up", {"vision": model.vision_model, "head": head}, loss_at, config, saved)
    with torch.no_grad():
        logits = torch.cat(
            [
                head(model.vision_model(to_input(held["images"][a : a + 250])).pooler_output)
                for a in range(0, len(held["labels"]), 250)
            ]
        )
    return accuracies(logits, torch.from_numpy(np.asarray(held["labels"], dtype=np.int64)))


def contrast(model, root: Path, config: EncoderConfig, seed: int, saved: Checkpoints | None = None) -> None:
    """Trains both towers with the symmetric contrastive loss; equal captions are not negatives."""
    import torch
    import torch.nn.functional as functional

    data, tokens = load_set(root / "set/train"), np.load(root / "set/train/tokens.npy")

    def loss_at(step: int):
        rng = numpy_generator(seed, "miniworld/clip/batch", step)
        index = np.sort(rng.integers(len(tokens), size=config.batch))
        rows = tokens[index, rng.integers(tokens.shape[1], size=config.batch)].astype(np.int64)
        ids = torch.from_numpy(rows)
        with torch.autocast("cpu", torch.bfloat16):
            image, text = _embeddings(model, to_input(augment(data["images"][index], rng)), ids)
        logits = model.logit_scale.exp().clamp(max=100) * image.float() @ text.float().T
        same = (ids[:, None] == ids[None]).all(-1)
        logits = logits.masked_fill(same & ~torch.eye(len(ids), dtype=torch.bool), -1e4)
        target = torch.arange(len(ids))
        return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2

    fit("clip", {"model": model}, loss_at, config, saved)


def zero_shot(model, root: Path, tokenizer) -> dict[str, float]:
    """Measures zero-shot class, main colour, plain background colour and scene on the held-out set."""
    import torch

    held = load_set(root / "set/heldout")
    labels = np.asarray(held["labels"], dtype=np.int64)
    column = {name: labels[:, k] for k, name in enumerate(LABELS)}
    photo = column["kind"] == 0
    questions = {
        "class": (photo, "cls"),
        "color": (photo & (column["second"] < 0), "first"),
        "plain_background": (photo & (column["background"] == len(SCENES) + 1), "wall"),
        "scene": (photo & (column["background"] < len(SCENES)), "background"),
    }
    out: dict[str, float] = {}
    pad = {"padding": "max_length", "max_length": MAX_LENGTH, "return_tensors": "pt"}
    with torch.no_grad():
        for name, (rows, label) in questions.items():
            right = []
            for cls, noun in enumerate(CLASSES):
                mine = np.flatnonzero(rows & (column["cls"] == cls))
                prompts = {
                    "class": [f"a photo of a {c}" for c in CLASSES],
                    "color": [f"a photo of a {c} {noun}" for c in COLOR_NAMES],
                    "plain_background": [f"a photo of a {noun}, {c} background" for c in COLOR_NAMES],
                    "scene": [f"a photo of a {noun} {s}" for s in SCENES.values()],
                }[name]
                if len(mine):
                    image, text = _embeddings(
                        model, to_input(held["images"][mine]), tokenizer(prompts, **pad).input_ids
                    )
                    right.append((image @ text.T).argmax(1).numpy() == column[label][mine])
            out[name] = float(np.concatenate(right).mean())
    return out


def retrieval(model, root: Path, tokenizer, count: int = 100) -> float:
    """Fraction of held-out pictures whose own caption scores highest among ``count``."""
    import torch

    held = load_set(root / "set/heldout")
    captions = [variants[0] for variants in held["captions"][:count]]
    ids = tokenizer(captions, padding="max_length", max_length=MAX_LENGTH, return_tensors="pt").input_ids
    with torch.no_grad():
        image, text = _embeddings(model, to_input(held["images"][:count]), ids)
    best = (image @ text.T).argmax(1).tolist()
    return float(np.mean([captions[b] == captions[k] for k, b in enumerate(best)]))


def save_clip(model, tokenizer, folder: Path, made: dict) -> None:
    """Writes a transformers folder with tokenizer and preprocessor, fp16."""
    size = {"size": {"shortest_edge": 64}, "do_center_crop": True, "crop_size": {"height": 64, "width": 64}}
    processor = {"image_processor_type": "CLIPImageProcessor", "do_resize": True} | size | RESCALED
    save_encoder(model, folder, made, processor | {"do_convert_rgb": True} | NORMALISED, tokenizer)


def train_clip(
    root: Path,
    folder: Path,
    tokenizer,
    supervised: EncoderConfig,
    config: EncoderConfig,
    seed: int,
    checkpoints: CheckpointSettings = OFF,
) -> dict:
    """Warms up, contrasts, measures and saves; returns the measurements."""
    model = build_clip(tokenizer, seed).train()
    values = [supervised.model_dump(), config.model_dump(), seed, tokenizer.get_vocab()]
    files = [root / "set/train" / f"{part}.npy" for part in ("images", "labels", "tokens")]
    key = training_key("clip", values, files)
    heads = warm_up(model, root, supervised, seed, open_checkpoints(checkpoints, "clip_warm_up", key, {}))
    contrast(model, root, config, seed, open_checkpoints(checkpoints, "clip", key, {}))
    model.eval()
    made = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "seed": seed,
        "images_seen": supervised.steps * supervised.batch + config.steps * config.batch,
        "warm_up_heads": heads,
        "zero_shot": zero_shot(model, root, tokenizer),
        "retrieval_of_100": retrieval(model, root, tokenizer),
    }
    save_clip(model, tokenizer, folder, made)
    return made
