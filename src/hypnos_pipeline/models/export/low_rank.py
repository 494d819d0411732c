"""The difference between a finetuned model and its base as a LoRA, with the names of kohya's sd-scripts.

Of every layer's difference the best approximation of a given rank is kept (Eckart and Young): its largest
singular values with their vectors. What share of the difference that is, is counted, together with what a
LoRA has no place for at all: norms, biases, embeddings, and the UNet's first and last layers.

Source of names and layers: ``networks/lora.py`` of kohya-ss/sd-scripts (``LoRANetwork``).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from hypnos_pipeline.models.contents import model_tensors
from hypnos_pipeline.models.export.settings import ExportSettings
from hypnos_pipeline.progress import counted

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.text_to_image import TextToImage

# Blocks whose matrix products and convolutions kohya's tools read, by class.
_UNET_BLOCKS = ("Transformer2DModel", "ResnetBlock2D", "Downsample2D", "Upsample2D")
_TEXT_BLOCKS = ("CLIPAttention", "CLIPMLP")

MATRICES = "the UNet's attention and other matrix products"
CONVOLUTIONS = "the UNet's convolutions"
TEXT = "the text encoder"
OUTSIDE = "norms, biases, embeddings and others, which a LoRA has no place for"


@dataclass
class Share:
    """How much of a difference is kept, as sums of squares."""

    kept: float = 0.0
    whole: float = 0.0

    @property
    def percent(self) -> float:
        """Between 0 and 100; 100 where there was no difference."""
        return 100.0 * self.kept / self.whole if self.whole else 100.0


@dataclass(frozen=True)
class LowRank:
    """A LoRA.

    Attributes:
        weights: By kohya's names, float32: ``.lora_down.weight`` (r×in, or r×in×h×w), ``.lora_up.weight``
            (out×r, or out×r×1×1) and ``.alpha``; alpha / r · up · down is the difference.
        alpha: The same in every layer, the largest rank r of all: of several alphas in one file, diffusers
            0.42 loses those of attention layers.
        shares: By kind of layer, in a fixed order: how much of the difference is kept.
    """

    weights: dict[str, torch.Tensor]
    alpha: int
    shares: dict[str, Share]

    @property
    def share(self) -> Share:
        """Of the whole difference, all kinds together."""
        each = self.shares.values()
        return Share(sum(share.kept for share in each), sum(share.whole for share in each))


class Layer(NamedTuple):
    """A layer that a LoRA has a place for: its kind, and its name there."""

    kind: str
    name: str


def lora_layers(model: TextToImage) -> dict[str, Layer]:
    """Returns the layers of a model that kohya's tools read, by the name of each in the model.

    These are the matrix products and convolutions within the UNet's transformers, residual blocks and changes
    of size, and within the text encoder's attention and feed-forward parts.
    """
    import torch

    layers = dict[str, Layer]()
    for part, network, blocks, prefix in (
        ("unet", model.unet, _UNET_BLOCKS, "lora_unet_"),
        ("text_encoder", model.text_encoder, _TEXT_BLOCKS, "lora_te_text_model_"),
    ):
        modules = dict(network.named_modules())
        outer = tuple(f"{name}." for name, module in modules.items() if type(module).__name__ in blocks)
        for name, module in modules.items():
            if not name.startswith(outer) or not isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)):
                continue
            wide = isinstance(module, torch.nn.Conv2d) and module.kernel_size != (1, 1)
            kind = TEXT if part == "text_encoder" else CONVOLUTIONS if wide else MATRICES
            short = name.removeprefix("text_model.").replace(".", "_")
            layers[f"{part}.{name}"] = Layer(kind, prefix + short)
    return layers


def low_rank(finetuned: TextToImage, base: TextToImage, ranks: ExportSettings) -> LowRank:
    """Makes the LoRA that turns a base model into a finetuned one; layers that did not change are left out.

    Args:
        finetuned: Of the base model's classes and sizes.
        base: What it was finetuned from.
        ranks: By kind of layer.

    Raises:
        ValueError: If the two models' weights differ in name or shape, or not at all in value.
    """
    after, before = model_tensors(finetuned), model_tensors(base)
    if unlike := sorted(after.keys() ^ before.keys()):
        raise ValueError(f"only one of finetuned and base model has {', '.join(unlike)}")
    layers = lora_layers(base)
    split: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    shares = {kind: Share() for kind in (MATRICES, CONVOLUTIONS, TEXT, OUTSIDE)}
    for key, weight in counted(after.items(), "LoRA", "weight"):
        if weight.shape != (shape := before[key].shape):
            raise ValueError(f"{key}: shape {tuple(weight.shape)}, the base model's is {tuple(shape)}")
        difference = weight.detach().double().cpu() - before[key].detach().double().cpu()
        layer = layers.get(key.removesuffix(".weight"))
        share = shares[layer.kind if layer else OUTSIDE]
        share.whole += float(difference.square().sum())
        if not layer or not difference.any():
            continue
        down, up, kept = factors(difference, ranks.conv_rank if layer.kind == CONVOLUTIONS else ranks.rank)
        share.kept += kept
        split[layer.name] = down, up
    if not split:
        raise ValueError("the finetuned model is the base model: there is no difference to keep")
    alpha = max(len(down) for down, _ in split.values())
    weights: dict[str, torch.Tensor] = {}
    for name, (down, up) in split.items():
        weights[f"{name}.lora_down.weight"] = down.float()
        weights[f"{name}.lora_up.weight"] = (up * len(down) / alpha).float()
        weights[f"{name}.alpha"] = down.new_tensor(alpha).float()
    return LowRank(weights, alpha, shares)


def prompt_share(lora: LowRank, finetuned: TextToImage, base: TextToImage, prompt: str) -> float:
    """Returns how much of what finetuning did to a prompt's text states the LoRA does too.

    Embeddings, which a LoRA has no place for, are few numbers, yet every prompt goes through them: their
    share of the difference does not show what they do.

    Returns:
        One less the relative squared error of the last text states, percent: 100 where base model and LoRA
        give the finetuned states, 0 or less where the LoRA comes no closer than the base model.
    """
    import torch

    patched = copy.deepcopy(base.text_encoder)
    for key, layer in lora_layers(base).items():
        part, _, name = key.partition(".")
        if part == "text_encoder" and f"{layer.name}.alpha" in lora.weights:
            down, up = (lora.weights[f"{layer.name}.lora_{side}.weight"] for side in ("down", "up"))
            weight: Any = patched.get_submodule(name).weight
            weight.data += (lora.alpha / len(down) * up @ down).to(weight)
    ids = base.encode_prompts([prompt])
    with torch.no_grad():
        right, before, read = (
            network(ids).last_hidden_state for network in (finetuned.text_encoder, base.text_encoder, patched)
        )
    return Share(
        float((right - before).square().sum() - (right - read).square().sum()),
        float((right - before).square().sum()),
    ).percent


def factors(difference: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Splits a weight's difference into two factors of low rank, best in the sum of squares.

    The singular vectors of the shorter side come from the eigenvectors of the square matrix D·Dᵀ of that side
    (at most 1280 wide in Stable Diffusion 1.x), and the other factor by projecting D on them, so that at full
    rank nothing is lost. The square root of each singular value goes to either side, to keep both factors
    within the range of half precision.

    Args:
        difference: float64, out×in, or out×in×h×w of a convolution.
        rank: The largest rank; the shorter side bounds it.

    Returns:
        Down (r×in…) and up (out×r, a convolution's out×r×1×1), and the sum of squares of up · down.
    """
    import torch

    matrix = difference.flatten(1)
    wide = matrix.shape[0] <= matrix.shape[1]
    matrix = matrix if wide else matrix.T
    vectors = torch.linalg.eigh(matrix @ matrix.T).eigenvectors.flip(1)[:, :rank]
    projected = vectors.T @ matrix
    energies = projected.square().sum(1)
    scale = energies.clamp_min(torch.finfo(torch.float32).tiny).pow(0.25)[:, None]
    one, other = (vectors * scale.T).T, projected / scale
    up, down = (one.T, other) if wide else (other.T, one)
    if difference.dim() == 4:
        up, down = up[:, :, None, None], down.unflatten(1, difference.shape[1:])
    return down, up, float(energies.sum())
