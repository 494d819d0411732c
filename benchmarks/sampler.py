"""Samplers of few steps against DDIM of 20: what a classifier sees, and the metrics of finetuned models.

``python -m benchmarks.sampler [--project FOLDER] [--sheet FILE]``. FOLDER is one that
``benchmarks.tuning_subjects`` made, after finetunings in it. A sampler does as well as DDIM if, on the same
prompts and initial noise,

- the classifier sees class, colour and background as often, but for one binomial standard error, and
- no mean of a finetuned model's metrics is worse by more than two standard errors of the difference by image.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import miniature
from benchmarks.program import ROOT
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.models.settings import SamplerSettings
from hypnos_pipeline.models.text_to_image import TextToImage

SEED = 11
DPM = "DPMSolverMultistepScheduler"
REFERENCE = "DDIM, 20 steps"
SAMPLERS: dict[str, dict[str, Any]] = {
    REFERENCE: {"scheduler": "DDIMScheduler", "spacing": "leading", "steps": 20},
    "DDIM, 12": {"scheduler": "DDIMScheduler", "spacing": "leading", "steps": 12},
    **{f"DPM-Solver++, {n}": {"scheduler": DPM, "spacing": "trailing", "steps": n} for n in (14, 12, 10, 8)},
    "DPM-Solver++, 12, leading": {"scheduler": DPM, "spacing": "leading", "steps": 12},
}
CLASSIFIER = "data/01_raw/models/mini/judge"


def sampler(name: str) -> SamplerSettings:
    """Returns a sampler with the study's guidance and batch."""
    return SamplerSettings(**miniature.study().sampling.model_dump() | SAMPLERS[name])


def of_base_model(names: Sequence[str], count: int) -> Iterator[tuple[str, dict[str, float], np.ndarray]]:
    """Yields, by sampler, fractions that the classifier sees right and seconds an image; and the images."""
    import timm

    from hypnos_pipeline.miniworld.train.quality import full_prompts, share_right
    from hypnos_pipeline.models.generation import generate

    classifier = timm.create_model(f"local-dir:{ROOT / CLASSIFIER}", pretrained=True).eval()
    model, size = miniature.text_to_image(), miniature.study().image_size
    prompts, wanted = zip(*full_prompts(count, SEED), strict=True)
    for name in names:
        began = time.process_time()
        images = generate(model, [*prompts], [*range(count)], sampler(name), size, None)
        seconds = (time.process_time() - began) / count
        yield name, share_right(classifier, images, [*wanted]) | {"seconds": seconds}, images


def of_finetuned(model: TextToImage, subject: Any, photos: np.ndarray, name: str) -> dict[str, np.ndarray]:
    """Samples a finetuned model by the study's prompts; returns a value an image of three metrics."""
    from hypnos_pipeline.metrics.background_obeyed import background_obeyed
    from hypnos_pipeline.metrics.clip_t import clip_t
    from hypnos_pipeline.metrics.dino import dino
    from hypnos_pipeline.metrics.images import to_unit_range
    from hypnos_pipeline.models.generation import generate
    from hypnos_pipeline.models.networks import load_clip, load_vit
    from hypnos_pipeline.pipelines.sampling.nodes import plan_samples
    from hypnos_pipeline.prompting.templates import instance_phrase

    study = miniature.study()
    sets = {key: study.prompt_sets[key] for key in ("invariant", "varying", "backgrounds")}
    rows = plan_samples(sets, instance_phrase(subject), subject.noun, study.seed)
    prompts, seeds = [row["prompt"] for row in rows], [row["seed"] for row in rows]
    pixels = generate(model, prompts, seeds, sampler(name), study.image_size, None)
    samples = ImageSet({row["name"]: image for row, image in zip(rows, pixels, strict=True)}, rows)
    of = {key: samples.rows(prompt_set=key) for key in sets}
    shown = {key: samples.stack([row["name"] for row in of[key]]) for key in sets}
    encoder = load_vit(miniature.folder(study.models.dino))
    clip = load_clip(miniature.folder(study.models.clip))
    similar = dino(to_unit_range(shown["invariant"]), to_unit_range(photos), encoder)
    obeyed = clip_t(to_unit_range(shown["varying"]), [row["noun_prompt"] for row in of["varying"]], clip)
    return {
        "DINO": similar.mean(1).numpy(),
        "CLIP-T": obeyed.numpy(),
        "background ΔE": background_obeyed(
            shown["backgrounds"], [row["colour"] for row in of["backgrounds"]]
        ),
    }


def compare_finetuned(project: Path, subject: str, names: Sequence[str]) -> Iterator[str]:
    """Yields a line of a Markdown table for every finetuned model and sampler."""
    import yaml
    from PIL import Image

    from hypnos_pipeline.models.text_to_image import load_text_to_image
    from hypnos_pipeline.study.model import STUDY_FILE, Study

    study = Study.from_parameters(yaml.safe_load((project / "conf/mini" / STUDY_FILE).read_text()))
    for folder in sorted((project / "data/06_models/mini").glob(f"{subject}/*/finetuned/unet")):
        of_subject, method = folder.parts[-4], folder.parts[-3]
        photos = sorted((project / "data/02_intermediate/mini" / of_subject / "working_photos").glob("*.png"))
        squares = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in photos])
        model, found = load_text_to_image(folder.parent), dict[str, dict[str, np.ndarray]]()
        for name in names:
            found[name] = of_finetuned(model, study.subjects[of_subject], squares, name)
            cells = [_difference(values, found[REFERENCE][key]) for key, values in found[name].items()]
            yield f"| {of_subject}, {method} | {name} | {' | '.join(cells)} |"


def _difference(values: np.ndarray, reference: np.ndarray) -> str:
    """Shows a mean with its standard error, and how far it lies from the reference's, by image."""
    mean = _with_error(values, "")
    return mean if values is reference else f"{mean} ({_with_error(values - reference, '+')})"


def _with_error(values: np.ndarray, sign: str) -> str:
    return f"{values.mean():{sign}.3f} ± {values.std(ddof=1) / len(values) ** 0.5:.3f}"


def main() -> None:
    """Prints both tables as they come."""
    from hypnos_pipeline.imaging.sheets import contact_sheet

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=128, help="of the base model")
    parser.add_argument("--subject", default="*", help="of the project, this one alone")
    parser.add_argument("--project", type=Path, help="where finetunings of the tuning subjects have run")
    parser.add_argument(
        "--sheet", type=Path, help="write the base model's first images there, a row a sampler"
    )
    parser.add_argument("--samplers", nargs="+", choices=[*SAMPLERS], default=[*SAMPLERS])
    settings = parser.parse_args()
    names = [REFERENCE, *(name for name in settings.samplers if name != REFERENCE)]
    miniature.runtime(1)
    if settings.images:
        print("| sampler | class | colour | background | wall | CPU s an image |\n|---|--:|--:|--:|--:|--:|")
    rows = []
    for name, shares, images in of_base_model(names, settings.images) if settings.images else ():
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in shares.values())} |", flush=True)
        rows.append([*images[:8]])
        if settings.sheet:
            contact_sheet(rows, row_labels=names[: len(rows)]).save(settings.sheet)
    if settings.project:
        print("\n| model | sampler | DINO | CLIP-T | background ΔE |\n|---|---|--:|--:|--:|")
        for line in compare_finetuned(settings.project, settings.subject, names):
            print(line, flush=True)


if __name__ == "__main__":
    main()
