"""The cell that both evaluations score: samples, photos, cut-outs and networks, made ready in memory."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lpips import LPIPS

from benchmarks import miniature
from benchmarks.subject import SUBJECT, image_set
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.features import MetricNetworks
from hypnos_pipeline.metrics.foreground import CutOuts
from hypnos_pipeline.models.fetching.conversion import lpips_heads
from hypnos_pipeline.models.frechet import load_frechet_network
from hypnos_pipeline.models.lpips import AlexNetLpipsNetwork
from hypnos_pipeline.models.networks import load_clip, load_vit
from hypnos_pipeline.models.text_to_image import TextToImage

IMAGES_A_PROMPT_SET = 24
PROMPT_SETS = {"invariant": "", "varying": " on a beach", "backgrounds": ", {colour} background"}
COLOURS = ("red", "yellow", "green", "blue", "purple", "white")

PLACES = ("background_leak", "scene_obeyed", "disentangled")
OURS_ALONE = (*PLACES, "grain", "unseen_dino", "diversity", "copying")
"""Measures that no library has."""

Scores = dict[tuple[str, str], float]
"""Prompt set and metric → mean."""


@dataclass(frozen=True)
class Cell:
    """What is evaluated.

    Attributes:
        samples: The photos under noise, in the study's prompt sets.
        photos: The subject's photos.
        cut_outs: The photos' foregrounds, cut out by ovals.
        networks: Those of all metrics.
        model: The text-to-image model, whose text encoder one metric reads.
        lpips: The package's own network, whose weights ``networks`` shares.
        metrics: Names of the study's metrics that libraries have too.
    """

    samples: ImageSet
    photos: ImageSet
    cut_outs: CutOuts
    networks: MetricNetworks
    model: TextToImage
    lpips: LPIPS
    metrics: Sequence[str]


def make_cell(settings: argparse.Namespace) -> Cell:
    """Makes images and networks ready."""
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
    photos = image_set(miniature.photos())
    cut_outs = CutOuts.of(image_set(miniature.ovals()), photos)
    samples = _samples(list(photos.images.values()), 2 if settings.smallest else IMAGES_A_PROMPT_SET)
    model = miniature.text_to_image()
    metrics = [name for name in whole.evaluation.metrics if name not in OURS_ALONE]
    return Cell(samples, photos, cut_outs, networks, model, package, metrics)


def _lpips_package() -> LPIPS:
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it builds AlexNet by a deprecated option of torchvision
        torch.manual_seed(0)
        return LPIPS(net="alex", pnet_rand=True, verbose=False).requires_grad_(False)


def _samples(photos: list[np.ndarray], count: int) -> ImageSet:
    """Returns so many images per prompt set, with the manifest rows that evaluation reads."""
    draw = np.random.default_rng(0)
    noun = miniature.study().subjects[SUBJECT].noun
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
