"""What the paper expects beside what was measured, on values whose differences are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hypnos_pipeline.reporting.ablations import ablations_table
from hypnos_pipeline.reporting.expectations import VALUE_COLUMNS, Outcome, image_values, weigh
from hypnos_pipeline.reporting.labels import MethodLabel
from hypnos_pipeline.reporting.table import to_markdown
from hypnos_pipeline.training.settings import Expectation

IMAGES = 12
NOISE = np.random.default_rng(5).normal(size=IMAGES)


def expected(direction: str, metric: str = "dino", **more: str) -> Expectation:
    stated = {"claim": "structure is kept less", "source": "4.2.1", "prompt_set": "invariant"}
    return Expectation(**stated, metric=metric, direction=direction, **more)


def pairs(shift: float, metric: str = "dino", colours: tuple[str, ...] = ("",)) -> pd.DataFrame:
    """Two photos, whose mean is the image's noise and the shift; noise is the same for all methods."""
    rows = [
        {
            "prompt_set": "invariant",
            "image": f"invariant/{i:03d}",
            "colour": colours[i % len(colours)],
            "photo": photo,
            "metric": metric,
            "value": NOISE[i] + shift + off,
        }
        for i in range(IMAGES)
        for photo, off in (("a", 0.5), ("b", -0.5))
    ]
    return pd.DataFrame(rows)


def values(**shifts: float) -> pd.DataFrame:
    stated = {"hypnos": [expected("lower")]}
    return image_values({name: pairs(shift) for name, shift in shifts.items()}, stated)


def outcomes(stated: dict, frames: dict[str, pd.DataFrame]) -> list[str]:
    return list(weigh(stated, frames, seed=1)["outcome"])


def test_an_image_counts_by_its_mean_over_the_photos_of_expected_measures_alone():
    read = pd.concat([pairs(0.0), pairs(9.0, metric="ssim")])
    found = image_values({"hypnos": read}, {"hypnos_mse": [expected("lower")]})
    assert list(found) == VALUE_COLUMNS
    assert set(found["metric"]) == {"dino"}
    np.testing.assert_allclose(found.set_index("image")["value"].sort_index(), NOISE)
    assert image_values({"hypnos": read}, {"hypnos": []}).empty


def test_a_shift_far_above_the_noise_that_is_shared_is_seen_or_opposite():
    """The noise, 1 in size, is 50 times the shift: only the pairing finds it."""
    frames = {"figurine": values(hypnos=0.0, hypnos_mse=-0.02)}
    assert outcomes({"hypnos_mse": [expected("lower"), expected("higher")]}, frames) == ["seen", "opposite"]


def test_a_difference_that_wavers_is_not_clear():
    ours, theirs = pairs(0.0), pairs(0.0)
    ours["value"] += np.repeat([1.0, -1.0] * (IMAGES // 2), 2)
    frames = {
        "figurine": image_values({"hypnos_mse": ours, "hypnos": theirs}, {"hypnos": [expected("lower")]})
    }
    (row,) = weigh({"hypnos_mse": [expected("lower")]}, frames, seed=1).itertuples(index=False)
    assert row.outcome == Outcome.UNCLEAR
    assert row.low < row.difference < row.high
    assert row.difference == pytest.approx(0.0, abs=1e-12)


def test_few_colours_make_wide_intervals():
    """Of two colours one gained and one did not: colours are drawn too, so one of them decides nothing."""
    ours, theirs = (pairs(0.0, colours=("red", "blue")) for _ in range(2))
    ours.loc[ours["colour"] == "red", "value"] += 1.0
    read = {"hypnos_mse": ours, "hypnos": theirs}
    frames = {"figurine": image_values(read, {"hypnos": [expected("higher")]})}
    assert outcomes({"hypnos_mse": [expected("higher")]}, frames) == [Outcome.UNCLEAR]
    ours["colour"] = theirs["colour"] = ""
    frames = {"figurine": image_values(read, {"hypnos": [expected("higher")]})}
    assert outcomes({"hypnos_mse": [expected("higher")]}, frames) == ["seen"]


def test_a_claim_may_be_about_one_subject_and_against_another():
    frames = {"mug": values(hypnos=0.0), "mug_other_prior": values(hypnos=0.3)}
    stated = {"hypnos": [expected("higher", subject="mug_other_prior", against_subject="mug")]}
    (row,) = weigh(stated, frames, seed=1).itertuples(index=False)
    assert (row.subject, row.against, row.against_subject, row.outcome) == (
        "mug_other_prior", "hypnos", "mug", "seen",
    )  # fmt: skip
    assert row.difference == pytest.approx(0.3)


def test_what_has_no_values_is_not_measured_and_other_images_are_refused():
    frames = {"figurine": values(hypnos=0.0, hypnos_mse=1.0)}
    assert outcomes({"hypnos_mse": [expected("lower", metric="ssim")]}, frames) == ["not measured"]
    frames["figurine"] = frames["figurine"].iloc[:-1]
    with pytest.raises(ValueError, match="invariant/011"):
        weigh({"hypnos_mse": [expected("lower")]}, frames, seed=1)


def test_the_same_study_gives_the_same_intervals():
    frames = {"figurine": values(hypnos=0.0, hypnos_mse=-0.02)}
    stated = {"hypnos_mse": [expected("lower")]}
    pd.testing.assert_frame_equal(weigh(stated, frames, 1), weigh(stated, frames, 1))


LABELS = [MethodLabel("hypnos", "HYPNOS"), MethodLabel("hypnos_mse", "MSE"), MethodLabel("base", "Base")]


def test_the_table_says_what_was_seen_and_of_what_nothing_is_expected():
    stated = {"hypnos": [], "hypnos_mse": [expected("lower"), expected("higher")], "base": []}
    frames = {"figurine": values(hypnos=0.5, hypnos_mse=0.25, base=0.0)}
    frames["figurine"] = frames["figurine"].assign(colour=np.nan)  # as it comes back from a CSV
    printed = to_markdown(ablations_table(weigh(stated, frames, 1), stated, LABELS))
    assert "−0.2500 [−0.2500, −0.2500]" in printed
    assert " **seen** |" in printed
    assert " **opposite** |" in printed
    assert "1 seen and 1 opposite" in printed
    assert "Without an expectation: HYPNOS and Base." in printed


def test_a_study_without_expectations_says_so():
    stated = {"hypnos": (), "hypnos_mse": (), "base": ()}
    table = ablations_table(weigh(stated, {"figurine": values(hypnos=0.0)}, 1), stated, LABELS, ["Networks"])
    assert table.blocks == ()
    assert table.notes == ("No method of this study states what the paper expects of it.",)
