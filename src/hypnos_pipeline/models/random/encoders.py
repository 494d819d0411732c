"""The transformers of evaluation with random weights: DINO's ViT-S/16 and CLIP's two sizes.

The numbers are those of the published ``config.json`` and ``preprocessor_config.json`` of
``facebook/dino-vits16``, ``openai/clip-vit-large-patch14`` and ``openai/clip-vit-base-patch32``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypnos_pipeline.models.byte_pairs import MAX_LENGTH
from hypnos_pipeline.models.libraries import prepare_transformers
from hypnos_pipeline.models.preprocessing import CONFIGURATION
from hypnos_pipeline.models.random.drawing import drawn
from hypnos_pipeline.models.random.tokenizer import ENTRIES, make_synthetic_tokenizer


def _tower(width: int, layers: int) -> dict[str, Any]:
    """Returns a transformer's sizes: all of these have layers of four times the width, and heads of 64."""
    sizes = {"hidden_size": width, "intermediate_size": 4 * width}
    return sizes | {"num_hidden_layers": layers, "num_attention_heads": width // 64}


def clip_text(width: int, projection: int) -> dict[str, Any]:
    """Returns the configuration of CLIP's text tower, whose vocabulary is the synthetic tokenizer's."""
    sizes = {"vocab_size": ENTRIES, "max_position_embeddings": MAX_LENGTH, "projection_dim": projection}
    # The published end: transformers then pools at the largest id.
    return sizes | {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2} | _tower(width, 12)


def _clip(projection: int, text: int, vision: int, layers: int, patch: int) -> dict[str, Any]:
    """Returns the configuration of a CLIP of 224 px from the widths of its towers."""
    images = {"image_size": 224, "patch_size": patch, "projection_dim": projection}
    return {
        "projection_dim": projection,
        "text_config": clip_text(text, projection),
        "vision_config": images | _tower(vision, layers),
    }


DINO_VITS16 = {"image_size": 224, "patch_size": 16, "layer_norm_eps": 1e-12, **_tower(384, 12)}
DINO_PREPROCESSING = {
    "do_resize": True,
    "size": 224,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
CLIP_VIT_L14 = _clip(768, 768, 1024, 24, patch=14)
CLIP_VIT_B32 = _clip(512, 512, 768, 12, patch=32)
CLIP_PREPROCESSING = {
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
    prepare_transformers()
    from transformers import ViTConfig, ViTModel

    config = ViTConfig(**configuration)
    drawn(lambda: ViTModel(config, add_pooling_layer=False), seed, "vit").save_pretrained(folder)
    _write(folder / CONFIGURATION, DINO_PREPROCESSING)


def save_random_clip(folder: Path, seed: int, configuration: dict[str, Any] = CLIP_VIT_L14) -> None:
    """Writes a transformers folder of CLIP with the synthetic tokenizer, and its preprocessing."""
    prepare_transformers()
    from transformers import CLIPConfig, CLIPModel

    config = CLIPConfig(**configuration)
    drawn(lambda: CLIPModel(config), seed, "clip").save_pretrained(folder)
    make_synthetic_tokenizer(config.text_config.vocab_size).save_pretrained(folder)  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
    _write(folder / CONFIGURATION, CLIP_PREPROCESSING)


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
