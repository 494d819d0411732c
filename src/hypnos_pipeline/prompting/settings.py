"""Configuration of subjects' words and of prompt sets (method.md §1, §8; paper 3.3, 3.5.1, Fig. 4)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hypnos_pipeline.configuration.base import Configuration, Name
from hypnos_pipeline.imaging.settings import BackendSettings, PhotoName

Count = Annotated[int, Field(ge=1, le=10_000)]


def _folder_name(text: str) -> str:
    """Refuses what cannot name a folder of photos: dots and slashes part the names of datasets and paths."""
    if not text or set(text) & set("./\\@:{}"):
        raise ValueError(f"{text!r} is no folder's name; expected one of data/01_raw/subjects, without dots")
    return text


class SubjectSettings(Configuration):
    """One subject: 3–5 photos of one inanimate object and its words.

    Attributes:
        noun: Class noun ``[C]``; may have several words.
        instance_word: Rare word ``[V]`` naming the subject.
        background_word: Rare word ``[W]`` standing for the original background.
        photos: The folder of photos in ``data/01_raw/subjects``; several subjects may share one.
        kind: Whether all photos were taken in one place, or each in another. Findings are of the subjects of
            one kind, because a place that all photos show is learned with the object (paper 4.1.2).
        true_masks: Folder in ``data/01_raw/truth`` whose ``masks/<photo>.png`` are known to be true. They
            serve the comparison with true cut-outs and nothing else; without, the stage's own mattes do.
        unseen: Folder in ``data/01_raw/truth`` with further views of the subject, ``unseen/<view>.jpg``, and
            their masks, ``unseen_masks/<view>.png``. Nothing learns from them; ``unseen_dino`` compares
            generated images with them.
        exclude: Names of photos that are left out of everything for this subject; at least 3 must stay.
        mattes: Photo's name to the backend that makes its matte, in place of ``background_removal``'s.
        class_prior_prompts: Templates of this subject's class prior instead of ``class_prior.prompts`` (paper
            0.F: the prior's backgrounds come back in the samples).
        paper_row: Row of the paper's tables printed beside this subject's values in ``paper``.
    """

    noun: Annotated[str, Field(min_length=1)]
    instance_word: Annotated[str, Field(min_length=1)] = "sks"
    background_word: Annotated[str, Field(min_length=1)] = "ohwx"
    photos: Annotated[str, AfterValidator(_folder_name)] | None = None
    kind: Literal["one_place", "several_places"] | None = None
    true_masks: Name | None = None
    unseen: Name | None = None
    exclude: list[PhotoName] = Field(default=[])
    mattes: dict[PhotoName, BackendSettings] = Field(default={})
    class_prior_prompts: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    paper_row: Literal["funko", "rattan_chair", "lego_robot"] | None = None


class SampledPrompts(Configuration):
    """How often a prompt set is sampled.

    Attributes:
        images: In one evaluation; a cell is made of these.
        replicates: How often the evaluation is made, each time of the same prompts on other noise, because
            one more can move a score by over a standard deviation (paper 0.E.1). The first gives the cells;
            how far its means lie from the others' is reported.
    """

    images: Count
    replicates: Annotated[int, Field(ge=1, le=100)] = 1


class FixedPrompts(SampledPrompts):
    """A prompt set that repeats a list of templates; ``{subject}`` stands for the subject's phrase."""

    kind: Literal["fixed"] = "fixed"
    prompts: Annotated[list[str], Field(min_length=1)]


class GrammarPrompts(SampledPrompts):
    """Prompts drawn without repeats from image type × background × style (Fig. 4).

    Attributes:
        template: Uses ``{image_type}``, ``{subject}``, ``{background}``, ``{style}``.
        image_types: Image type to the list of styles that suit it.
        backgrounds: Scenes and compositions beyond the object, preposition included.
    """

    kind: Literal["grammar"] = "grammar"
    template: str = "a {image_type} of {subject} {background}, {style}"
    image_types: Annotated[dict[str, list[str]], Field(min_length=1)]
    backgrounds: Annotated[list[str], Field(min_length=1)]


class ColourPrompts(SampledPrompts):
    """Backgrounds of listed colours, plain or the walls of a room, requested of every method.

    Plain ones are compared with true cut-outs on that colour (method.md §9).

    Attributes:
        template: Of a plain background; uses ``{subject}`` and ``{colour}``. As it stands here it is that of
            HYPNOS's own training prompts (method.md §3).
        wall_template: Of a room with walls of the colour, likewise; null requests none. After each round of
            the colours the templates change places.
        colours: Names from ``imaging.colours.COLOURS``, each once.
        held_out: Whether these colours may not stand in the pool (``augmentation.colours``), so that no
            method trains on them.
        images: Of all colours and templates; a multiple of their number gives each as many.
    """

    kind: Literal["colours"] = "colours"
    template: str = "a photo of {subject}, {colour} background"
    wall_template: str | None = None
    colours: Annotated[list[str], Field(min_length=1)]
    held_out: bool = False


class ColouredPrompt(Configuration):
    """A prompt and the colours that its own words request, of the scene, of the object, or of both.

    Attributes:
        prompt: Template with ``{subject}``.
        scene: Listed colour of the scene, e.g. of a room's walls.
        object: Listed colours of the object.
    """

    prompt: str
    scene: str | None = None
    object: list[str] = Field(default=[])


class DisentanglingPrompts(SampledPrompts):
    """Prompts whose colours belong to the scene or to the object and not to the other (paper 4.1.3)."""

    kind: Literal["disentangle"] = "disentangle"
    prompts: Annotated[list[ColouredPrompt], Field(min_length=1)]


PromptSetSettings = Annotated[
    FixedPrompts | GrammarPrompts | ColourPrompts | DisentanglingPrompts, Field(discriminator="kind")
]
