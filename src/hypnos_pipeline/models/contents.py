"""What a text-to-image model consists of, for the key of a run that starts from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.text_to_image import TextToImage


def model_values(model: TextToImage) -> list[Any]:
    """Returns what a text-to-image model is besides its weights: its vocabulary and its noise schedule."""
    return [model.tokenizer.get_vocab(), model.scheduler.to_json_string()]


def model_tensors(model: TextToImage) -> dict[str, torch.Tensor]:
    """Returns the weights of a text-to-image model by name, none of them copied."""
    networks = {"unet": model.unet, "text_encoder": model.text_encoder, "vae": model.vae}
    return {
        f"{part}.{name}": tensor
        for part, network in networks.items()
        for name, tensor in network.state_dict().items()
    }
