"""Intervals over trainings cover what they say, and verdicts follow, on data whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hypnos_pipeline.reporting.statistics import (
    Claim,
    Estimate,
    Verdict,
    differences_from,
    mean_of_objects,
    pooled,
    training_differences,
    values_of,
    verdicts,
)

STUDIES, TRAININGS = 4000, 5
TRUTH = {"figurine": -0.4, "rattan_chair": 0.0, "lego_robot": 0.7}


@pytest.fixture(scope="module")
def studies() -> np.ndarray:
    """Returns studies × objects × trainings, unequal means and equal spread between trainings."""
    noise = np.random.default_rng(7).normal(0, 0.06, (STUDIES, len(TRUTH), TRAININGS))
    return np.array([*TRUTH.values()])[:, None] + noise


def test_students_interval_covers_each_object_and_their_mean_as_often_as_it_says(studies):
    hits: dict[str, list[bool]] = {name: [] for name in (*TRUTH, "mean")}
    truth = TRUTH | {"mean": sum(TRUTH.values()) / len(TRUTH)}
    for study in studies:
        objects = pooled(dict(zip(TRUTH, study, strict=True)))
        for name, estimate in (objects | {"mean": mean_of_objects(objects)}).items():
            low, high = estimate.interval()
            hits[name].append(low <= truth[name] <= high)
    for name, covered in hits.items():
        assert 0.93 <= np.mean(covered) <= 0.97, name


def test_objects_with_unequal_numbers_of_trainings_are_covered_too(studies):
    covered = []
    for study in studies:
        objects = pooled({"figurine": study[0, :2], "rattan_chair": study[1, :3], "lego_robot": study[2]})
        low, high = mean_of_objects(objects).interval()
        covered.append(low <= sum(TRUTH.values()) / len(TRUTH) <= high)
    assert 0.93 <= np.mean(covered) <= 0.97


def test_a_percentile_bootstrap_over_five_trainings_does_not_reach_it(studies):
    """The reason for Student's t: the bootstrap knows nothing of how little five trainings say."""
    one, draws = studies[:, 2], np.random.default_rng(8).integers(TRAININGS, size=(1000, TRAININGS))
    low, high = np.quantile(one[:, draws].mean(axis=-1), [0.025, 0.975], axis=1)
    assert np.mean((low <= TRUTH["lego_robot"]) & (TRUTH["lego_robot"] <= high)) < 0.90


def test_an_interval_is_students_of_the_pooled_variance():
    objects = pooled({"a": [1.0, 2.0, 3.0], "b": [10.0, 10.0, 10.0]})
    assert (objects["a"].mean, objects["a"].freedom, objects["a"].trainings) == (2.0, 4, 3)
    assert objects["a"].error == objects["b"].error == pytest.approx((0.5 / 3) ** 0.5)
    low, high = objects["a"].interval()
    assert (high - low) / 2 == pytest.approx(2.7764 * objects["a"].error, rel=1e-4)  # t of 4 degrees, 97.5 %
    mean = mean_of_objects(objects)
    assert (mean.mean, mean.error) == (6.0, pytest.approx(objects["a"].error / 2**0.5))


def test_one_training_has_no_interval():
    with pytest.raises(ValueError, match="one training has no interval"):
        pooled({"a": [1.0], "b": [2.0]})


WIDE, NARROW = 0.1, 0.001


@pytest.mark.parametrize(
    ("mean", "error", "expected"),
    [
        (0.5, NARROW, Verdict.SEEN),
        (-0.5, NARROW, Verdict.OPPOSITE),
        (0.1, WIDE, Verdict.NOT_DECIDED),
        (0.0, NARROW, Verdict.NO_DIFFERENCE),
        (0.02, NARROW, Verdict.NO_DIFFERENCE),  # surely above 0, and surely too small to matter
        (0.05, NARROW, Verdict.SEEN),  # above 0; whether beyond δ is not known
        (0.0, WIDE, Verdict.NOT_DECIDED),
        (0.2, 0.0, Verdict.SEEN),
        (0.0, 0.0, Verdict.NO_DIFFERENCE),
    ],
)
def test_each_verdict(mean, error, expected):
    estimate = Estimate(mean, error, freedom=12, trainings=5)
    assert verdicts({"one": Claim(estimate, "higher", 0.05)}) == {"one": expected}
    mirrored = Claim(Estimate(-mean, error, 12, 5), "lower", 0.05)
    assert verdicts({"one": mirrored}) == {"one": expected}


def test_without_a_smallest_difference_nothing_is_called_no_difference():
    claim = Claim(Estimate(0.0, NARROW, 12, 5), "higher", 0.0)
    assert verdicts({"one": claim}) == {"one": Verdict.NOT_DECIDED}


def claims(*sizes: float) -> dict[int, Claim]:
    """Returns claims whose differences are so many standard errors; δ is too small to decide anything."""
    return {n: Claim(Estimate(size, 1.0, 10**6, 5), "higher", 0.01) for n, size in enumerate(sizes)}


def test_holm_asks_less_of_each_next_claim_and_stops_at_the_first_that_falls_short():
    """Normal quantiles: 1.960 at 5 %, 2.241 at a half of it, 2.394 at a third."""
    seen, open_ = Verdict.SEEN, Verdict.NOT_DECIDED
    assert [*verdicts(claims(2.0)).values()] == [seen]
    assert [*verdicts(claims(2.0, 2.3, 2.4)).values()] == [seen, seen, seen]
    assert [*verdicts(claims(2.3, 2.2, 2.1)).values()] == [open_, open_, open_]
    assert [*verdicts(claims(2.0, 2.2, 2.4)).values()] == [open_, open_, seen]


def test_of_many_families_at_most_one_in_twenty_contains_a_wrong_verdict():
    """Claims of one family share trainings, so they are correlated here; δ is 0.05."""
    draw, families, freedom = np.random.default_rng(9), 1500, 12
    truths = np.array([0.0, 0.0, 0.0, 0.05, -0.06, 0.3])
    wrong, decided = 0, 0
    for _ in range(families):
        shared = draw.normal()
        errors = 0.03 * (0.7 * shared + 0.51**0.5 * draw.normal(size=len(truths)))
        spread = 0.03 * np.sqrt(draw.chisquare(freedom, len(truths)) / freedom)
        found = verdicts(
            {
                n: Claim(Estimate(truth + error, scale, freedom, 5), "higher", 0.05)
                for n, (truth, error, scale) in enumerate(zip(truths, errors, spread, strict=True))
            }
        )
        right = [
            {Verdict.SEEN: truth > 0, Verdict.OPPOSITE: truth < 0, Verdict.NO_DIFFERENCE: abs(truth) <= 0.05}
            for truth in truths
        ]
        wrong += any(not right[n].get(verdict, True) for n, verdict in found.items())
        decided += found[5] is Verdict.SEEN
    assert wrong / families <= 0.05
    assert decided / families > 0.99


def image_values() -> pd.DataFrame:
    """Two methods in two trainings; of the second training the difference is 3, of the first 1."""
    rows = [
        (method, training, f"varying/{n:03d}", n + (method == "ours") * (2 * training - 1))
        for method in ("ours", "theirs")
        for training in (1, 2)
        for n in range(3)
    ]
    frame = pd.DataFrame(rows, columns=["method", "training", "image", "value"])
    return frame.assign(prompt_set="varying", metric="dino")


def differences(values: pd.DataFrame, metric: str = "dino") -> dict[int, float]:
    ours, theirs = (values_of(values, name, ("varying", metric)) for name in ("ours", "theirs"))
    return training_differences(ours, theirs)


def test_a_training_counts_by_its_mean_difference_over_the_same_images():
    values = image_values()
    assert differences(values) == {1: 1.0, 2: 3.0}
    assert differences(values.sample(frac=1, random_state=1)) == {1: 1.0, 2: 3.0}
    assert differences(values, "lpips") == {}


def test_a_training_that_one_method_lacks_is_left_out():
    values = image_values()
    assert differences(values[(values["method"] == "ours") | (values["training"] == 1)]) == {1: 1.0}


def test_a_method_that_shares_one_training_with_the_reference_is_left_out():
    values, measure = image_values(), ("varying", "dino")
    once = values[(values["method"] == "ours") & (values["training"] == 1)].assign(method="once")
    values = pd.concat([values, once])
    reference = values_of(values, "theirs", measure)
    assert differences_from(reference, values, ["ours", "once", "never"], measure) == {"ours": [1.0, 3.0]}


def test_other_images_cannot_be_paired():
    with pytest.raises(ValueError, match="varying/002"):
        differences(image_values().iloc[:-1])


def test_of_a_metric_that_images_may_lack_those_that_both_have_are_paired():
    values = image_values().assign(metric="diversity")
    assert differences(values.iloc[:-1], "diversity") == {1: 1.0, 2: 3.0}
    values.loc[values.index[0], "value"] = np.nan
    assert differences(values, "diversity") == {1: 1.0, 2: 3.0}
