"""A text-to-image model in one file (``.safetensors``), as checkpoints for ComfyUI and A1111 are published.

Such a file holds weights under their original names and nothing else. The configuration of the model that it
derives from lies beside it in diffusers' layout: ``model_index.json``, the tokenizer, the scheduler, and each
part's ``config.json``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypnos_pipeline.errors import UnusableNetwork
from hypnos_pipeline.models.libraries import prepare_diffusers
from hypnos_pipeline.models.loaded_weights import require_all, require_finite
from hypnos_pipeline.models.weight_files import PARTS

FIX = "the file and the configuration beside it are of different models: get both from one place"


def load_single_file(file: Path) -> dict[str, Any]:
    """Loads the three networks, float32, in evaluation mode, from this machine only.

    Args:
        file: All weights; the configuration lies in the same folder.

    Returns:
        Part to network. What else the file holds (an average of the weights, a safety checker) is left out.

    Raises:
        UnusableNetwork: If weights are missing or of another shape.
        NotFinite: If they hold NaN or infinity.
    """
    prepare_diffusers()
    import torch
    from diffusers import StableDiffusionPipeline

    try:
        pipeline = StableDiffusionPipeline.from_single_file(
            str(file),
            config=str(file.parent),
            local_files_only=True,
            dtype=torch.float32,
            safety_checker=None,
            feature_extractor=None,
        )
    except (KeyError, ValueError, RuntimeError, OSError) as error:
        require_all(file, _lacking(file), fix=FIX)
        reason = (str(error).splitlines() or [""])[0].partition(" If you want ")[0]
        raise UnusableNetwork(f"{file} cannot be read as one model ({reason}); {FIX}") from error
    networks = {part: getattr(pipeline, part) for part in PARTS}
    for part, network in networks.items():
        state = network.state_dict()
        where = f"{file} ({part})"
        require_all(where, [name for name, tensor in state.items() if tensor.is_meta], fix=FIX)
        require_finite(where, state, [file])
        network.eval()
    return networks


def _lacking(file: Path) -> list[str]:
    """Returns the weights of UNet or VAE that a file lacks, by diffusers' names where it finds the others."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from diffusers.loaders import single_file_utils as reading
    from safetensors.torch import load_file

    kinds = {
        "unet": (UNet2DConditionModel, reading.convert_ldm_unet_checkpoint),
        "vae": (AutoencoderKL, reading.convert_ldm_vae_checkpoint),
    }
    for part, (kind, converted) in kinds.items():
        config = kind.load_config(file.parent / part)
        with torch.device("meta"):
            own = kind.from_config(config).state_dict()
        try:
            found = converted(load_file(file), config)
        except KeyError as error:
            return [str(error.args[0])]
        if lacking := own.keys() - found.keys():
            return sorted(lacking)
    return []
