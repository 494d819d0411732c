"""Configurations and tokenizers as the networks of ``conf/paper`` are published with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hypnos_pipeline.models.random.encoders import CLIP_PREPROCESSING

UNET_KEYS = (
    "act_fn", "attention_head_dim", "block_out_channels", "center_input_sample", "cross_attention_dim",
    "down_block_types", "downsample_padding", "flip_sin_to_cos", "freq_shift", "in_channels",
    "layers_per_block", "mid_block_scale_factor", "norm_eps", "norm_num_groups", "out_channels",
    "sample_size", "up_block_types",
)  # fmt: skip
VAE_KEYS = (
    "act_fn", "block_out_channels", "down_block_types", "in_channels", "latent_channels", "layers_per_block",
    "norm_num_groups", "out_channels", "sample_size", "up_block_types",
)  # fmt: skip
CLIP_KEYS = (
    "attention_dropout", "hidden_act", "hidden_size", "initializer_factor", "initializer_range",
    "intermediate_size", "layer_norm_eps", "model_type", "num_attention_heads", "num_hidden_layers",
    "projection_dim",
)  # fmt: skip
SIZE_KEYS = (
    "hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers", "projection_dim",
)  # fmt: skip
TEXT_KEYS = (*CLIP_KEYS, "max_position_embeddings", "vocab_size")
TEXT_ENDS = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, "dropout": 0.0}
ANY_NETWORKS = {
    "_name_or_path": "", "architectures": None, "bad_words_ids": None, "chunk_size_feed_forward": 0,
    "do_sample": False, "id2label": {"0": "LABEL_0", "1": "LABEL_1"},
    "label2id": {"LABEL_0": 0, "LABEL_1": 1}, "length_penalty": 1.0, "max_length": 20,
    "min_length": 0, "num_beams": 1, "output_attentions": False, "pruned_heads": {}, "return_dict": True,
    "temperature": 1.0, "tie_word_embeddings": True, "tokenizer_class": None, "top_k": 50,
    "torch_dtype": None, "torchscript": False, "transformers_version": "4.16.0.dev0", "use_bfloat16": False,
}  # fmt: skip
"""Keys of any network, of which transformers 4.16 wrote over sixty into each part of CLIP's configuration."""
SCHEDULER = {
    "_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012,
    "beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000,
    "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None,
    "clip_sample": False,
}  # fmt: skip
PIPELINE = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.6.0",
    "feature_extractor": ["transformers", "CLIPImageProcessor"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def clip_preprocessing(edge: int) -> dict[str, Any]:
    """Returns the preparation of CLIP's images as transformers wrote it before its image processors."""
    kind = {"feature_extractor_type": "CLIPFeatureExtractor", "resample": 3}
    return CLIP_PREPROCESSING | {"crop_size": edge, "size": edge} | kind


def write_slow_tokenizer(made: Path, place: Path) -> None:
    """Writes the files of a tokenizer as transformers wrote them before it had fast ones."""
    place.mkdir(parents=True, exist_ok=True)
    model = read(made / "tokenizer.json")["model"]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (place / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    write(place / "vocab.json", model["vocab"])
    start, end = (
        {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
        for content in ("<|startoftext|>", "<|endoftext|>")
    )
    tokens = {"bos_token": start, "eos_token": end, "unk_token": end}
    last = {"pad_token": "<|endoftext|>"}
    write(place / "special_tokens_map.json", tokens | last)
    marked = {name: {"__type": "AddedToken", **token} for name, token in tokens.items()}
    settings = {
        "add_prefix_space": False,
        "do_lower_case": True,
        "errors": "replace",
        "model_max_length": 77,
        "name_or_path": "openai/clip-vit-large-patch14",
        "special_tokens_map_file": "./special_tokens_map.json",
        "tokenizer_class": "CLIPTokenizer",
    }
    write(place / "tokenizer_config.json", settings | marked | last)


def diffusers_part(name: str, written: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Returns one part's configuration as diffusers 0.6 wrote it."""
    return {"_class_name": name, "_diffusers_version": "0.6.0", **{key: written[key] for key in keys}}


def read(file: Path) -> dict[str, Any]:
    """Reads a configuration."""
    return json.loads(file.read_text(encoding="utf-8"))


def write(file: Path, content: Mapping[str, Any]) -> None:
    """Writes a configuration."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
