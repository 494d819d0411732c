"""Configuration of networks by reference, of the machine, of sampling and of the class prior."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hypnos_pipeline.configuration.base import Configuration

Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Sha512 = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]
Architecture = Literal[
    "stable_diffusion_1_5",
    "efficientnet_b1",
    "dino_vits16",
    "clip_vit_l14",
    "clip_vit_b32",
    "fid_inception_v3",
    "alexnet_lpips",
]
"""Networks that ``models.random`` can make."""


class RandomNetwork(Configuration):
    """A true architecture with random weights, which need no network to get (``conf/rehearsal``).

    Attributes:
        architecture: Which.
        seed: Of the weights: the same gives the same bytes.
    """

    architecture: Architecture
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


class ModelReference(Configuration):
    """A network by reference: a folder, and where what lies in it comes from.

    Without a source the folder is the project's own. With one, ``kedro models fetch`` fills it, and records
    in ``models.lock`` what it found; nothing else ever reaches for the network.

    Attributes:
        folder: Path relative to the project root; always named, since stages depend on it.
        hub: Source: a hub id, e.g. ``facebook/dino-vits16``.
        revision: Commit of the hub repository; null takes the newest once and records it.
        url: Source: the address of one file, .pth, .safetensors or .onnx.
        sha256: Of that file, or of a hub repository's only file of weights; null records it at the first
            download.
        sha512: Likewise, for weights whose publisher gives that digest.
        random: Source: random weights.
    """

    folder: Annotated[str, Field(min_length=1)]
    hub: Annotated[str, Field(pattern=r"^[\w.-]+(/[\w.-]+)?$")] | None = None
    revision: Commit | None = None
    url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    sha256: Sha256 | None = None
    sha512: Sha512 | None = None
    random: RandomNetwork | None = None

    @property
    def id(self) -> str:
        """What names the network: hub id, address, ``random:<architecture>/<seed>``, or the folder."""
        if self.random is not None:
            return f"random:{self.random.architecture}/{self.random.seed}"
        return self.hub or self.url or self.folder

    @property
    def digests(self) -> dict[str, str]:
        """The pinned digests of its file of weights, by algorithm."""
        pins = {"sha256": self.sha256, "sha512": self.sha512}
        return {algorithm: pin for algorithm, pin in pins.items() if pin is not None}

    @property
    def fetched(self) -> bool:
        """Whether it comes from elsewhere or is made here, and is no folder of the project's own."""
        return bool(self.hub or self.url or self.random)

    @model_validator(mode="after")
    def _one_source(self) -> ModelReference:
        sources = [name for name in ("hub", "url", "random") if getattr(self, name) is not None]
        if len(sources) > 1:
            raise ValueError(f"both {' and '.join(sources)}; expected at most one source of the folder")
        if self.revision is not None and self.hub is None:
            raise ValueError("revision belongs to hub, which is not given")
        if self.digests and not (self.hub or self.url):
            raise ValueError(f"{' and '.join(self.digests)} belongs to hub or url, and neither is given")
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
        matting: Weights of the background removers: ONNX for ``rembg``, safetensors for ``tracer_b7`` and
            ``network``. A study names the folder even where no backend reads it, because dvc.yaml does.
    """

    text_to_image: ModelReference
    perceptual: ModelReference
    dino: ModelReference
    clip: ModelReference
    clip_b32: ModelReference
    inception: ModelReference
    lpips: ModelReference
    matting: ModelReference | None = None


RECOMPUTED: dict[int, tuple[str, ...]] = {12: ("unet", "decoder"), 16: ("decoder",)}
"""``runtime.memory`` to the networks whose activations are recomputed in the backward pass."""


class RuntimeSettings(Configuration):
    """The machine: what may change numbers' last bits, so it is recorded with them.

    Attributes:
        device: ``auto`` takes CUDA where present.
        threads: Torch threads on the CPU. More than one gains little where processes run side by side on all
            cores, and where threads contend for a core they are 5–80× slower.
        precision: Autocast of forward passes; master weights are float32 always. ``auto`` is bf16 where the
            device supports it, else fp16 with a gradient scaler.
        frozen_vae: How training keeps the VAE, which is never trained (paper 0.B: quantized): ``half`` is the
            half type of ``precision``, ``int8`` needs optimum-quanto.
        memory: GB of the GPU for which Stable Diffusion's trainings shall fit (docs/memory.md). It decides
            every ``gradient_checkpointing`` that is null: 12 recomputes activations in UNet and decoder, 16
            in the decoder alone, 24 and null nowhere.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    precision: Literal["float32", "bfloat16", "float16", "auto"] = "float32"
    frozen_vae: Literal["float32", "half", "int8"] = "float32"
    memory: Literal[12, 16, 24] | None = None

    def recomputes(self, network: Literal["unet", "decoder"], own: bool | None) -> bool:
        """Says whether a training recomputes a network's activations: its ``own`` word, or ``memory``'s."""
        return network in RECOMPUTED.get(self.memory or 0, ()) if own is None else own

    @model_validator(mode="after")
    def _half_needs_half_passes(self) -> RuntimeSettings:
        if self.frozen_vae == "half" and self.precision == "float32":
            raise ValueError("frozen_vae: 'half' with precision 'float32'; expected another of the two")
        return self


Scheduler = Literal[
    "DDIMScheduler",
    "PNDMScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "UniPCMultistepScheduler",
]
"""Classes of diffusers that draw no noise while they sample, so that the initial noise decides the image."""


class SamplerSettings(Configuration):
    """Sampling (method.md §8).

    Attributes:
        scheduler: What turns predicted noise into the next, cleaner latent; null takes the base model's own.
        spacing: How its timesteps are spread (Lin et al. 2023, table 2); null takes the base model's own.
        steps: Of the scheduler, one image's passes of the UNet.
        guidance: Weight of the prompt (classifier-free guidance); 1 is none.
        batch: Images at a time.
    """

    scheduler: Scheduler | None = None
    spacing: Literal["leading", "linspace", "trailing"] | None = None
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
