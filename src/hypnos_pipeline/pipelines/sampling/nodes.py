"""Nodes of sampling."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.models.settings import ModelReference, RuntimeSettings, SamplerSettings
from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.randomness import seed_for, training_seed
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.training.settings import TextualInversionSettings

if TYPE_CHECKING:
    from hypnos_pipeline.models.text_to_image import TextToImage

SHEET_COLUMNS = 8
_log = logging.getLogger(__name__)


def sample_finetuned(
    finetuned: Path,
    subject: SubjectSettings,
    prompt_sets: dict,
    sampling: SamplerSettings,
    runtime: RuntimeSettings,
    seed: int,
    image_size: int,
    checkpoints: CheckpointSettings = OFF,
    *,
    training: int = 1,
) -> tuple[ImageSet, Image.Image, dict[str, Any]]:
    """Samples a finetuned model (hypnos, dreambooth) as ``[V] [C]``; see :func:`sample_prompt_sets`."""
    from hypnos_pipeline.models.runtime import configure
    from hypnos_pipeline.models.text_to_image import load_text_to_image
    from hypnos_pipeline.prompting.templates import instance_phrase

    model = load_text_to_image(finetuned, configure(runtime))
    rows = plan_samples(prompt_sets, instance_phrase(subject), subject.noun, seed, training)
    return sample_prompt_sets(model, rows, prompt_sets, sampling, runtime, image_size, checkpoints)


def sample_learned_token(
    finetuned: Path,
    subject: SubjectSettings,
    method: TextualInversionSettings,
    text_to_image: ModelReference,
    prompt_sets: dict,
    sampling: SamplerSettings,
    runtime: RuntimeSettings,
    seed: int,
    image_size: int,
    checkpoints: CheckpointSettings = OFF,
    *,
    training: int = 1,
) -> tuple[ImageSet, Image.Image, dict[str, Any]]:
    """Samples the base model with its learned token as the subject; see :func:`sample_prompt_sets`."""
    from hypnos_pipeline.models.finetuned import load_finetuned
    from hypnos_pipeline.models.runtime import configure

    model = load_finetuned(finetuned, text_to_image, configure(runtime))
    rows = plan_samples(prompt_sets, method.learned_phrase(subject.noun), subject.noun, seed, training)
    return sample_prompt_sets(model, rows, prompt_sets, sampling, runtime, image_size, checkpoints)


def sample_base(
    subject: SubjectSettings,
    text_to_image: ModelReference,
    prompt_sets: dict,
    sampling: SamplerSettings,
    runtime: RuntimeSettings,
    seed: int,
    image_size: int,
    checkpoints: CheckpointSettings = OFF,
    *,
    training: int = 1,
) -> tuple[ImageSet, Image.Image, dict[str, Any]]:
    """Samples the untouched base model, whose prompts name the class alone (paper 0.F)."""
    from hypnos_pipeline.models.reference import locate
    from hypnos_pipeline.models.runtime import configure
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    model = load_text_to_image(locate(text_to_image), configure(runtime))
    rows = plan_samples(prompt_sets, subject.noun, subject.noun, seed, training)
    return sample_prompt_sets(model, rows, prompt_sets, sampling, runtime, image_size, checkpoints)


def plan_samples(
    prompt_sets: dict, phrase: str, noun: str, seed: int, training: int = 1
) -> list[dict[str, Any]]:
    """Lists every image to sample; all but the phrase is the same for every method.

    Args:
        prompt_sets: Name to settings.
        phrase: What stands for the subject in the prompts given to the model.
        noun: The class noun, for ``noun_prompt``, which CLIP-T reads.
        seed: The study's, which draws the prompts of a grammar: all trainings have the same.
        training: Whose noise, from 1.

    Returns:
        Rows ``name, prompt_set, index, prompt, noun_prompt, seed`` (the noise's), what the prompt requests
        as data (``prompt_sets.requests``), and ``replicate``, from 0, where the set is sampled more than
        once: the index goes on, so that the first replicate's images are those of a study without others.
    """
    from pydantic import TypeAdapter

    from hypnos_pipeline.prompting.prompt_sets import expand, requests
    from hypnos_pipeline.prompting.settings import PromptSetSettings

    noise_seed = training_seed(seed, training)
    validated = TypeAdapter(dict[str, PromptSetSettings]).validate_python(prompt_sets)
    return [
        {
            "name": f"{prompt_set}/{index:03d}",
            "prompt_set": prompt_set,
            "index": index,
            "prompt": template.replace("{subject}", phrase),
            "noun_prompt": template.replace("{subject}", noun),
            "seed": seed_for(noise_seed, f"sampling/{prompt_set}", index),
            **requested,
            **({"replicate": index // settings.images} if settings.replicates > 1 else {}),
        }
        for prompt_set, settings in validated.items()
        for index, (template, requested) in enumerate(
            list(zip(expand(settings, prompt_set, seed), requests(settings, prompt_set, seed), strict=True))
            * settings.replicates
        )
    ]


def sample_prompt_sets(
    model: TextToImage,
    rows: list[dict[str, Any]],
    prompt_sets: dict,
    sampling: SamplerSettings,
    runtime: RuntimeSettings,
    image_size: int,
    checkpoints: CheckpointSettings,
) -> tuple[ImageSet, Image.Image, dict[str, Any]]:
    """Samples the planned images, batched across prompt sets.

    Returns:
        The images, uint8 S×S×3, named ``<prompt_set>/<NNN>``, with their rows; a contact sheet of the first
        of each prompt set; the report of :func:`check_scenes`.
    """
    from hypnos_pipeline.imaging.sheets import contact_sheet
    from hypnos_pipeline.models.generation import generate, open_batches
    from hypnos_pipeline.models.runtime import autocast

    prompts, seeds = [row["prompt"] for row in rows], [row["seed"] for row in rows]
    saved = open_batches(checkpoints, "samples", model, prompts, seeds, sampling, image_size, runtime)
    with autocast(runtime, model.device):
        pixels = generate(model, prompts, seeds, sampling, image_size, "samples", saved)
    images = {row["name"]: image for row, image in zip(rows, pixels, strict=True)}
    samples = ImageSet(images, rows)
    shown = [
        [images[row["name"]] for row in samples.rows(prompt_set=name)[:SHEET_COLUMNS]] for name in prompt_sets
    ]
    return samples, contact_sheet(shown, row_labels=list(prompt_sets)), check_scenes(samples, prompt_sets)


def check_scenes(samples: ImageSet, prompt_sets: dict) -> dict[str, Any]:
    """Checks that images of scene prompts have backgrounds, and warns where they look failed (Fig. 8).

    Args:
        samples: As sampled, with their rows.
        prompt_sets: Name to settings; only grammars request scenes.

    Returns:
        Prompt set to ``imaging.constant_backgrounds.background_report``; empty without a grammar.
    """
    from hypnos_pipeline.imaging.constant_backgrounds import background_report, measure_backgrounds

    reports = {}
    for prompt_set in scene_prompt_sets(prompt_sets):
        rows = samples.rows(prompt_set=prompt_set)
        report = background_report(measure_backgrounds(samples.stack([row["name"] for row in rows])))
        for warning in report["warnings"]:
            _log.warning("prompt set %r, e.g. %r: %s", prompt_set, rows[0]["prompt"], warning)
        reports[prompt_set] = report
    return reports


def scene_prompt_sets(prompt_sets: dict) -> list[str]:
    """Returns the names of the prompt sets that request scenes; their settings are models or plain maps."""
    kinds = {
        name: each.get("kind") if isinstance(each, dict) else each.kind for name, each in prompt_sets.items()
    }
    return [name for name, kind in kinds.items() if kind == "grammar"]
