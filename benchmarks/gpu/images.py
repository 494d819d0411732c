"""Images a second of the sampler, and the evaluation of one cell's images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import subject
from benchmarks.subject import SUBJECT, image_set

if TYPE_CHECKING:
    from benchmarks.gpu.bench import Bench
    from hypnos_pipeline.imaging.image_set import ImageSet

NOISE = 25.0
"""Standard deviation, 8-bit, of what stands for samples: the photos under noise."""


def sampling(bench: Bench) -> None:
    """Measures our sampler in the study's batches against diffusers' pipeline, one image after another."""
    import torch

    from hypnos_pipeline.models.generation import generate
    from hypnos_pipeline.models.runtime import autocast

    model, sampler, edge = bench.model(), bench.whole.sampling, bench.whole.image_size
    prompt = f"a photo of a {bench.whole.subjects[SUBJECT].noun} on a beach"
    count = 2 if bench.small else 2 * sampler.batch

    def ours() -> None:
        with autocast(bench.runtime, bench.device):
            generate(model, [prompt] * count, list(range(count)), sampler, edge, progress=None)

    def one_by_one() -> None:
        pipeline = model.pipeline()
        for seed in range(count // 2):
            with autocast(bench.runtime, bench.device):
                pipeline(
                    prompt,
                    generator=torch.Generator().manual_seed(seed),
                    height=edge,
                    width=edge,
                    num_inference_steps=sampler.steps,
                    guidance_scale=sampler.guidance,
                )

    _, peak = bench.measure(ours)  # the first call also prepares the device
    bench.add_memory("sampling", {"sampling": peak}, images=sampler.batch)
    seconds: dict[str, list[float]] = {"ours": [], "one by one": []}
    for _ in range(1 if bench.small else 2):
        for name, work, images in (("ours", ours, count), ("one by one", one_by_one, count // 2)):
            seconds[name].append(bench.seconds(work) / images)
            bench.add(what="image", of=name, seconds=seconds[name])


def evaluation(bench: Bench) -> None:
    """Measures every metric of the study over as many images as one subject and method have."""
    from hypnos_pipeline.metrics.evaluate import evaluate_samples
    from hypnos_pipeline.metrics.features import load_metric_networks
    from hypnos_pipeline.metrics.foreground import CutOuts

    whole = bench.whole
    edge, metrics = whole.image_size, whole.evaluation.metrics
    photos = image_set(subject.photos(edge))
    cut_outs = CutOuts.of(image_set(subject.ovals(edge)), photos)
    loaded: dict[str, Any] = {}

    def load() -> None:
        references = {name: network for name, network in whole.models if network is not None}
        loaded["networks"] = load_metric_networks(references, metrics, bench.device)
        loaded["model"] = bench.model()

    def evaluate(chosen: ImageSet) -> None:
        given = {"metrics": metrics, "batch": whole.evaluation.batch, "subject": SUBJECT, "method": "m"}
        evaluate_samples(
            chosen, photos, loaded["networks"], model=loaded["model"], cut_outs=cut_outs, **given
        )

    loading = bench.seconds(load)
    evaluate(stand_ins(bench, 2))  # the first call also prepares the device
    samples = stand_ins(bench)
    seconds, peak = bench.measure(lambda: evaluate(samples))
    bench.add(what="evaluation", seconds=seconds, loading=loading, images=len(samples.images))
    bench.add_memory("evaluation", {"evaluation": peak}, images=whole.evaluation.batch, half=False)


def stand_ins(bench: Bench, each: int | None = None) -> ImageSet:
    """Returns photos under noise with the manifest of the study's samples, or of so many a prompt set."""
    from hypnos_pipeline.imaging.image_set import ImageSet
    from hypnos_pipeline.prompting.prompt_sets import expand, requests
    from hypnos_pipeline.prompting.templates import instance_phrase

    draw, whole = np.random.default_rng(0), bench.whole
    photos, who = list(subject.photos(whole.image_size).values()), whole.subjects[SUBJECT]
    images, rows = {}, []
    for prompt_set, settings in whole.prompt_sets.items():
        asked = (settings, prompt_set, whole.seed)
        templates = zip(expand(*asked), requests(*asked), strict=True)
        for index, (template, requested) in enumerate(list(templates)[:each]):
            name, photo = f"{prompt_set}/{index:03d}", photos[index % len(photos)]
            noisy = photo + draw.normal(0, NOISE, photo.shape)
            images[name] = noisy.clip(0, 255).astype(np.uint8)
            row = {"name": name, "prompt_set": prompt_set, **requested}
            row["prompt"] = template.replace("{subject}", instance_phrase(who))
            rows.append(row | {"noun_prompt": template.replace("{subject}", who.noun)})
    return ImageSet(images, rows)
