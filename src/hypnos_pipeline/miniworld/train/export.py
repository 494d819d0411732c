"""From trained weights to a folder that stock diffusers loads."""

from __future__ import annotations

import json
from pathlib import Path

from hypnos_pipeline.errors import UnusableNetwork
from hypnos_pipeline.miniworld.config import MiniworldConfig
from hypnos_pipeline.miniworld.train.results import load_result
from hypnos_pipeline.storage.checkpoints import unprefixed
from hypnos_pipeline.storage.replacing import replaced_folder


def load_averaged(checkpoint: Path, tokenizer, config: MiniworldConfig):
    """Returns ``(unet, text_encoder, steps done)`` with the averaged weights."""
    from hypnos_pipeline.miniworld.train.text_to_image import build_models

    unet, text = build_models(config.text_to_image, tokenizer, config.seed)
    tensors, step = load_result(checkpoint)
    for name, model in (("unet", unet), ("text", text)):
        missing, unexpected = model.load_state_dict(unprefixed(name, tensors), strict=False)
        if unexpected or any("position_ids" not in key for key in missing):
            raise UnusableNetwork(f"{checkpoint} does not fit the configured {name}: {missing} {unexpected}")
    return unet.eval(), text.eval(), step


def export_pipeline(root: Path, folder: Path, config: MiniworldConfig) -> dict:
    """Writes a ``StableDiffusionPipeline`` folder in fp16 safetensors; returns what it was made from."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline
    from transformers import CLIPTokenizer

    from hypnos_pipeline.miniworld.train import autoencoder
    from hypnos_pipeline.miniworld.train.text_to_image import scheduler_config

    tokenizer = CLIPTokenizer.from_pretrained(root / "tokenizer", local_files_only=True)
    unet, text, step = load_averaged(root / "checkpoints/text_to_image.safetensors", tokenizer, config)
    vae = autoencoder.assemble(
        root / "checkpoints/decoder.safetensors",
        root / "checkpoints/encoder.safetensors",
        config.autoencoder,
        config.seed,
    )
    # Not SD 1.5's PNDM: at 20 steps its multistep extrapolation of ε blew colours up at guidance 4.
    scheduler = DDIMScheduler(
        **scheduler_config(config.text_to_image.prediction), clip_sample=False, set_alpha_to_one=False
    )
    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    made = {
        "steps": step,
        "steps_planned": config.text_to_image.steps,
        "images_seen": step * config.text_to_image.batch,
        "seed": config.seed,
    }
    notes = root / "checkpoints/notes.json"
    if notes.exists():  # what was changed by hand while this training ran
        made["notes"] = json.loads(notes.read_text())
    with replaced_folder(folder) as part:
        pipe.to(torch.float16).save_pretrained(part, safe_serialization=True)
        (part / "training.json").write_text(json.dumps(made, indent=1))
    return made
