"""How good the mattes are, and how often their guards are right, on rendered photos whose mattes are known.

``python -m benchmarks.mattes`` judges the guards on the held-back photos: how many mattes with an IoU below
0.85 they flag, and how many above 0.93. ``--fit`` measures the photos of other seeds and prints the weights
and the limit to put into ``imaging/mattes/guards.py``. The held-back seed must take no part in that.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks.matte_sets import WAYS, draw_set, set_names
from hypnos_pipeline.imaging.mattes.estimate import estimate_mattes
from hypnos_pipeline.imaging.mattes.guards import scaled
from hypnos_pipeline.imaging.mattes.measures import Measures
from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings

HELD_BACK = 20270101
TUNING = (1, 2)
WRONG, RIGHT = 0.85, 0.93
"""A matte below the first IoU is wrong, above the second right; between, either answer will do."""
FLAGGED_RIGHT = 0.12
"""The share of right mattes flagged at the limit; a wrong one that passes does more harm than a look."""
_LEAST = 1.0
"""The smallest weight: what a measure names should count, however seldom it occurs."""
_SHRINKAGE = 3.0


@dataclass(frozen=True)
class Judged:
    """One photo's matte.

    Attributes:
        photo: Its set and name.
        way: How the set was photographed.
        iou: With the true matte, of soft values.
        said: What the guards say; nothing of a matte that is not flagged.
        measures: See ``imaging.mattes.measures``.
    """

    photo: str
    way: str
    iou: float
    said: list[str]
    measures: dict[str, float]


def judge_sets(seeds: Sequence[int], names: Sequence[tuple[str, str]], workers: int) -> list[Judged]:
    """Makes the mattes of every set (class, way) of every seed."""
    tasks = [(seed, cls, way) for seed in seeds for cls, way in names]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return [photo for photos in pool.map(_judge, tasks) for photo in photos]


def _judge(task: tuple[int, str, str]) -> list[Judged]:
    drawn = draw_set(*task)
    mattes, rows = estimate_mattes(drawn.raw, BackgroundRemovalSettings())
    _, cls, way = task
    return [
        Judged(
            f"{cls}, {way}, {row['photo']}",
            way,
            iou(mattes[row["photo"]], drawn.truth[row["photo"]]),
            [problem["what"] for problem in row["problems"]],
            row["measures"],
        )
        for row in rows
    ]


def iou(matte: np.ndarray, truth: np.ndarray) -> float:
    """Returns intersection over union of two soft mattes."""
    return float(np.minimum(matte, truth).sum() / np.maximum(matte, truth).sum())


def summary(photos: Sequence[Judged]) -> dict[str, Any]:
    """Returns how good the mattes are, and how often the guards are right."""
    ious = np.array([photo.iou for photo in photos])
    flagged = np.array([bool(photo.said) for photo in photos])
    wrong, right = ious < WRONG, ious > RIGHT
    return {
        "photos": len(photos),
        "mean IoU": round(float(ious.mean()), 3),
        "median IoU": round(float(np.median(ious)), 3),
        f"below {WRONG}": int(wrong.sum()),
        "of these flagged": int((flagged & wrong).sum()),
        f"above {RIGHT}": int(right.sum()),
        "of those flagged": int((flagged & right).sum()),
        "between": int((~wrong & ~right).sum()),
        "of them flagged": int((flagged & ~wrong & ~right).sum()),
    }


def fitted(photos: Sequence[Judged]) -> dict[str, float]:
    """Returns the measures' weights, by logistic regression, and the limit.

    At the limit ``FLAGGED_RIGHT`` of the right mattes are flagged.
    """
    used = [photo for photo in photos if photo.measures and not WRONG <= photo.iou <= RIGHT]
    names = [field.name for field in fields(Measures)]
    measured = [scaled(Measures(**{name: photo.measures[name] for name in names})) for photo in used]
    values = np.array([list(each.values()) for each in measured])
    wrong = np.array([photo.iou < WRONG for photo in used], dtype=float)
    weights = _logistic(values, wrong)
    doubts = values @ weights
    limit = float(np.quantile(doubts[wrong == 0], 1 - FLAGGED_RIGHT))
    found = float((doubts[wrong == 1] >= limit).mean())
    return {
        **dict(zip(names, weights.round(2).tolist(), strict=True)),
        "limit": round(limit, 2),
        "found": found,
    }


def _logistic(values: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Fits weights, a little shrunk in units of each measure's spread."""
    from scipy.optimize import minimize

    spread = np.maximum(values.std(axis=0), 1e-6)
    scaled = values / spread

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        scores = scaled @ parameters[:-1] + parameters[-1]
        error = 1 / (1 + np.exp(-scores)) - wrong
        value = np.logaddexp(0, scores).sum() - scores @ wrong + _SHRINKAGE / 2 * (parameters[:-1] ** 2).sum()
        slope = np.append(scaled.T @ error + _SHRINKAGE * parameters[:-1], error.sum())
        return float(value), slope

    count = values.shape[1]
    bounds = [*((_LEAST * each, None) for each in spread), (None, None)]
    return minimize(loss, np.zeros(count + 1), jac=True, bounds=bounds).x[:-1] / spread


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a summary of all photos and of each way, or the weights."""
    parser = argparse.ArgumentParser(description="Mattes and their guards on photos whose mattes are known")
    parser.add_argument("--fit", action="store_true", help="print weights for the guards, from other seeds")
    parser.add_argument("--seeds", type=int, nargs="+", help="photos of these seeds")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print every photo as JSON too")
    settings = parser.parse_args(arguments)
    seeds = settings.seeds or (TUNING if settings.fit else (HELD_BACK,))
    photos = judge_sets(seeds, set_names(), settings.workers)
    if settings.json:
        print(json.dumps([asdict(photo) for photo in photos], indent=1))
    print(json.dumps({"seeds": list(seeds), **summary(photos)}, indent=1))
    for way in WAYS:
        print(way, json.dumps(summary([photo for photo in photos if photo.way == way])))
    if settings.fit:
        print(json.dumps(fitted(photos), indent=1))


if __name__ == "__main__":
    main()
