"""One method's whole evaluation against the libraries that its metrics come from, pair by pair.

Both take every metric of the study over the same images with the same networks (for LPIPS AlexNet with random
weights, because that package knows none of ours), and the means must agree. ``pair_by_pair`` gives each pair
to the library, as its documentation shows. ``remembering`` embeds each image once, but one at a time.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import miniature
from benchmarks.program import Build, Pair, options, run_contest
from hypnos_pipeline.imaging.image_set import ImageSet

if TYPE_CHECKING:
    from lpips import LPIPS

    from benchmarks.reference_metrics import Scores
    from hypnos_pipeline.metrics.features import MetricNetworks
    from hypnos_pipeline.metrics.foreground import CutOuts
    from hypnos_pipeline.models.text_to_image import TextToImage

IMAGES_A_PROMPT_SET = 24
PROMPT_SETS = {"invariant": "", "varying": " on a beach", "backgrounds": ", {colour} background"}
COLOURS = ("red", "yellow", "green", "blue", "purple", "white")
TOLERANCE = 1e-3
OTHER_ESTIMATORS = ("kid",)
"""clean-fid averages random subsets where ours takes one unbiased estimate."""
PAIRS = (
    Pair("our evaluation : the libraries, pair by pair", "ours", "pair_by_pair", goal=0.20),
    Pair("our evaluation : the libraries, each image embedded once", "ours", "remembering"),
)


@dataclass(frozen=True)
class Cell:
    """What is evaluated: samples and photos, true cut-outs, networks.

    Attributes:
        lpips: The package's own network, whose weights ``networks`` shares.
    """

    samples: ImageSet
    photos: ImageSet
    cut_outs: CutOuts
    networks: MetricNetworks
    model: TextToImage
    lpips: LPIPS
    metrics: list[str]


def make_cell(settings: argparse.Namespace) -> Cell:
    """Makes images and networks ready; the samples are the photos under noise."""
    import torch

    from hypnos_pipeline.metrics.features import MetricNetworks
    from hypnos_pipeline.metrics.foreground import CutOuts
    from hypnos_pipeline.models.fetching.conversion import lpips_heads
    from hypnos_pipeline.models.frechet import load_frechet_network
    from hypnos_pipeline.models.lpips import AlexNetLpipsNetwork
    from hypnos_pipeline.models.networks import load_clip, load_vit

    miniature.runtime(settings.threads)
    whole = miniature.study()
    folders = {name: miniature.folder(reference) for name, reference in whole.models}
    package = _lpips_package()
    backbone = {f"features.{key.split('.', 1)[1]}": value for key, value in package.net.state_dict().items()}
    networks = MetricNetworks(
        device=torch.device("cpu"),
        dino=load_vit(folders["dino"]),
        clip=load_clip(folders["clip"]),
        inception=load_frechet_network(folders["inception"]),
        lpips=AlexNetLpipsNetwork(backbone, lpips_heads()),
    )
    photos = miniature.image_set(miniature.photos())
    cut_outs = CutOuts.of(miniature.image_set(miniature.ovals()), photos)
    samples = _samples(list(photos.images.values()), 2 if settings.smallest else IMAGES_A_PROMPT_SET)
    metrics = list(whole.evaluation.metrics)
    return Cell(samples, photos, cut_outs, networks, miniature.text_to_image(), package, metrics)


def _lpips_package() -> LPIPS:
    import warnings

    import torch
    from lpips import LPIPS

    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it builds AlexNet by a deprecated option of torchvision
        torch.manual_seed(0)
        return LPIPS(net="alex", pnet_rand=True, verbose=False).requires_grad_(False)


def _samples(photos: list[np.ndarray], count: int) -> ImageSet:
    """Returns so many images per prompt set, with the manifest rows that evaluation reads."""
    draw = np.random.default_rng(0)
    noun = miniature.study().subjects[miniature.SUBJECT].noun
    images, rows = {}, []
    for prompt_set, ending in PROMPT_SETS.items():
        for index in range(count):
            photo = photos[index % len(photos)]
            noisy = photo + draw.normal(0, 25, photo.shape)
            name, colour = f"{prompt_set}/{index:03d}", COLOURS[index % len(COLOURS)]
            images[name] = noisy.clip(0, 255).astype(np.uint8)
            prompt = f"a photo of {{}}{ending.format(colour=colour)}"
            row = {"name": name, "prompt_set": prompt_set, "colour": colour if "{" in ending else ""}
            rows.append(row | {"prompt": prompt.format(f"sks {noun}"), "noun_prompt": prompt.format(noun)})
    return ImageSet(images, rows)


def our_scores(cell: Cell) -> Scores:
    """Returns the means of our evaluation by prompt set and metric."""
    from hypnos_pipeline.metrics.evaluate import evaluate_samples

    _, scores = evaluate_samples(
        cell.samples,
        cell.photos,
        cell.networks,
        metrics=cell.metrics,
        batch=miniature.study().evaluation.batch,
        subject="subject",
        method="method",
        model=cell.model,
        cut_outs=cell.cut_outs,
    )
    return {(row.prompt_set, row.metric): row.mean for row in scores.itertuples(index=False)}


def disagreements(ours: Scores, theirs: Scores) -> list[str]:
    """Says where two evaluations differ, among the metrics that are the same estimator in both."""
    faults = [f"{key} is in one only" for key in sorted(ours.keys() ^ theirs.keys())]
    for key in sorted(ours.keys() & theirs.keys()):
        if key[1] not in OTHER_ESTIMATORS and not np.isclose(ours[key], theirs[key], TOLERANCE, TOLERANCE):
            faults.append(f"{key}: {ours[key]:.6g}, the library's {theirs[key]:.6g}")
    return faults


def ours(settings: argparse.Namespace) -> Callable[[], int]:
    """Makes our evaluation ready."""
    cell = make_cell(settings)

    def turn() -> int:
        our_scores(cell)
        return 1

    return turn


def pair_by_pair(settings: argparse.Namespace, remember: bool = False) -> Callable[[], int]:
    """Makes the libraries ready, after checking that their means are ours.

    Raises:
        ValueError: Naming the metrics whose means differ.
    """
    from benchmarks.reference_metrics import Reference

    cell = make_cell(settings)

    def turn() -> int:
        Reference(cell, remember).scores()
        return 1

    if not settings.alone:
        faults = disagreements(our_scores(cell), Reference(cell, remember).scores())
        if faults:
            raise ValueError("not the same metrics:\n" + "\n".join(faults))
    return turn


def remembering(settings: argparse.Namespace) -> Callable[[], int]:
    """Makes the libraries ready with each image embedded once."""
    return pair_by_pair(settings, remember=True)


CONTESTANTS: dict[str, Build] = {each.__name__: each for each in (ours, pair_by_pair, remembering)}


def _setting(settings: argparse.Namespace) -> dict[str, Any]:
    return {
        "images": len(PROMPT_SETS) * IMAGES_A_PROMPT_SET,
        "photos": 4,
        "edge": miniature.study().image_size,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratios."""
    run_contest(options("Evaluation of one method", rounds=5), CONTESTANTS, PAIRS, arguments, _setting)


if __name__ == "__main__":
    main()
