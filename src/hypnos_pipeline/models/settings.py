"""Configuration of networks by reference, of the machine, of sampling and of the class prior."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hypnos_pipeline.configuration import Configuration


class ModelReference(Configuration):
    """A network by reference: a folder of this project, or a hub id with its revision.

    Attributes:
        folder: Path relative to the project root.
        hub: Hub id, e.g. ``facebook/dino-vits16``; read from the local cache only.
        revision: Commit of the hub repository; null means unpinned.
    """

    folder: str | None = None
    hub: str | None = None
    revision: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> ModelReference:
        if (self.folder is None) == (self.hub is None):
            raise ValueError("expected exactly one of 'folder' and 'hub'")
        return self


class ModelsSettings(Configuration):
    """Every network of a study.

    Attributes:
        text_to_image: The base model, a diffusers folder with the components of Stable Diffusion 1.x.
        perceptual: L_p's network, a timm folder of an EfficientNet (paper 3.4.3; Eq. 5).
        dino: The DINO metric's vision transformer, a transformers folder.
        clip: CLIP of ``clip_i``, ``clip_t`` and ``clip_t_paper``, a transformers folder.
        clip_b32: CLIP of ``clip_i_b32`` and ``clip_t_b32``, likewise; it may be the same.
        inception: The Fréchet distances' network.
        lpips: LPIPS's network.
    """

    text_to_image: ModelReference
    perceptual: ModelReference
    dino: ModelReference
    clip: ModelReference
    clip_b32: ModelReference
    inception: ModelReference
    lpips: ModelReference


class RuntimeSettings(Configuration):
    """The machine: what may change numbers' last bits, so it is recorded with them.

    Attributes:
        device: ``auto`` takes CUDA where present.
        threads: Torch threads on CPU; explicit, because contended threads are 5–80× slower.
        precision: Autocast of forward passes; master weights are float32 always. ``auto`` is bf16 where the
            device supports it, else fp16 with a gradient scaler.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Field(ge=1, le=256)] = 2
    precision: Literal["float32", "bfloat16", "float16", "auto"] = "float32"


class SamplerSettings(Configuration):
    """Sampling with the base model's own scheduler (method.md §8)."""

    steps: Annotated[int, Field(ge=1, le=1000)] = 50
    guidance: Annotated[float, Field(ge=0.0, le=50.0)] = 7.5
    batch: Annotated[int, Field(ge=1, le=1024)] = 8


class ClassPriorSettings(Configuration):
    """The class prior of one subject (method.md §4; paper 2.2, 3.3).

    Attributes:
        source: ``generate`` samples the untouched base model; ``folder`` reads the user's own images.
        prompts: Templates with ``{noun}``, used in turn.
        count: Number of images.
        folder: With ``source: folder``, where they are, relative to the project root.
    """

    source: Literal["generate", "folder"] = "generate"
    prompts: Annotated[tuple[str, ...], Field(min_length=1)] = ("a photo of {noun}",)
    count: Annotated[int, Field(ge=1, le=100_000)] = 200
    folder: str | None = None
