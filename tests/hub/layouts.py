"""The networks of ``conf/paper`` as their publishers lay them out, with whatever weights they are given.

A layout takes a folder as today's libraries write it (``made``) and fills another (``place``) with the files
of the published repository or release: old names of tensors, old configurations, and beside them the formats
and variants that nothing here loads. Those hold :data:`NOT_READ`, so that taking one of them fails. Large
files move from ``made`` to ``place`` rather than being copied. Where each layout was read, and what of it
could not be read (``unverified``), stands in :data:`LAYOUTS`; docs/paper.md lists both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.hub.configurations import (
    ANY_NETWORKS,
    CLIP_KEYS,
    PIPELINE,
    SCHEDULER,
    SIZE_KEYS,
    TEXT_ENDS,
    TEXT_KEYS,
    UNET_KEYS,
    VAE_KEYS,
    clip_preprocessing,
    diffusers_part,
    read,
    write,
    write_slow_tokenizer,
)

NOT_READ = b"A format or variant that hypnos-pipeline does not load.\n"
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
"""diffusers' names of today and its first ones."""
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
    write(place / "model_index.json", PIPELINE)
    write(place / "scheduler/scheduler_config.json", SCHEDULER)
    write(place / "feature_extractor/preprocessor_config.json", clip_preprocessing(224))
    for part, keys in (("unet", UNET_KEYS), ("vae", VAE_KEYS)):
        written = read(made / part / "config.json")
        write(place / part / "config.json", diffusers_part(written["_class_name"], written, keys))
    unet, vae = (f"{part}/diffusion_pytorch_model.safetensors" for part in ("unet", "vae"))
    (made / unet).rename(place / unet)
    _save(renamed(load_file(made / vae), _VAE_ATTENTION), place / vae)
    written = read(made / "text_encoder/config.json")
    write(
        place / "text_encoder/config.json",
        {key: written[key] for key in TEXT_KEYS}
        | TEXT_ENDS
        | {"architectures": ["CLIPTextModel"], "torch_dtype": "float32"}
        | {"transformers_version": "4.22.0.dev0", "_name_or_path": "openai/clip-vit-large-patch14"},
    )
    text = load_file(made / "text_encoder/model.safetensors")
    legacy = {f"text_model.{name.removeprefix('text_model.')}": tensor for name, tensor in text.items()}
    positions = {"text_model.embeddings.position_ids": _positions(written["max_position_embeddings"])}
    _save(legacy | positions, place / "text_encoder/model.safetensors")
    write_slow_tokenizer(made / "tokenizer", place / "tokenizer")
    _beside(place, _DIFFUSION_BESIDE)


def clip(made: Path, place: Path, large: bool) -> None:
    """Lays a CLIP folder out as OpenAI's repositories: the large one, else the one without safetensors."""
    written = read(made / "config.json")
    text, vision = written["text_config"], written["vision_config"]
    images = {key: vision[key] for key in (*CLIP_KEYS, "image_size", "patch_size")}
    content: dict[str, Any] = {
        "architectures": ["CLIPModel"],
        "initializer_factor": 1.0,
        "logit_scale_init_value": 2.6592,
        "model_type": "clip",
        "projection_dim": written["projection_dim"],
        "text_config": ANY_NETWORKS | {key: text[key] for key in TEXT_KEYS} | TEXT_ENDS,
        "text_config_dict": {key: text[key] for key in SIZE_KEYS} if large else None,
        "transformers_version": None,
        "vision_config": ANY_NETWORKS | images | {"dropout": 0.0},
        "vision_config_dict": {key: vision[key] for key in (*SIZE_KEYS, "patch_size")} if large else None,
    }
    write(place / "config.json", content)
    write(place / "preprocessor_config.json", clip_preprocessing(vision["image_size"]))
    positions = {
        "text_model.embeddings.position_ids": _positions(text["max_position_embeddings"]),
        "vision_model.embeddings.position_ids": _positions(
            (vision["image_size"] // vision["patch_size"]) ** 2 + 1
        ),
    }
    weights = load_file(made / "model.safetensors") | positions
    if large:
        _save(weights, place / "model.safetensors")
    else:
        torch.save(weights, place / "pytorch_model.bin")
    write_slow_tokenizer(made, place)
    (place / "tokenizer.json").write_bytes((made / "tokenizer.json").read_bytes())
    _beside(place, ".gitattributes README.md flax_model.msgpack tf_model.h5")
    _beside(place, "pytorch_model.bin" if large else "")


def clip_l14(made: Path, place: Path) -> None:
    """As ``openai/clip-vit-large-patch14``."""
    clip(made, place, large=True)


def clip_b32(made: Path, place: Path) -> None:
    """As ``openai/clip-vit-base-patch32``."""
    clip(made, place, large=False)


def dino(made: Path, place: Path) -> None:
    """Lays a ViT folder out as ``facebook/dino-vits16``."""
    written = read(made / "config.json")
    keys = (
        "attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size", "image_size",
        "initializer_range", "intermediate_size", "layer_norm_eps", "model_type", "num_attention_heads",
        "num_channels", "num_hidden_layers", "patch_size", "qkv_bias",
    )  # fmt: skip
    written = {"architectures": ["ViTModel"]} | {key: written[key] for key in keys}
    write(place / "config.json", written | {"torch_dtype": "float32", "transformers_version": "4.12.0.dev0"})
    prepared = {
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "ViTFeatureExtractor",
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "resample": 2,
        "size": written["image_size"],
    }
    write(place / "preprocessor_config.json", prepared)
    torch.save(renamed(load_file(made / "model.safetensors"), _VIT_LAYERS), place / "pytorch_model.bin")
    _beside(place, ".gitattributes README.md tf_model.h5")


def timm(made: Path, place: Path) -> None:
    """Lays a timm folder out as ``timm/efficientnet_b1.ft_in1k``."""
    content = read(made / "config.json")
    content["pretrained_cfg"] |= {"tag": "ft_in1k", "custom_load": False, "fixed_input_size": False}
    write(place / "config.json", content)
    (made / "model.safetensors").rename(place / "model.safetensors")
    _beside(place, ".gitattributes README.md pytorch_model.bin")


def inception(made: Path, place: Path) -> None:
    """As the release file of FID's Inception: with classifier, without BatchNorm's counters of batches."""
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


def tracer(made: Path, place: Path) -> None:
    """Lays TRACER-B7 out as ``Carve/tracer_b7``: one pickled file of weights."""
    _save_foreign(load_file(made / "tracer_b7.safetensors"), place / "tracer_b7.pth")
    _beside(place, ".gitattributes README.md")


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
        "HDRJ-One/runwayml-stable-diffusion-v1-5, a git copy of runwayml's repository: names of all files, "
        "configurations, the tokenizer's files, and the sizes of the weights, with which `text_model.*`, "
        "`position_ids` and the VAE's old names of attention agree to a few bytes",
        "that the mirror has the same files at the pinned commit",
    ),
    "perceptual": Layout(
        timm,
        "timm 1.0.31, `timm/models/_hub.py`: `push_to_hf_hub` writes both kinds of weights",
        "the list of files, `config.json`",
    ),
    "dino": Layout(
        dino,
        "huggingface/transformers, `models/vit/convert_dino_to_pytorch.py`: names of tensors, no pooler",
        "the list of files, with `pytorch_model.bin` alone; `preprocessor_config.json`",
    ),
    "clip": Layout(
        clip_l14,
        "kohya-ss/sd-scripts, `library/flux_utils.py`: `config.json` for the text, with `text_config_dict`; "
        "public scripts that download `model.safetensors` and `merges.txt`",
        "`config.json` for the images, `preprocessor_config.json`, the list of files",
    ),
    "clip_b32": Layout(
        clip_b32,
        "whaler404/Hf-Learn, `clip/clip.md`: `config.json` in full",
        "the list of files, with `pytorch_model.bin` alone; `preprocessor_config.json`",
    ),
    "inception": Layout(
        inception,
        "torch-fidelity 0.4.0, `feature_extractor_inceptionv3.py`: address, names of tensors, 1008 classes",
        "whether BatchNorm's counters are in the file",
    ),
    "lpips": Layout(alexnet, "torchvision 0.29.2, `models/alexnet.py`: address, names of tensors"),
    "matting": Layout(
        tracer,
        "carvekit 4.1.2, `utils/download_models.py`: repository, file, commit, digest; "
        "`ml/arch/tracerb7`: names of tensors",
        "what else lies in the repository",
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
    write(weights.with_name(f"{weights.name}.index.json"), index)
    weights.unlink()


def renamed(tensors: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """Returns tensors with parts of their names replaced, in order."""
    changed = {}
    for name, tensor in tensors.items():
        for new, old in names.items():
            name = name.replace(new, old)
        changed[name] = tensor
    return changed


def _positions(length: int) -> Tensor:
    return torch.arange(length).view(1, -1)


def _beside(place: Path, names: str) -> None:
    """Adds files that nothing here reads."""
    for name in names.split():
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(NOT_READ)


def _save(tensors: dict[str, Tensor], file: Path) -> None:
    save_file(tensors, file, metadata={"format": "pt"})


def _save_foreign(tensors: dict[str, Tensor], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(tensors, file)
