"""Sampling in batches, as the pipeline does, against one image at a time."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks import miniature
from benchmarks.program import Build, Pair, run_contest
from benchmarks.subject import SUBJECT

BATCHES = (1, 4, 12, 24)


def sampling(batch: int, settings: argparse.Namespace) -> Callable[[], int]:
    """Makes the sampling of one round's images ready, so many at a time, with the study's own sampler."""
    from hypnos_pipeline.models.generation import generate

    miniature.runtime(settings.threads)
    model, whole = miniature.text_to_image(), miniature.study()
    images, steps = (2, 2) if settings.smallest else (max(BATCHES), whole.sampling.steps)
    sampler = whole.sampling.model_copy(update={"batch": batch, "steps": steps})
    prompts = [f"a photo of a {whole.subjects[SUBJECT].noun} on a beach"] * images

    def turn() -> int:
        generate(model, prompts, list(range(images)), sampler, whole.image_size, progress=None)
        return images

    return turn


CONTESTANTS: dict[str, Build] = {f"batch_{batch}": partial(sampling, batch) for batch in BATCHES}
PAIRS = tuple(
    Pair(f"one by one : batches of {batch}, per image", "batch_1", f"batch_{batch}") for batch in BATCHES[1:]
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratios."""
    sampler = miniature.study().sampling
    setting = {
        "sampler's steps": sampler.steps,
        "images a round": max(BATCHES),
        "the study's batch": sampler.batch,
    }
    run_contest("Sampling", 3, CONTESTANTS, PAIRS, setting, arguments)


if __name__ == "__main__":
    main()
