"""The VAE in training, itself never trained and so kept smaller (paper 0.B "quantized VAE"; method.md §5)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypnos_pipeline.models.runtime import precision

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.settings import RuntimeSettings
    from hypnos_pipeline.models.text_to_image import TextToImage


def kept_vae(vae: torch.nn.Module, runtime: RuntimeSettings) -> torch.nn.Module:
    """Returns the VAE in the form that ``runtime.frozen_vae`` names.

    Args:
        vae: The autoencoder, float32, on the device to compute on.
        runtime: ``float32`` keeps it as it is; ``half`` keeps weights and activations in the forward passes'
            own half type; ``int8`` keeps the weights of linear and convolutional layers as 8-bit integers
            with a scale per channel (optimum-quanto), and computes with activations of that type.

    Returns:
        The VAE itself, or a converted copy of it.

    Raises:
        ModuleNotFoundError: For ``int8`` without optimum-quanto.
    """
    if runtime.frozen_vae == "float32":
        return vae
    # In the passes' own type, also below the 8-bit integers: autocast cannot cast quantised weights.
    kept = copy.deepcopy(vae).to(precision(runtime, vae.device))
    if runtime.frozen_vae == "int8":
        from optimum.quanto import freeze, qint8, quantize

        quantize(kept, weights=qint8)
        freeze(kept)
    return kept.requires_grad_(False)


@contextmanager
def frozen_vae(model: TextToImage, runtime: RuntimeSettings) -> Iterator[None]:
    """Gives a model its VAE in the form that ``runtime.frozen_vae`` names, and afterwards its own back.

    Meanwhile the model's own VAE waits on the CPU, unchanged, so that only the smaller one takes the device's
    memory.
    """
    own = model.vae
    model.vae = kept_vae(own, runtime)
    if model.vae is not own:
        own.to("cpu")
    try:
        yield
    finally:
        model.vae = own.to(model.device)
