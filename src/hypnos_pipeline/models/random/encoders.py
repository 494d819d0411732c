"""The transformers of evaluation with random weights: DINO's ViT-S/16 and CLIP's two sizes.

The numbers are those of the published ``config.json`` and ``preprocessor_config.json`` of
``facebook/dino-vits16``, ``openai/clip-vit-large-patch14`` and ``openai/clip-vit-base-patch32``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypnos_pipeline.models.preprocessing import CONFIGURATION
from hypnos_pipeline.models.random.drawing import drawn
from hypnos_pipeline.models.random.tokenizer import ENTRIES, LENGTH, make_synthetic_tokenizer

DINO_VITS16: dict[str, Any] = {
    "image_size": 224,
    "patch_size": 16,
    "hidden_size": 384,
    "intermediate_size": 1536,
    "num_hidden_layers": 12,
    "num_attention_heads": 6,
    "layer_norm_eps": 1e-12,
}
DINO_PREPROCESSING: dict[str, Any] = {
    "do_resize": True,
    "size": 224,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
_TEXT: dict[str, Any] = {
    "vocab_size": ENTRIES,
    "max_position_embeddings": LENGTH,
    "num_hidden_layers": 12,
    "bos_token_id": 0,
    "pad_token_id": 1,
    "eos_token_id": 2,
}
CLIP_VIT_L14: dict[str, Any] = {
    "projection_dim": 768,
    "text_config": {
        **_TEXT,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "projection_dim": 768,
    },
    "vision_config": {
        "image_size": 224,
        "patch_size": 14,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "projection_dim": 768,
    },
}
CLIP_VIT_B32: dict[str, Any] = {
    "projection_dim": 512,
    "text_config": {
        **_TEXT,
        "hidden_size": 512,
        "intermediate_size": 2048,
        "num_attention_heads": 8,
        "projection_dim": 512,
    },
    "vision_config": {
        "image_size": 224,
        "patch_size": 32,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "projection_dim": 512,
    },
}
CLIP_PREPROCESSING: dict[str, Any] = {
    "do_resize": True,
    "size": 224,
    "do_center_crop": True,
    "crop_size": 224,
    "do_normalize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}


def save_random_vit(folder: Path, seed: int, configuration: dict[str, Any] = DINO_VITS16) -> None:
    """Writes a transformers folder of a vision transformer without pooling layer, and its preprocessing."""
    from transformers import ViTConfig, ViTModel

    config = ViTConfig(**configuration)
    drawn(lambda: ViTModel(config, add_pooling_layer=False), seed, "vit").save_pretrained(folder)
    _write(folder / CONFIGURATION, DINO_PREPROCESSING)


def save_random_clip(folder: Path, seed: int, configuration: dict[str, Any] = CLIP_VIT_L14) -> None:
    """Writes a transformers folder of CLIP with the synthetic tokenizer, and its preprocessing."""
    from transformers import CLIPConfig, CLIPModel

    config = CLIPConfig(**configuration)
    drawn(lambda: CLIPModel(config), seed, "clip").save_pretrained(folder)
    make_synthetic_tokenizer(config.text_config.vocab_size).save_pretrained(folder)
    _write(folder / CONFIGURATION, CLIP_PREPROCESSING)


def save_clip_vit_b32(folder: Path, seed: int) -> None:
    """Writes the smaller CLIP; see :func:`save_random_clip`."""
    save_random_clip(folder, seed, CLIP_VIT_B32)


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
