"""Tiny random networks of the real classes, built in memory in milliseconds; every call returns fresh ones.

Nothing here draws from torch's global generator as seen from outside.
"""

from __future__ import annotations

import copy
from functools import lru_cache
from pathlib import Path

_LINES = (
    "a an photo painting sketch of on in the at , . - background room beach snow night light dim bright",
    "red green blue yellow white black grey robot chair figurine mug lego rattan sks ohwx",
)
WORDS = tuple(word for line in _LINES for word in line.split())
START, END = "<|startoftext|>", "<|endoftext|>"


def tiny_text_to_image(
    prediction_type: str = "epsilon",
    latent: int = 8,
    scheduler: str = "PNDMScheduler",
    seed: int = 0,
    **schedule,
):
    """A ``TextToImage`` of 4 latent channels; images are twice the latent's edge (``latent=8``: 16 px).

    Args:
        prediction_type: The scheduler's.
        latent: Edge of the latent (the UNet's ``sample_size``).
        scheduler: Class name in diffusers.
        seed: Of the weights.
        **schedule: Further keys of the scheduler.
    """
    import diffusers

    from hypnos_pipeline.models.text_to_image import TextToImage

    unet, text_encoder, vae = copy.deepcopy(_parts(latent, seed))
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    known = {"skip_prk_steps": True, "steps_offset": 1} if scheduler == "PNDMScheduler" else {}
    made = getattr(diffusers, scheduler)(**{**betas, **known, "prediction_type": prediction_type, **schedule})
    return TextToImage(unet, text_encoder, vae, tiny_tokenizer(), made)


@lru_cache(maxsize=4)
def _parts(latent: int, seed: int):
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    tokenizer = tiny_tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        unet = UNet2DConditionModel(
            sample_size=latent,
            in_channels=4,
            out_channels=4,
            block_out_channels=(16, 32),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=32,
            attention_head_dim=4,
            norm_num_groups=8,
        )
        text_encoder = CLIPTextModel(CLIPTextConfig(**_text(tokenizer)))
        vae = AutoencoderKL(
            block_out_channels=(16, 16),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=8,
            sample_size=latent * 2,
        )
    return unet.eval(), text_encoder.eval(), vae.eval().requires_grad_(False)


def _text(tokenizer) -> dict:
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 77,
        "projection_dim": 16,
        **ends,
        "pad_token_id": tokenizer.pad_token_id,
    }


def tiny_tokenizer():
    """A ``CLIPTokenizer`` in which every one of ``WORDS`` is one token."""
    from transformers import CLIPTokenizer

    vocabulary, merges = _vocabulary()
    return CLIPTokenizer(
        vocab=dict(vocabulary),
        merges=list(merges),
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        model_max_length=77,
    )


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    letters = [chr(code) for code in range(33, 127)] + [chr(code) for code in range(161, 324)]
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        pieces = _merged([*word[:-1], word[-1] + "</w>"], merges)
        while len(pieces) > 1:
            merges.append((pieces[0], pieces[1]))
            pieces = _merged([*word[:-1], word[-1] + "</w>"], merges)
    symbols = [
        *letters,
        *(letter + "</w>" for letter in letters),
        *("".join(pair) for pair in merges),
        START,
        END,
    ]
    return {symbol: index for index, symbol in enumerate(dict.fromkeys(symbols))}, merges


def _merged(pieces: list[str], merges: list[tuple[str, str]]) -> list[str]:
    for first, second in merges:
        index = 0
        while index < len(pieces) - 1:
            if (pieces[index], pieces[index + 1]) == (first, second):
                pieces[index : index + 2] = [first + second]
            index += 1
    return pieces


def tiny_vit(image_size: int = 32, seed: int = 0):
    """A transformers ``ViTModel`` with one block and 32 features."""
    import torch
    from transformers import ViTConfig, ViTModel

    config = ViTConfig(
        image_size=image_size,
        patch_size=8,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ViTModel(config, add_pooling_layer=False).eval()


def tiny_clip(image_size: int = 32, seed: int = 0):
    """A transformers ``CLIPModel`` with 16 common features, and its tokenizer."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    tokenizer = tiny_tokenizer()
    vision = {
        "image_size": image_size,
        "patch_size": 8,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "projection_dim": 16,
    }
    config = CLIPConfig(text_config=_text(tokenizer), vision_config=vision, projection_dim=16)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CLIPModel(config).eval(), tokenizer


def save_tiny_text_to_image(folder: Path, **settings) -> Path:
    """Saves :func:`tiny_text_to_image` as a diffusers folder and returns it."""
    from hypnos_pipeline.models.text_to_image import save_text_to_image

    save_text_to_image(tiny_text_to_image(**settings), folder)
    return folder


def save_tiny_vit(folder: Path, image_size: int = 32) -> Path:
    """Saves :func:`tiny_vit` with its preprocessing as a transformers folder and returns it."""
    tiny_vit(image_size).save_pretrained(folder)
    _save_preprocessing(folder, image_size, do_center_crop=False)
    return folder


def save_tiny_clip(folder: Path, image_size: int = 32, seed: int = 0) -> Path:
    """Saves :func:`tiny_clip` with tokenizer and preprocessing as a transformers folder and returns it."""
    model, tokenizer = tiny_clip(image_size, seed)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _save_preprocessing(folder, image_size, do_center_crop=True)
    return folder


def _save_preprocessing(folder: Path, image_size: int, do_center_crop: bool) -> None:
    import json

    content = {
        "do_resize": True,
        "size": {"shortest_edge": image_size},
        "resample": 3,
        "do_center_crop": do_center_crop,
        "crop_size": {"height": image_size, "width": image_size},
        "do_rescale": True,
        "do_normalize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(content, indent=2) + "\n")


def save_tiny_timm(folder: Path, architecture: str = "test_efficientnet", seed: int = 0) -> Path:
    """Saves a random timm network as a timm folder (``local-dir:``) and returns it.

    Args:
        folder: Where.
        architecture: timm's name; the default is timm's own smallest EfficientNet (0.35 M parameters).
        seed: Of the weights.
    """
    import json

    import timm
    import torch
    from safetensors.torch import save_file

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = timm.create_model(architecture, pretrained=False, num_classes=4)
    pretrained = {"input_size": [3, 64, 64], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    content = {
        "architecture": architecture,
        "num_classes": 4,
        "num_features": model.num_features,
        "pretrained_cfg": {
            **pretrained,
            "num_classes": 4,
            "first_conv": "conv_stem",
            "classifier": "classifier",
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(content, indent=2) + "\n")
    return folder
