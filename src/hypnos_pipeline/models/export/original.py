"""A model's weights under the names of the original Stable Diffusion, which ComfyUI and A1111 read.

diffusers numbers a UNet's parts by level and kind, the original in one row from input to output; its VAE
counts the decoder's levels from the image inwards. All of it follows from which layers there are, so one rule
does for Stable Diffusion 1.x and for smaller models of the same classes.

Source of the names: the original release, ``ldm/modules/diffusionmodules/openaimodel.py`` (``UNetModel``) and
``model.py`` (``Encoder``, ``Decoder``) of CompVis/stable-diffusion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.text_to_image import TextToImage

UNET_PREFIX = "model.diffusion_model."
VAE_PREFIX = "first_stage_model."
TEXT_PREFIX = "cond_stage_model.transformer.text_model."

# Within a residual block of the UNet, within one of the VAE, and within the VAE's attention.
_UNET_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
}  # fmt: skip
_VAE_RESNET = {"conv_shortcut": "nin_shortcut"}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
_VAE_MIDDLE = {"resnets.0": "block_1", "attentions.0": "attn_1", "resnets.1": "block_2"}


def original_weights(model: TextToImage) -> dict[str, torch.Tensor]:
    """Returns all weights of a model by their original names.

    The values are the model's own, not copies; of the VAE's attention, the matrices become 1×1 convolutions.

    Args:
        model: With an ``AutoencoderKL``.

    Raises:
        ValueError: Naming weights that the original layout has no place for.
    """
    unet, vae = model.unet.state_dict(), model.vae.state_dict()
    text = model.text_encoder.state_dict()
    weights = {UNET_PREFIX + name: unet[key] for key, name in unet_names(unet).items()}
    for key, name in vae_names(vae).items():
        matrix = ".attentions." in key and vae[key].dim() == 2
        weights[VAE_PREFIX + name] = vae[key][:, :, None, None] if matrix else vae[key]
    return weights | {TEXT_PREFIX + key.removeprefix("text_model."): text[key] for key in text}


def unet_names(keys: Iterable[str]) -> dict[str, str]:
    """Returns the original name of each weight of a ``UNet2DConditionModel``, without prefix."""
    keys = list(keys)
    parts = {
        "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
        "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
        "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1",
        "mid_block.resnets.1": "middle_block.2",
    }  # fmt: skip
    row = 1
    for level in _numbers(keys, "down_blocks."):
        block = f"down_blocks.{level}"
        for layer in _numbers(keys, f"{block}.resnets."):
            parts[f"{block}.resnets.{layer}"] = f"input_blocks.{row}.0"
            parts[f"{block}.attentions.{layer}"] = f"input_blocks.{row}.1"
            row += 1
        if _any(keys, f"{block}.downsamplers."):
            parts[f"{block}.downsamplers.0.conv"] = f"input_blocks.{row}.0.op"
            row += 1
    row = 0
    for level in _numbers(keys, "up_blocks."):
        block = f"up_blocks.{level}"
        for layer in _numbers(keys, f"{block}.resnets."):
            parts[f"{block}.resnets.{layer}"] = f"output_blocks.{row}.0"
            parts[f"{block}.attentions.{layer}"] = f"output_blocks.{row}.1"
            row += 1
        # The block's last layer holds it too, behind attention if there is any.
        place = 2 if _any(keys, f"{block}.attentions.") else 1
        parts[f"{block}.upsamplers.0.conv"] = f"output_blocks.{row - 1}.{place}.conv"
    return _renamed(keys, parts, {".resnets.": _UNET_RESNET}, "UNet")


def vae_names(keys: Iterable[str]) -> dict[str, str]:
    """Returns the original name of each weight of an ``AutoencoderKL``, without prefix."""
    keys = list(keys)
    parts = {"quant_conv": "quant_conv", "post_quant_conv": "post_quant_conv"}
    for half, blocks, ours, theirs in (
        ("encoder", "down", "downsamplers.0.conv", "downsample.conv"),
        ("decoder", "up", "upsamplers.0.conv", "upsample.conv"),
    ):
        ends = {"conv_in": "conv_in", "conv_norm_out": "norm_out", "conv_out": "conv_out"}
        parts |= {f"{half}.{name}": f"{half}.{original}" for name, original in ends.items()}
        parts |= {f"{half}.mid_block.{name}": f"{half}.mid.{its}" for name, its in _VAE_MIDDLE.items()}
        levels = _numbers(keys, f"{half}.{blocks}_blocks.")
        for level in levels:
            block = f"{half}.{blocks}_blocks.{level}"
            place = f"{half}.{blocks}.{level if half == 'encoder' else len(levels) - 1 - level}"
            for layer in _numbers(keys, f"{block}.resnets."):
                parts[f"{block}.resnets.{layer}"] = f"{place}.block.{layer}"
            parts[f"{block}.{ours}"] = f"{place}.{theirs}"
    return _renamed(keys, parts, {".resnets.": _VAE_RESNET, ".attentions.": _VAE_ATTENTION}, "VAE")


def _renamed(
    keys: list[str], parts: Mapping[str, str], within: Mapping[str, Mapping[str, str]], network: str
) -> dict[str, str]:
    """Replaces the part that each key begins with, and what stands within it.

    Args:
        keys: Of the weights.
        parts: Original name by ours, of whole parts.
        within: For keys that contain the word, original name by ours of what lies inside the part.
        network: For the message.
    """
    names, lost = dict[str, str](), list[str]()
    for key in keys:
        part = max((each for each in parts if key.startswith(f"{each}.")), key=len, default="")
        if not part:
            lost.append(key)
            continue
        inner = key[len(part) + 1 :]
        for word, inside in within.items():
            if word in key:
                ours = next((each for each in inside if inner.startswith(f"{each}.")), "")
                inner = inside[ours] + inner[len(ours) :] if ours else inner
        names[key] = f"{parts[part]}.{inner}"
    if lost:
        raise ValueError(f"{network}: the original layout has no place for {', '.join(lost)}")
    return names


def _numbers(keys: list[str], prefix: str) -> list[int]:
    """Returns the numbers that follow a prefix, ascending."""
    return sorted({int(key[len(prefix) :].partition(".")[0]) for key in keys if key.startswith(prefix)})


def _any(keys: list[str], prefix: str) -> bool:
    return any(key.startswith(prefix) for key in keys)
