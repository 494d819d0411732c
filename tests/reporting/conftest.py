"""Synthetic scores of two subjects, two methods and the base model."""

from __future__ import annotations

import pandas as pd
import pytest

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.cells import SCORE_COLUMNS, collect_cells
from hypnos_pipeline.reporting.labels import MethodLabel

SUBJECTS = ["lego_robot", "chair"]
METHODS = ["hypnos", "dreambooth_low_lr", "base"]
PROMPT_SETS = ["disentangle", "varying", "invariant"]


def score(prompt_set: str, subject: str, method: str, metric: str, mean: float) -> dict:
    """One row of scores; set metrics have no deviation."""
    kind = METRICS[metric].kind if metric in METRICS else "per_image"
    std = float("nan") if kind == "set" else 0.05
    n = 8 if kind == "pairwise" else 2
    row = [prompt_set, subject, method, metric, mean, std, std / 2, n]
    return dict(zip(SCORE_COLUMNS, row, strict=True))


def method_scores(method: str, subject: str) -> pd.DataFrame:
    """Scores of all metrics and prompt sets, shuffled, each mean different and easy to tell."""
    rows = [
        score(prompt_set, subject, method, metric, 10 * p + METHODS.index(method) + m / 100)
        for p, prompt_set in enumerate(PROMPT_SETS)
        for m, metric in enumerate(METRICS)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=3)


@pytest.fixture
def scores() -> list[pd.DataFrame]:
    return [method_scores(method, subject) for subject in reversed(SUBJECTS) for method in reversed(METHODS)]


@pytest.fixture
def collect():
    """Collects cells of the synthetic study; ``paper_rows`` may be given."""

    def collected(scores: list[pd.DataFrame], paper_rows: dict | None = None) -> pd.DataFrame:
        return collect_cells(
            scores,
            prompt_sets=PROMPT_SETS,
            subjects=SUBJECTS,
            methods=METHODS,
            metrics=list(METRICS),
            paper_rows=paper_rows or {},
        )

    return collected


@pytest.fixture
def labels() -> list[MethodLabel]:
    return [
        MethodLabel("hypnos", "HYPNOS (LR=1e-4)"),
        MethodLabel("dreambooth_low_lr", "DreamBooth (LR=5e-5)"),
        MethodLabel("base", "Base model", reference=True),
    ]
