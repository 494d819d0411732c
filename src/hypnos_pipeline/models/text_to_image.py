"""A latent text-to-image model of Stable Diffusion 1.x's parts: load, save, schedule, tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.errors import UnsupportedModel, UnsupportedSchedule
from hypnos_pipeline.models.libraries import prepare_diffusers
from hypnos_pipeline.models.loaded_weights import load_whole
from hypnos_pipeline.models.prompt_encoder import PromptEncoder, load_tokenizer
from hypnos_pipeline.models.single_file import load_single_file
from hypnos_pipeline.models.supported import class_names, schedule_problem, unsupported
from hypnos_pipeline.models.weight_files import PARTS, single_file

if TYPE_CHECKING:
    import torch
    from diffusers import (
        AutoencoderKL,
        AutoencoderTiny,
        DDPMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )

UNCHECKED: dict[str, Any] = {
    "safety_checker": None, "feature_extractor": None, "requires_safety_checker": False,
}  # fmt: skip
"""Arguments of a pipeline without the network that blackens images."""
# Keys of the saved configurations that describe a process, not a model.
HISTORY = (
    "_name_or_path", "name_or_path", "is_local", "local_files_only", "max_length", "pad_to_multiple_of",
    "pad_token_type_id", "stride", "truncation_strategy",
)  # fmt: skip


@dataclass(kw_only=True)
class TextToImage(PromptEncoder):
    """The parts of a text-to-image model, float32.

    Attributes:
        unet: Predicts noise or velocity from a scaled latent, a timestep and text states.
        vae: Between images in [-1, 1] and *unscaled* latents.
        scheduler: The base model's own sampler; only :meth:`pipeline` steps it.
        source: The folder that it was loaded from, for messages.
    """

    unet: UNet2DConditionModel
    vae: AutoencoderKL | AutoencoderTiny
    scheduler: Any
    source: str = "the model"

    @property
    def device(self) -> torch.device:
        """Where the UNet lies."""
        return self.unet.device

    def to(self, device: torch.device | str) -> TextToImage:
        """Moves the three networks in place and returns the model."""
        for network in (self.unet, self.text_encoder, self.vae):
            network.to(device)  # pyright: ignore[reportArgumentType]
        return self

    def pipeline(self) -> StableDiffusionPipeline:
        """Returns a plain diffusers pipeline that shares these parts; no safety checker, no progress bar."""
        from diffusers import StableDiffusionPipeline

        parts = {"vae": self.vae, "text_encoder": self.text_encoder, "tokenizer": self.tokenizer}
        parts |= {"unet": self.unet, "scheduler": self.scheduler}
        pipeline = StableDiffusionPipeline(**parts, **UNCHECKED)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def noise_schedule(self) -> DDPMScheduler:
        """Returns the training schedule, made from the scheduler's own configuration.

        Raises:
            UnsupportedSchedule: See :func:`check_schedule`.
        """
        from diffusers import DDPMScheduler

        check_schedule(self.scheduler)
        return DDPMScheduler.from_config(self.scheduler.config)  # pyright: ignore[reportReturnType]


def decode(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Decodes scaled latents: D(z0) = vae.decode(z0 / scaling_factor), mapped to [0, 1].

    Values a little outside [0, 1] are left as they are: in training, clamping would cut the gradient exactly
    where a z0 predicted at large t is most wrong.

    Args:
        vae: The autoencoder.
        latents: z0, N×C×h×w.

    Returns:
        Images, float32 N×3×H×W.
    """
    return vae.decode(latents / vae.config.scaling_factor).sample.float() / 2.0 + 0.5


def check_schedule(scheduler: Any) -> None:
    """Refuses noise schedules that the losses are not defined for (method.md §5).

    Raises:
        UnsupportedSchedule: For prediction types other than epsilon and v_prediction, and for schedules whose
            last step holds no signal (ε̂ and z0 then cannot be distinguished).
    """
    if problem := schedule_problem(type(scheduler).__name__, scheduler.config):
        raise UnsupportedSchedule(problem)


def load_text_to_image(path: Path, device: torch.device | str = "cpu") -> TextToImage:
    """Loads a diffusers folder with safetensors, from this machine only, in float32 and evaluation mode.

    Where it holds nothing but one variant of the weights (``fp16``), or all weights in one file beside the
    configuration, those are read, and made float32.

    Raises:
        UnsupportedModel: If it is of a kind that the method does not cover.
        UnusableNetwork: If weights are missing, left over, or of another shape.
        NotFinite: If they hold NaN or infinity.
    """
    prepare_diffusers()
    import diffusers
    from transformers import CLIPTextModel

    path = Path(path)
    if problems := unsupported(path):
        raise UnsupportedModel("\n".join(map(str, problems)))
    names = class_names(path)
    scheduler = getattr(diffusers, names["scheduler"]).from_pretrained(
        str(path / "scheduler"), local_files_only=True
    )
    check_schedule(scheduler)
    kinds = {
        "unet": diffusers.UNet2DConditionModel,
        "text_encoder": CLIPTextModel,
        "vae": getattr(diffusers, names["vae"]),
    }
    if file := single_file(path):
        networks = load_single_file(file)
    else:
        networks = {part: load_whole(kind, path / part, PARTS[part]) for part, kind in kinds.items()}
    model = TextToImage(tokenizer=load_tokenizer(path), scheduler=scheduler, source=str(path), **networks)
    return model.to(device)


def save_text_to_image(model: TextToImage, folder: Path) -> None:
    """Saves a plain diffusers folder whose bytes depend on the model alone.

    The libraries also write where the model was loaded from and how its tokenizer was last called; that is
    taken out, so that the same weights give the same files on every machine.
    """
    model.pipeline().save_pretrained(str(folder), safe_serialization=True)
    for file in sorted(folder.rglob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        kept = {key: value for key, value in content.items() if key not in HISTORY}
        if file.name == "tokenizer.json":
            kept |= {"padding": None, "truncation": None}
        if file.name == "tokenizer_config.json":  # CLIP's sides, which are written only at times
            kept |= {"padding_side": "right", "truncation_side": "right"}
        # Sorted, except where the order is the vocabulary's own.
        text = json.dumps(kept, indent=2, ensure_ascii=False, sort_keys=file.name != "tokenizer.json")
        file.write_text(text + "\n", encoding="utf-8")
