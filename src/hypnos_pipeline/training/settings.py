"""Configuration of the trained methods and of the latent discriminator (method.md §5–§7)."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from hypnos_pipeline.configuration.base import Configuration, Name

Rate = Annotated[float, Field(gt=0.0, lt=1.0)]
Steps = Annotated[int, Field(ge=1, le=1_000_000)]
Batch = Annotated[int, Field(ge=1, le=4096)]
Weight = Annotated[float, Field(ge=0.0, le=1e6)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Schedule = Literal["constant", "linear", "cosine"]
"""How the rate goes on from ``learning_rate``: it stays (the paper), or it falls to 0 over all steps, along a
line or half a cosine wave."""


def training_name(name: str, training: int) -> str:
    """Returns what a training of a method is named, from 1; the first one has the method's own name."""
    return name if training == 1 else f"{name}.training_{training}"


def is_training(word: str) -> bool:
    """Returns whether a part of a node's or dataset's name is a training's."""
    return re.fullmatch(r"training_\d+", word) is not None


class MatchMse(Configuration):
    """σ solved so that Eq. 2 fits x² best on [0, bound] (Eq. 3)."""

    match_mse: Annotated[float, Field(gt=0.0, le=10.0)] = 1.0


class Reconstruction(Configuration):
    """L_r: MSE, or the inverse Gaussian of Eq. 2 with a number or Eq. 3 for σ."""

    kind: Literal["inverse_gaussian", "mse"] = "inverse_gaussian"
    reduction: Literal["elementwise", "sample_mean"] = "elementwise"
    sigma: Annotated[float, Field(gt=0.0)] | MatchMse = MatchMse()


class LossWeights(Configuration):
    """λ of Eq. 1."""

    reconstruction: Weight = 1.0
    prior: Weight = 1.0
    perceptual: Weight = 0.003
    discriminator: Weight = 0.5


class Perceptual(Configuration):
    """L_p (Eq. 5, 6): weights of MBConv stages 2, 3, 4 and the steps in which it acts.

    ``steps`` null means round(0.625·S), the paper's 500 of 800. ``gradient_checkpointing`` recomputes the
    decoder's activations in the backward pass; null leaves it to ``runtime.memory``.
    """

    steps: Annotated[int, Field(ge=0)] | None = None
    stage_weights: tuple[Weight, Weight, Weight] = (0.35, 0.45, 0.2)
    reduction: Literal["mean", "channel_sum"] = "mean"
    gradient_checkpointing: bool | None = None


class Augmented(Configuration):
    """How a training step draws from the pool (method.md §3) and which prompt goes with it."""

    recolour_probability: Probability = 0.66
    resize_probability: Probability = 0.10
    prompts: Literal["two_clause", "plain"] = "two_clause"


class JointDiscriminator(Configuration):
    """Joint training of the discriminator, after each generator step (method.md §6)."""

    train: bool = True
    batch: Batch = 8
    learning_rate: Rate = 1e-4
    fakes: Literal["table_3", "generated_only"] = "table_3"


class Optimiser(Configuration):
    """AdamW with gradient clipping.

    ``adamw`` is torch's fused AdamW in float32; ``adamw_8bit`` is bitsandbytes'.
    ``gradient_checkpointing`` recomputes the UNet's activations in the backward pass; null leaves it to
    ``runtime.memory``.
    """

    kind: Literal["adamw", "adamw_8bit"] = "adamw"
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-2
    clip_norm: Annotated[float, Field(gt=0.0)] = 1.0
    gradient_checkpointing: bool | None = None


class Previews(Configuration):
    """Samples of the model in training, on the same noise every time, kept as a strip to look at.

    Attributes:
        every: Steps between two moments; 0 takes none.
        images: Images at each moment.
        prompts: Templates with ``{subject}``, used in turn.
        steps: Of the sampler; fewer than for the study's samples will do.
        guidance: Of the sampler.
    """

    every: Annotated[int, Field(ge=0)] = 0
    images: Annotated[int, Field(ge=1, le=64)] = 2
    prompts: Annotated[tuple[str, ...], Field(min_length=1)] = ("a photo of {subject}",)
    steps: Annotated[int, Field(ge=1, le=1000)] = 20
    guidance: Annotated[float, Field(ge=0.0, le=50.0)] = 7.5

    @field_validator("prompts")
    @classmethod
    def _name_the_subject(cls, prompts: tuple[str, ...]) -> tuple[str, ...]:
        for prompt in prompts:
            if "{subject}" not in prompt:
                raise ValueError(f"{prompt!r}: expected the placeholder {{subject}}")
        return prompts


class Expectation(Configuration):
    """What the paper says that a method changes, to be compared with what was measured (paper 4.2, 0.F).

    Attributes:
        claim: What the paper says, in few words.
        source: The paper's section, e.g. ``4.2.1``.
        prompt_set: The prompt set whose samples are measured.
        metric: One of the evaluation's metrics that has a value for each image.
        direction: Whether the method's mean should be lower or higher than the other's.
        against: The method it is compared with, on the same prompts and noise.
        subject: The one subject that the claim is about; every subject by itself if not given.
        against_subject: The subject on which the other method stands; the same if not given.
    """

    claim: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    prompt_set: Name
    metric: Name
    direction: Literal["lower", "higher"]
    against: Name = "hypnos"
    subject: Name | None = None
    against_subject: Name | None = None

    @model_validator(mode="after")
    def _of_one_subject(self) -> Expectation:
        if self.against_subject is not None and self.subject is None:
            raise ValueError("the key subject is missing; expected it beside against_subject")
        return self


class HypnosSettings(Configuration):
    """HYPNOS and its ablations: every term of Eq. 1 (method.md §5)."""

    label: str = "HYPNOS"
    learning_rate: Rate
    schedule: Schedule = "constant"
    steps: Steps
    instance_batch: Batch = 1
    class_batch: Batch = 1
    reconstruction: Reconstruction = Reconstruction()
    weights: LossWeights = LossWeights()
    perceptual: Perceptual = Perceptual()
    augmentation: Augmented = Augmented()
    z0_weighting: Literal["none", "alpha_bar", "snr_clip"] = "none"
    discriminator: JointDiscriminator = JointDiscriminator()
    optimiser: Optimiser = Optimiser()
    previews: Previews = Previews()
    expectations: tuple[Expectation, ...] = ()
    gradient_log_every: Annotated[int, Field(ge=0)] = 20

    def perceptual_steps(self) -> int:
        """Returns s_p, the number of first steps in which L_p acts (Eq. 6)."""
        return round(0.625 * self.steps) if self.perceptual.steps is None else self.perceptual.steps

    @model_validator(mode="after")
    def _perceptual_fits(self) -> HypnosSettings:
        if self.perceptual_steps() > self.steps:
            raise ValueError(f"perceptual.steps: expected at most steps ({self.steps})")
        return self


class DreamBoothSettings(Configuration):
    """DreamBooth: MSE and prior preservation on untouched photos (method.md §7)."""

    label: str = "DreamBooth"
    learning_rate: Rate
    schedule: Schedule = "constant"
    steps: Steps
    instance_batch: Batch = 1
    class_batch: Batch = 1
    prior_weight: Weight = 1.0
    optimiser: Optimiser = Optimiser()
    previews: Previews = Previews()
    expectations: tuple[Expectation, ...] = ()

    def general_form(self) -> HypnosSettings:
        """Returns the same method as HYPNOS's settings, which ``Finetuning`` reads."""
        return HypnosSettings(
            label=self.label,
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            steps=self.steps,
            instance_batch=self.instance_batch,
            class_batch=self.class_batch,
            reconstruction=Reconstruction(kind="mse"),
            weights=LossWeights(prior=self.prior_weight, perceptual=0.0, discriminator=0.0),
            perceptual=Perceptual(steps=0),
            augmentation=Augmented(recolour_probability=0.0, resize_probability=0.0, prompts="plain"),
            discriminator=JointDiscriminator(train=False),
            optimiser=self.optimiser,
            previews=self.previews,
            gradient_log_every=0,
        )


class TextualInversionSettings(Configuration):
    """Textual inversion: one new token whose row is the only trained tensor (method.md §7).

    ``templates`` are the neutral prompts of the training, with ``{subject}`` for the learned phrase; of each
    image one is drawn (Gal et al. 2022). Null trains on ``a photo of {subject}`` alone.
    ``gradient_checkpointing`` recomputes the UNet's activations in the backward pass, as in ``Optimiser``.
    """

    label: str = "Textual Inversion"
    token: Annotated[str, Field(pattern=r"^<[a-z][a-z0-9_]*>$")] = "<sks>"
    phrase: Literal["token", "token_noun"] = "token"
    learning_rate: Rate = 2e-3
    schedule: Schedule = "constant"
    steps: Steps
    batch: Batch = 1
    templates: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    gradient_checkpointing: bool | None = None
    previews: Previews = Previews()
    expectations: tuple[Expectation, ...] = ()

    def learned_phrase(self, noun: str) -> str:
        """Returns what replaces ``[V] [C]`` in every prompt: the token, or token and noun."""
        return self.token if self.phrase == "token" else f"{self.token} {noun}"


class BaseSettings(Configuration):
    """The untouched base model, a reference row (method.md §7, paper 0.F)."""

    label: str = "Base model"
    expectations: tuple[Expectation, ...] = ()


class Methods(Configuration):
    """Methods by family; families differ in what they read, a method's name is its key."""

    hypnos: dict[Name, HypnosSettings] = Field(default={})
    dreambooth: dict[Name, DreamBoothSettings] = Field(default={})
    textual_inversion: dict[Name, TextualInversionSettings] = Field(default={})
    base: dict[Name, BaseSettings] = Field(default={})


FAMILIES = tuple(Methods.model_fields)
"""In the paper's order."""


class DiscriminatorSettings(Configuration):
    """Latent discriminator and its pretraining (method.md §6; paper 3.4.4, 0.B.2, Fig. 3)."""

    steps: Steps = 600
    batch: Batch = 8
    learning_rate: Rate = 1e-4
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-2
    width: Annotated[int, Field(ge=8)] = 192
    depth: Annotated[int, Field(ge=1)] = 3
    heads: Annotated[int, Field(ge=1)] = 3
    convolution_channels: Annotated[int, Field(ge=1)] = 16
    expansion: Annotated[int, Field(ge=1)] = 6
    clip_norm: Annotated[float, Field(gt=0.0)] = 1.0
