"""The networks of ``conf/paper`` as their publishers lay them out, with whatever weights they are given.

A layout takes a folder as today's libraries write it (``made``) and fills another (``place``) with the files of
the published repository or release: old names of tensors, old configurations, and beside them the formats and
variants that nothing here loads. Those hold :data:`NOT_READ`, so that taking one of them fails. Large files move
from ``made`` to ``place`` rather than being copied. Where each layout was read, and what of it could not be read
(``unverified``), stands in :data:`LAYOUTS`; docs/paper.md lists both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

NOT_READ = b"A format or variant that hypnos-pipeline does not load.\n"
_UNET_KEYS = (
    "act_fn", "attention_head_dim", "block_out_channels", "center_input_sample", "cross_attention_dim",
    "down_block_types", "downsample_padding", "flip_sin_to_cos", "freq_shift", "in_channels", "layers_per_block",
    "mid_block_scale_factor", "norm_eps", "norm_num_groups", "out_channels", "sample_size", "up_block_types",
)  # fmt: skip
_VAE_KEYS = (
    "act_fn", "block_out_channels", "down_block_types", "in_channels", "latent_channels", "layers_per_block",
    "norm_num_groups", "out_channels", "sample_size", "up_block_types",
)  # fmt: skip
_CLIP_KEYS = (
    "attention_dropout", "hidden_act", "hidden_size", "initializer_factor", "initializer_range",
    "intermediate_size", "layer_norm_eps", "model_type", "num_attention_heads", "num_hidden_layers",
    "projection_dim",
)  # fmt: skip
_TEXT_KEYS = (*_CLIP_KEYS, "max_position_embeddings", "vocab_size")
_TEXT_ENDS = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, "dropout": 0.0}
# transformers before 4.17 wrote every key that any of its networks knows.
_ANY_NETWORKS = {
    "_name_or_path": "", "architectures": None, "bad_words_ids": None, "chunk_size_feed_forward": 0,
    "do_sample": False, "id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1},
    "length_penalty": 1.0, "max_length": 20, "min_length": 0, "num_beams": 1, "output_attentions": False,
    "pruned_heads": {}, "return_dict": True, "temperature": 1.0, "tie_word_embeddings": True,
    "tokenizer_class": None, "top_k": 50, "torch_dtype": None, "torchscript": False,
    "transformers_version": "4.16.0.dev0", "use_bfloat16": False,
}  # fmt: skip
_SCHEDULER = {
    "_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012,
    "beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000,
    "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None,
    "clip_sample": False,
}  # fmt: skip
_PIPELINE = {
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
_DIFFUSION_BESIDE = """
.gitattributes README.md v1-5-pruned-emaonly.ckpt v1-5-pruned-emaonly.safetensors v1-5-pruned.ckpt
v1-5-pruned.safetensors v1-inference.yaml safety_checker/config.json safety_checker/model.fp16.safetensors
safety_checker/model.safetensors safety_checker/pytorch_model.bin safety_checker/pytorch_model.fp16.bin
text_encoder/model.fp16.safetensors text_encoder/pytorch_model.bin text_encoder/pytorch_model.fp16.bin
unet/diffusion_pytorch_model.bin unet/diffusion_pytorch_model.fp16.bin
unet/diffusion_pytorch_model.fp16.safetensors unet/diffusion_pytorch_model.non_ema.bin
unet/diffusion_pytorch_model.non_ema.safetensors vae/diffusion_pytorch_model.bin
vae/diffusion_pytorch_model.fp16.bin vae/diffusion_pytorch_model.fp16.safetensors
"""
_VAE_ATTENTION = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
"""diffusers' names of today and those before 0.17."""
_VIT_LAYERS = {
    "layers.": "encoder.layer.",
    ".q_proj.": ".attention.query.",
    ".k_proj.": ".attention.key.",
    ".v_proj.": ".attention.value.",
    ".attention.o_proj.": ".attention.output.dense.",
    ".mlp.fc1.": ".intermediate.dense.",
    ".mlp.fc2.": ".output.dense.",
}
"""transformers' names of today and those before 5."""


def stable_diffusion(made: Path, place: Path) -> None:
    """Lays a diffusers folder out as Stable Diffusion 1.5's repository."""
    _write(place / "model_index.json", _PIPELINE)
    _write(place / "scheduler/scheduler_config.json", _SCHEDULER)
    _write(place / "feature_extractor/preprocessor_config.json", _clip_preprocessing(made_edge=224))
    for part, keys in (("unet", _UNET_KEYS), ("vae", _VAE_KEYS)):
        written = _read(made / part / "config.json")
        kept = {key: written[key] for key in keys}
        _write(place / part / "config.json", {**_version(written["_class_name"]), **kept})
    unet, vae = (f"{part}/diffusion_pytorch_model.safetensors" for part in ("unet", "vae"))
    (made / unet).rename(place / unet)
    _save(renamed(load_file(made / vae), _VAE_ATTENTION), place / vae)
    written = _read(made / "text_encoder/config.json")
    _write(
        place / "text_encoder/config.json",
        {key: written[key] for key in _TEXT_KEYS}
        | _TEXT_ENDS
        | {"architectures": ["CLIPTextModel"], "torch_dtype": "float32"}
        | {"transformers_version": "4.22.0.dev0", "_name_or_path": "openai/clip-vit-large-patch14"},
    )
    text = load_file(made / "text_encoder/model.safetensors")
    legacy = {f"text_model.{name.removeprefix('text_model.')}": tensor for name, tensor in text.items()}
    positions = {"text_model.embeddings.position_ids": _positions(written["max_position_embeddings"])}
    _save(legacy | positions, place / "text_encoder/model.safetensors")
    _slow_tokenizer(made / "tokenizer", place / "tokenizer")
    _beside(place, _DIFFUSION_BESIDE)


def clip(made: Path, place: Path, binary: bool) -> None:
    """Lays a CLIP folder out as OpenAI's repositories, whose weights are ``pytorch_model.bin`` if ``binary``."""
    written = _read(made / "config.json")
    text, vision = written["text_config"], written["vision_config"]
    images = {key: vision[key] for key in (*_CLIP_KEYS, "image_size", "patch_size")}
    content: dict[str, Any] = {
        "architectures": ["CLIPModel"],
        "initializer_factor": 1.0,
        "logit_scale_init_value": 2.6592,
        "model_type": "clip",
        "projection_dim": written["projection_dim"],
        "text_config": _ANY_NETWORKS | {key: text[key] for key in _TEXT_KEYS} | _TEXT_ENDS,
        "text_config_dict": None,
        "transformers_version": None,
        "vision_config": _ANY_NETWORKS | images | {"dropout": 0.0},
        "vision_config_dict": None,
    }
    _write(place / "config.json", content)
    _write(place / "preprocessor_config.json", _clip_preprocessing(vision["image_size"]))
    positions = {
        "text_model.embeddings.position_ids": _positions(text["max_position_embeddings"]),
        "vision_model.embeddings.position_ids": _positions(
            (vision["image_size"] // vision["patch_size"]) ** 2 + 1
        ),
    }
    weights = load_file(made / "model.safetensors") | positions
    if binary:
        torch.save(weights, place / "pytorch_model.bin")
    else:
        _save(weights, place / "model.safetensors")
    _slow_tokenizer(made, place)
    (place / "tokenizer.json").write_bytes((made / "tokenizer.json").read_bytes())
    _beside(place, ".gitattributes README.md flax_model.msgpack tf_model.h5")
    _beside(place, "" if binary else "pytorch_model.bin")


def clip_l14(made: Path, place: Path) -> None:
    """As ``openai/clip-vit-large-patch14``."""
    clip(made, place, binary=False)


def clip_b32(made: Path, place: Path) -> None:
    """As ``openai/clip-vit-base-patch32``."""
    clip(made, place, binary=True)


def dino(made: Path, place: Path) -> None:
    """Lays a ViT folder out as ``facebook/dino-vits16``."""
    written = _read(made / "config.json")
    keys = (
        "attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size", "image_size",
        "initializer_range", "intermediate_size", "layer_norm_eps", "model_type", "num_attention_heads",
        "num_channels", "num_hidden_layers", "patch_size", "qkv_bias",
    )  # fmt: skip
    written = {"architectures": ["ViTModel"]} | {key: written[key] for key in keys}
    _write(place / "config.json", written | {"torch_dtype": "float32", "transformers_version": "4.12.0.dev0"})
    prepared = {
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "ViTFeatureExtractor",
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "resample": 2,
        "size": written["image_size"],
    }
    _write(place / "preprocessor_config.json", prepared)
    torch.save(renamed(load_file(made / "model.safetensors"), _VIT_LAYERS), place / "pytorch_model.bin")
    _beside(place, ".gitattributes README.md tf_model.h5")


def timm(made: Path, place: Path) -> None:
    """Lays a timm folder out as ``timm/efficientnet_b1.ft_in1k``."""
    content = _read(made / "config.json")
    content["pretrained_cfg"] |= {"tag": "ft_in1k", "custom_load": False, "fixed_input_size": False}
    _write(place / "config.json", content)
    (made / "model.safetensors").rename(place / "model.safetensors")
    _beside(place, ".gitattributes README.md pytorch_model.bin")


def inception(made: Path, place: Path) -> None:
    """As the release file of FID's Inception: with its classifier, without BatchNorm's counters of batches."""
    state = load_file(made / "model.safetensors")
    kept = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    classifier = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    _save_foreign(kept | classifier, place / "weights-inception-2015-12-05-6726825d.pth")


def alexnet(made: Path, place: Path) -> None:
    """As torchvision's release file: ``features.*`` and ``classifier.*``, the latter with no width here."""
    state = load_file(made / "model.safetensors")
    features = {name: tensor for name, tensor in state.items() if name.startswith("features.")}
    classifier = {f"classifier.{k}.{kind}": torch.zeros(1) for k in (1, 4, 6) for kind in ("weight", "bias")}
    _save_foreign(features | classifier, place / "alexnet-owt-7be5be79.pth")


def rembg(made: Path, place: Path) -> None:
    """As rembg's release file: the ONNX file under its published name."""
    place.mkdir(parents=True, exist_ok=True)
    (file,) = made.glob("*.onnx")
    file.rename(place / "BiRefNet-general-epoch_244.onnx")


@dataclass(frozen=True)
class Layout:
    """How one network is published.

    Attributes:
        write: Fills a folder with its files, from a folder as the libraries write it.
        read_in: Where the layout was read.
        unverified: What of it could not be read; empty if nothing.
    """

    write: Callable[[Path, Path], None]
    read_in: str
    unverified: str = ""


LAYOUTS: dict[str, Layout] = {
    "text_to_image": Layout(
        stable_diffusion,
        "HDRJ-One/runwayml-stable-diffusion-v1-5, a git copy of runwayml's repository: every file's name, the "
        "configurations, the tokenizer's files, the sizes of the weights, with which `text_model.*`, "
        "`position_ids` and the VAE's old names of attention agree to a few bytes",
        "that the mirror stable-diffusion-v1-5 at the pinned commit has the same files",
    ),
    "perceptual": Layout(
        timm,
        "timm 1.0.31, `timm/models/_hub.py` (`push_to_hf_hub` writes both kinds of weights)",
        "the repository's own list of files and `config.json`",
    ),
    "dino": Layout(
        dino,
        "huggingface/transformers, `models/vit/convert_dino_to_pytorch.py` (names of tensors, no pooler), and "
        "`conversion_mapping.py` of transformers 5.23",
        "the list of files at the pinned commit, `preprocessor_config.json`",
    ),
    "clip": Layout(
        clip_l14,
        "public scripts that download `model.safetensors` and the tokenizer's files from the repository",
        "its `config.json` and `preprocessor_config.json` (taken to be like ViT-B/32's and Stable Diffusion's), "
        "what else lies beside",
    ),
    "clip_b32": Layout(
        clip_b32,
        "whaler404/Hf-Learn, `clip/clip.md` (`config.json` in full)",
        "the list of files, `preprocessor_config.json`",
    ),
    "inception": Layout(
        inception,
        "torch-fidelity's release as this project's `models/inception.py` describes it",
        "that the file lacks `num_batches_tracked`",
    ),
    "lpips": Layout(alexnet, "torchvision 0.29.2, `models/alexnet.py` (address, names of tensors)"),
    "matting": Layout(
        rembg,
        "rembg 2.0.86, `sessions/birefnet_general.py` (address, input and output)",
        "the network inside the ONNX file",
    ),
}
"""Key below ``models`` in ``conf/paper`` to its layout."""


def in_pieces(weights: Path, pieces: int = 2) -> None:
    """Replaces a safetensors file by several with an index, as the libraries save large networks."""
    tensors, stem = load_file(weights), weights.name.removesuffix(".safetensors")
    names = sorted(tensors)
    share = -(-len(names) // pieces)
    files = {name: f"{stem}-{k // share + 1:05}-of-{pieces:05}.safetensors" for k, name in enumerate(names)}
    for file in set(files.values()):
        _save({name: tensors[name] for name in names if files[name] == file}, weights.with_name(file))
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": files}
    _write(weights.with_name(f"{weights.name}.index.json"), index)
    weights.unlink()


def renamed(tensors: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """Returns tensors with parts of their names replaced, in order."""
    changed = {}
    for name, tensor in tensors.items():
        for new, old in names.items():
            name = name.replace(new, old)
        changed[name] = tensor
    return changed


def _version(name: str) -> dict[str, str]:
    return {"_class_name": name, "_diffusers_version": "0.6.0"}


def _positions(length: int) -> Tensor:
    return torch.arange(length).view(1, -1)


def _clip_preprocessing(made_edge: int) -> dict[str, Any]:
    from hypnos_pipeline.models.random.encoders import CLIP_PREPROCESSING

    return CLIP_PREPROCESSING | {
        "crop_size": made_edge,
        "size": made_edge,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "resample": 3,
    }


def _slow_tokenizer(made: Path, place: Path) -> None:
    """Writes the files of a tokenizer as transformers wrote them before it had fast ones."""
    place.mkdir(parents=True, exist_ok=True)
    model = _read(made / "tokenizer.json")["model"]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (place / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    _write(place / "vocab.json", model["vocab"])
    start, end = (
        {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
        for content in ("<|startoftext|>", "<|endoftext|>")
    )
    tokens = {"bos_token": start, "eos_token": end, "unk_token": end}
    last = {"pad_token": "<|endoftext|>"}
    _write(place / "special_tokens_map.json", tokens | last)
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
    _write(place / "tokenizer_config.json", settings | marked | last)


def _beside(place: Path, names: str) -> None:
    """Adds files that nothing here reads."""
    for name in names.split():
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(NOT_READ)


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _save(tensors: dict[str, Tensor], file: Path) -> None:
    save_file(tensors, file, metadata={"format": "pt"})


def _save_foreign(tensors: dict[str, Tensor], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(tensors, file)
