"""What the paper expects beside what was measured, on values whose differences are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hypnos_pipeline.reporting.ablations import ablations_table
from hypnos_pipeline.reporting.expectations import UNMEASURED, VALUE_COLUMNS, image_values, weigh
from hypnos_pipeline.reporting.labels import MethodLabel
from hypnos_pipeline.reporting.statistics import NO_VERDICT
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
    return image_values({name: pairs(shift) for name, shift in shifts.items()})


def trained(*differences: float) -> pd.DataFrame:
    """Trainings in which `hypnos_mse` lies so far from `hypnos`."""
    frames = [
        values(hypnos=0.0, hypnos_mse=each).assign(training=number)
        for number, each in enumerate(differences, 1)
    ]
    return pd.concat(frames, ignore_index=True)


def weighed(stated: dict, frames: dict[str, pd.DataFrame]) -> list:
    return [*weigh(stated, frames, seed=1).itertuples(index=False)]


def test_an_image_counts_by_its_mean_over_the_photos():
    found = image_values({"hypnos": pd.concat([pairs(0.0), pairs(9.0, metric="ssim")])})
    assert list(found) == VALUE_COLUMNS
    assert set(found["metric"]) == {"dino", "ssim"}
    dino = found[found["metric"] == "dino"]
    np.testing.assert_allclose(dino.set_index("image")["value"].sort_index(), NOISE)
    assert list(image_values({"hypnos": pairs(0.0).iloc[:0]})) == VALUE_COLUMNS


def test_one_training_has_an_interval_over_images_and_no_verdict():
    """The noise, 1 in size, is 50 times the shift: only the pairing finds it."""
    (row,) = weighed({"hypnos_mse": [expected("lower")]}, {"figurine": values(hypnos=0.0, hypnos_mse=-0.02)})
    assert (row.difference, row.low, row.high) == pytest.approx((-0.02, -0.02, -0.02))
    assert (row.images, row.trainings, row.outcome) == (IMAGES, 1, NO_VERDICT)


def test_over_several_trainings_a_difference_is_seen_opposite_or_not_decided():
    stated = {"hypnos_mse": [expected("lower"), expected("higher")]}
    clear = weighed(stated, {"figurine": trained(-0.21, -0.20, -0.19)})
    assert [row.outcome for row in clear] == ["seen", "opposite"]
    assert (clear[0].difference, clear[0].trainings) == (pytest.approx(-0.2), 3)
    assert clear[0].low == pytest.approx(-0.2 - 4.3027 * 0.01 / 3**0.5, rel=1e-3)  # t of 2 degrees, 97.5 %
    assert {row.outcome for row in weighed(stated, {"figurine": trained(-0.5, 0.4, 0.0)})} == {"not decided"}


def test_a_difference_that_does_not_matter_is_none_however_sure_it_is():
    (row,) = weighed({"hypnos_mse": [expected("lower")]}, {"figurine": trained(-0.0101, -0.01, -0.0099)})
    assert row.high < 0
    assert row.outcome == "no difference beyond δ"


def test_the_variance_between_trainings_is_pooled_over_all_methods_of_a_subject_by_one_measure():
    """Also over those of which nothing is expected: three trainings of one method say little of it."""
    frame = trained(0.10, 0.11, 0.12)
    ours = frame[frame["method"] == "hypnos"]
    steady = ours.assign(method="hypnos_steady", value=ours["value"] + 0.3)
    both = pd.concat([frame, steady], ignore_index=True)
    half = 2.7764 * (1e-4 / 2 / 3) ** 0.5  # t of 4 degrees, 97.5 %; the steady one halves the variance
    stated = {"hypnos_mse": [expected("higher")], "hypnos_steady": [expected("higher")]}
    for expectations in (stated, {"hypnos_mse": stated["hypnos_mse"]}):
        for row in weighed(expectations, {"figurine": both}):
            assert row.high - row.difference == pytest.approx(half, rel=1e-3)
    other = steady.assign(metric="ssim", value=frame[frame["method"] == "hypnos_mse"]["value"].to_numpy() * 9)
    (row,) = weighed({"hypnos_mse": stated["hypnos_mse"]}, {"figurine": pd.concat([both, other])})
    assert row.high - row.difference == pytest.approx(half, rel=1e-3)


def test_few_colours_make_wide_intervals():
    """Of two colours one gained and one did not: colours are drawn too, so one of them decides nothing."""
    ours, theirs = (pairs(0.0, colours=("red", "blue")) for _ in range(2))
    ours.loc[ours["colour"] == "red", "value"] += 1.0
    read, stated = {"hypnos_mse": ours, "hypnos": theirs}, {"hypnos_mse": [expected("higher")]}
    (row,) = weighed(stated, {"figurine": image_values(read)})
    assert row.low < 1e-9
    ours["colour"] = theirs["colour"] = ""
    (row,) = weighed(stated, {"figurine": image_values(read)})
    assert row.low > 0.2


def test_a_claim_may_be_about_one_subject_and_against_another():
    frames = {"mug": values(hypnos=0.0), "mug_other_prior": values(hypnos=0.3)}
    stated = {"hypnos": [expected("higher", subject="mug_other_prior", against_subject="mug")]}
    (row,) = weighed(stated, frames)
    assert (row.subject, row.against, row.against_subject) == ("mug_other_prior", "hypnos", "mug")
    assert row.difference == pytest.approx(0.3)


def test_what_has_no_values_is_not_measured_and_other_images_are_refused():
    frames = {"figurine": values(hypnos=0.0, hypnos_mse=1.0)}
    (row,) = weighed({"hypnos_mse": [expected("lower", metric="ssim")]}, frames)
    assert row.outcome == UNMEASURED
    frames["figurine"] = frames["figurine"].iloc[:-1]
    with pytest.raises(ValueError, match="invariant/011"):
        weigh({"hypnos_mse": [expected("lower")]}, frames, seed=1)


def test_the_same_study_gives_the_same_intervals():
    frames = {"figurine": values(hypnos=0.0, hypnos_mse=-0.02)}
    stated = {"hypnos_mse": [expected("lower")]}
    pd.testing.assert_frame_equal(weigh(stated, frames, 1), weigh(stated, frames, 1))


LABELS = [MethodLabel("hypnos", "HYPNOS"), MethodLabel("hypnos_mse", "MSE"), MethodLabel("base", "Base")]


def printed(stated: dict, frame: pd.DataFrame) -> str:
    read_back = frame.assign(colour=np.nan)  # as it comes from a CSV
    return to_markdown(ablations_table(weigh(stated, {"figurine": read_back}, 1), stated, LABELS))


def test_the_table_of_one_training_gives_differences_and_no_verdict():
    stated = {"hypnos": [], "hypnos_mse": [expected("lower"), expected("higher")], "base": []}
    table = printed(stated, values(hypnos=0.5, hypnos_mse=0.25, base=0.0))
    assert "−0.2500 [−0.2500, −0.2500]" in table
    assert table.count(f"| {NO_VERDICT} |") == 2
    assert "there is no verdict" in table
    assert not {"seen", "opposite"} & set(table.replace("*", "").lower().split())
    assert "Without an expectation: HYPNOS and Base." in table


def test_the_table_of_several_trainings_says_how_often_what_was_seen():
    stated = {"hypnos": [], "hypnos_mse": [expected("lower"), expected("higher")], "base": []}
    table = printed(stated, trained(-0.21, -0.20, -0.19))
    assert " **seen** |" in table
    assert " **opposite** |" in table
    assert "Figurine: 2 expectations, 1 seen and 1 opposite." in table
    assert "over 3 trainings" in table


def test_a_study_without_expectations_says_so():
    stated = {"hypnos": (), "hypnos_mse": (), "base": ()}
    table = ablations_table(weigh(stated, {"figurine": values(hypnos=0.0)}, 1), stated, LABELS, ["Networks"])
    assert table.blocks == ()
    assert table.notes == ("No method of this study states what the paper expects of it.",)
