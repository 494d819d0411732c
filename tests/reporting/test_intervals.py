"""Bootstrap intervals: what is drawn, what they cover, and that methods are paired."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypnos_pipeline.reporting.intervals import (
    INTERVAL_COLUMNS,
    background_intervals,
    interval,
    paired_differences,
    resampled_weights,
)

COLOURS = ["red", "yellow", "green", "blue", "purple", "white"]
EACH = 4


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def pairs(values: np.ndarray, metric: str = "foreground_dino", photos: int = 2) -> pd.DataFrame:
    """Rows of one method: an image's value on every photo, spread about it by photo."""
    metrics = {metric: photos, "background_obeyed": 1}
    return pd.DataFrame(
        [
            {
                "prompt_set": "backgrounds",
                "image": f"backgrounds/{index:03d}",
                "colour": COLOURS[index % len(COLOURS)],
                "photo": f"{photo}" if count > 1 else "",
                "metric": name,
                "value": value + photo - (count - 1) / 2,
            }
            for name, count in metrics.items()
            for index, value in enumerate(values)
            for photo in range(count)
        ]
    )


@settings(max_examples=30)
@given(counts=st.lists(st.integers(1, 5), min_size=1, max_size=6), seed=st.integers(0, 1000))
def test_a_resample_holds_whole_draws_of_colours(counts, seed):
    colours = [name for name, count in zip(COLOURS, counts, strict=False) for _ in range(count)]
    weights = resampled_weights(colours, 50, rng(seed))
    assert weights.shape == (50, len(colours))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    if len(set(counts)) == 1:  # then each of the drawn colours weighs a multiple of its share
        shares = pd.DataFrame(weights.T).groupby(colours).sum() * len(counts)
        np.testing.assert_allclose(shares, np.rint(shares), atol=1e-9)
    assert np.array_equal(weights, resampled_weights(colours, 50, rng(seed)))


def test_an_interval_covers_the_known_mean_about_as_often_as_it_says():
    """Colours differ as much as noise does; six of them are few, so a little less often is right."""
    draw, studies = rng(), 400
    effects = draw.normal(0, 1, (studies, len(COLOURS)))
    values = 3.0 + np.tile(effects, EACH) + draw.normal(0, 1, (studies, EACH * len(COLOURS)))
    weights = resampled_weights(COLOURS * EACH, 1000, draw)
    found = np.array([interval(row, weights) for row in values])
    covered = np.mean((found[:, 1] <= 3.0) & (found[:, 2] >= 3.0))
    assert 0.86 <= covered <= 0.98
    # Images drawn singly would forget that a colour's images share its effect.
    single = resampled_weights([str(n) for n in range(EACH * len(COLOURS))], 1000, draw)
    naive = np.array([interval(row, single) for row in values])
    assert np.mean((naive[:, 1] <= 3.0) & (naive[:, 2] >= 3.0)) < covered - 0.1


@settings(max_examples=20)
@given(lead=st.floats(-2, 2), seed=st.integers(0, 1000))
def test_a_constant_lead_has_no_width_because_methods_are_paired(lead, seed):
    values = rng(seed).normal(0, 5, EACH * len(COLOURS))
    found = background_intervals(
        {"ours": pairs(values + lead), "theirs": pairs(values)},
        [("ours", "theirs")],
        "known masks",
        rng(seed),
    )
    rows = found.set_index(["method", "minus", "metric"])
    for metric in ("foreground_dino", "background_obeyed"):
        difference = rows.loc["ours", "theirs", metric]
        assert [difference["mean"], difference["low"], difference["high"]] == pytest.approx(
            [lead] * 3, abs=1e-9
        )
        own = rows.loc["ours", "", metric]
        assert own["mean"] == pytest.approx(values.mean() + lead)
        assert own["low"] < own["mean"] < own["high"]


def test_prompt_sets_have_intervals_of_their_own():
    values = rng().normal(0, 1, 24)
    alone = background_intervals({"ours": pairs(values)}, [], "", rng())
    others = pairs(values + 5).assign(prompt_set="repeated")
    both = background_intervals({"ours": pd.concat([pairs(values), others])}, [], "", rng())
    first, second = (both[both["prompt_set"] == name] for name in ("backgrounds", "repeated"))
    pd.testing.assert_frame_equal(first, alone)
    assert second["mean"].to_numpy() == pytest.approx(first["mean"].to_numpy() + 5)


def test_rows_tell_what_was_counted():
    found = background_intervals({"ours": pairs(rng().normal(0, 1, 24))}, [], "known masks", rng())
    assert list(found.columns) == INTERVAL_COLUMNS
    assert found["metric"].tolist() == ["foreground_dino", "background_obeyed"]
    assert found[["images", "colours", "photos"]].drop_duplicates().to_numpy().tolist() == [[24, 6, 2]]


def test_a_metric_that_one_method_lacks_is_not_compared():
    ours, theirs = pairs(np.arange(6.0)), pairs(np.arange(6.0)).query("metric == 'background_obeyed'")
    found = background_intervals({"ours": ours, "theirs": theirs}, [("ours", "theirs")], "", rng())
    differences = found[found["minus"] != ""]
    assert differences["metric"].tolist() == ["background_obeyed"]


def test_without_requested_backgrounds_there_are_no_rows():
    plain = pairs(np.arange(6.0)).assign(metric="dino", colour="")
    found = background_intervals({"ours": plain}, [], "known masks", rng())
    assert list(found.columns) == INTERVAL_COLUMNS
    assert len(found) == 0


def test_images_that_cannot_be_paired_are_refused():
    with pytest.raises(ValueError, match="differ between methods: theirs"):
        background_intervals(
            {"ours": pairs(np.arange(6.0)), "theirs": pairs(np.arange(5.0))}, [("ours", "theirs")], "", rng()
        )


def test_differences_are_of_the_same_images_and_of_their_means_over_photos():
    ours, theirs = (pairs(np.arange(24.0) + shift, "dino") for shift in (0.5, 0.0))
    found = paired_differences(
        {"ours": ours, "theirs": theirs.iloc[::-1]}, [("ours", "theirs")], [("backgrounds", "dino")], rng()
    )
    (row,) = found
    assert (row["method"], row["minus"], row["images"]) == ("ours", "theirs", 24)
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((0.5, 0.5, 0.5))


def test_without_paired_images_there_is_no_difference():
    measures = [("varying", "dino")]
    assert (
        paired_differences({"a": pairs(np.zeros(6)), "b": pairs(np.zeros(6))}, [("a", "b")], measures, rng())
        == []
    )
