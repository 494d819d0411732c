"""Methods and their differences over trainings: pooled within a kind of photos, absent for one training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.trainings import difference_estimates, method_estimates, trainings_of

MEASURE = ("varying", "dino")
KINDS = {
    "mug": "one_place",
    "robot": "one_place",
    "mug_places": "several_places",
    "robot_places": "several_places",
}


def values(lead: float, spread: float, trainings: int = 3) -> pd.DataFrame:
    """Two images a training; `theirs` is 0 in all, `ours` leads by so much, more or less by training."""
    rows = [
        (method, *MEASURE, f"varying/{image:03d}", (method == "ours") * (lead + step), number)
        for number, step in enumerate(np.linspace(-spread, spread, trainings), 1)
        for method in ("ours", "theirs")
        for image in range(2)
    ]
    return pd.DataFrame(rows, columns=["method", "prompt_set", "metric", "image", "value", "training"])


STUDY = {
    "mug": values(0.2, 0.1),
    "robot": values(0.4, 0.1),
    "mug_places": values(0.1, 0.3),
    "robot_places": values(0.1, 0.0),
}


def test_differences_of_a_kind_are_followed_by_their_mean_and_share_their_variance():
    found = difference_estimates(STUDY, KINDS, [("ours", "theirs")], [MEASURE])
    assert [row.label for row in found] == [
        *("Mug", "Robot", "Mean of 2 in one place"),
        *("Mug places", "Robot places", "Mean of 2 in several places"),
    ]
    assert [row.mean for row in found] == pytest.approx([0.2, 0.4, 0.3, 0.1, 0.1, 0.1])
    widths = [row.high - row.low for row in found]
    # t of 4 degrees of freedom, 97.5 %, and variances of 0.01 and (0.09 + 0) / 2 between trainings
    narrow, wide = (2 * 2.7764 * (variance / 3) ** 0.5 for variance in (0.01, 0.045))
    half = 0.5**0.5
    assert widths == pytest.approx([narrow, narrow, narrow * half, wide, wide, wide * half], rel=1e-4)
    assert [row.clear for row in found] == [True, True, True, False, False, False]
    assert {row.trainings for row in found} == {3}


def test_a_method_has_its_own_mean_and_interval():
    found = method_estimates(STUDY, KINDS, ["ours", "theirs"], [MEASURE])
    assert found[CellKey("varying", "robot", "ours", "dino")].mean == pytest.approx(0.4)
    assert found[CellKey("varying", "robot", "theirs", "dino")].interval() == (0.0, 0.0)
    assert len(found) == 2 * len(STUDY)


def test_of_one_training_there_is_nothing():
    single = {"mug": values(0.2, 0.1, trainings=1)}
    assert trainings_of(single) == 1
    assert trainings_of(STUDY) == 3
    assert difference_estimates(single, KINDS, [("ours", "theirs")], [MEASURE]) == []
    assert method_estimates(single, KINDS, ["ours"], [MEASURE]) == {}
