"""A study of flat images with known values: what pages are made of, without any model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.foreground import CutOuts
from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting import expectations, subject_part
from hypnos_pipeline.reporting.captioned import CaptionedSection
from hypnos_pipeline.reporting.cells import collect_cells
from hypnos_pipeline.reporting.drawers import worst_and_best
from hypnos_pipeline.reporting.health import checks_of
from hypnos_pipeline.reporting.intervals import background_intervals, paired_differences
from hypnos_pipeline.reporting.labels import MethodLabel
from hypnos_pipeline.reporting.origins import origins
from hypnos_pipeline.reporting.page import Page
from hypnos_pipeline.reporting.page_tables import other_cells_table
from hypnos_pipeline.reporting.tables import Scope, difference_table, prompt_varying_table

LABELS = [
    MethodLabel("hypnos", "HYPNOS (LR=1e-4)"),
    MethodLabel("dreambooth", "DreamBooth with <a long name> (LR=5e-5)"),
    MethodLabel("base", "Base model", reference=True),
]
NAMES = [label.name for label in LABELS]
SETS = ("invariant", "varying", "backgrounds")
TAKEN = {
    "invariant": ("dino", "clip_t_paper", "fid", "lpips"),
    "varying": ("dino", "clip_t", "fid", "lpips"),
    "backgrounds": ("dino", "foreground_dino", "background_obeyed"),
}
PHOTO = ImageSet({"00": np.full((64, 64, 3), 90, np.uint8)})
CUT_OUTS = CutOuts.of(ImageSet({"00": np.eye(64, dtype=np.uint8) * 255}), PHOTO)
IMAGES = 4
MACHINE = {"cpu": "A processor", "device": "cpu", "threads": 1, "libraries": {"torch": "2"}}
NETWORK = {"id": "data/models/text_to_image", "revision": None, "sha256": "ab" * 32}


def samples(size: int = 64) -> ImageSet:
    """Returns a method's images: flat and grey, each prompt set's from dark to light."""
    rows = [
        {"name": f"{s}/{n:03d}", "prompt_set": s, "index": n, "prompt": f"a <photo> of sks mug, {s} {n}"}
        for s in SETS
        for n in range(IMAGES)
    ]
    return ImageSet(
        {row["name"]: np.full((size, size, 3), 20 * row["index"], np.uint8) for row in rows}, rows
    )


def pairs(method: str) -> pd.DataFrame:
    """Returns values that rise from image to image, and from method to method by 1."""
    frames = []
    for prompt_set, metrics in TAKEN.items():
        for metric in (m for m in metrics if METRICS[m].kind != "set"):
            frame = pd.DataFrame({"image": [f"{prompt_set}/{n:03d}" for n in range(IMAGES)]})
            colours = ["red", "blue"] * (IMAGES // 2) if METRICS[metric].requested_colour else ""
            photo = "00" if METRICS[metric].kind == "pairwise" else ""
            values = NAMES.index(method) + np.linspace(0, 0.75, IMAGES)
            frames.append(
                frame.assign(prompt_set=prompt_set, metric=metric, photo=photo, colour=colours, value=values)
            )
    return pd.concat(frames, ignore_index=True)


def cells(subjects: Sequence[str]) -> pd.DataFrame:
    """Returns every cell: subject's place + a tenth of the method's place."""
    rows = [
        (s, subject, method, metric, place + NAMES.index(method) / 10, 0.1, 0.1, IMAGES)
        for s in SETS
        for place, subject in enumerate(subjects)
        for method in NAMES
        for metric in TAKEN[s]
    ]
    columns = ["prompt_set", "subject", "method", "metric", "mean", "std", "std_images", "n"]
    return collect_cells(
        [pd.DataFrame(rows, columns=columns)],
        prompt_sets=SETS,
        subjects=subjects,
        methods=NAMES,
        metrics=list(METRICS),
        paper_rows={},
    )


def part(subject: str, size: int = 64) -> dict[str, Any]:
    """Returns a subject's part of pages, as it comes back from JSON."""
    images = {name: samples(size) for name in NAMES}
    values = {name: pairs(name) for name in NAMES}
    curve = pd.DataFrame({"step": range(1, 21), "loss": 1.0, "loss_perceptual": [0.5] * 10 + [0.0] * 10})
    problem = {"where": "00", "what": "touches the <border>", "fix": "exclude it", "severity": "warning"}
    report = {"machine": MACHINE, "networks": {"text_to_image": NETWORK}, "trained_parameters": 10_000_000}
    found = {
        "photos": subject_part.photo_pictures(PHOTO),
        "rows": subject_part.same_prompts({label.label: images[label.name] for label in LABELS}),
        "failures": subject_part.failure_pictures(
            [CaptionedSection("Mattes", "", [(PHOTO.images["00"], "00: <odd>")])]
        ),
        "curves": subject_part.loss_charts(subject, [curve, curve, None]),
        "health": checks_of(
            [{"photo": "00", "backend": "grabcut", "problems": [problem]}],
            {"HYPNOS": report | {"discriminator_accuracy": {"before": {"negative": 0.9, "resized": 0.1}}}},
            {"HYPNOS": curve},
            [{"method": "Base", "prompt_set": "varying", "warning": "3 are <blank>"}],
        ),
        "differences": paired_differences(
            values, [("hypnos", "dreambooth")], [("varying", "dino")], np.random.default_rng(0)
        ),
        "origins": origins([report]),
        **worst_and_best(PHOTO, CUT_OUTS, images, values),
    }
    return json.loads(json.dumps(found))


def image_values(shifts: Sequence[float] = (0.0,)) -> pd.DataFrame:
    """Returns values of single images; training k has HYPNOS's moved by the k-th shift."""
    frames = []
    for number, shift in enumerate(shifts, 1):
        read = {name: pairs(name) for name in NAMES}
        read["hypnos"]["value"] += shift
        frames.append(expectations.image_values(read, number))
    return pd.concat(frames, ignore_index=True)


def page(subjects: Sequence[str], env: str = "mini", size: int = 64, **changed: Any) -> Page:
    """Returns the page of a study of these subjects."""
    frame = cells(subjects)
    coloured = {
        name: pairs(name)[lambda rows: rows["metric"].map(lambda m: METRICS[m].requested_colour)]
        for name in NAMES
    }
    intervals = background_intervals(coloured, [("hypnos", "dreambooth")], "known", np.random.default_rng(0))
    scope = Scope(LABELS, subjects, ["Networks: " + "0123456789abcdef" * 8])
    tables = [
        ("Table 2", prompt_varying_table(frame, scope)),
        ("Difference", difference_table(frame, scope)),
        ("Other prompt sets", other_cells_table(frame, LABELS)),
    ]
    one = part("mug", size)
    shown = {
        "title": "A <study>",
        "env": env,
        "image_size": size,
        "cells": frame,
        "methods": LABELS,
        "parts": dict.fromkeys(subjects, one),
        "backgrounds": dict.fromkeys(subjects, intervals),
        "values": dict.fromkeys(subjects, image_values()),
        "comparisons": [("hypnos", "dreambooth")],
        "tables": tables,
    }
    return Page(**(shown | changed))
