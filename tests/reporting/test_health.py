"""The checks that say whether a subject's numbers may be trusted: each finds what it is for, no more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hypnos_pipeline.reporting.health import discriminators, losses, mattes, previews, scenes


def curve(values: np.ndarray) -> dict[str, pd.DataFrame]:
    return {"HYPNOS": pd.DataFrame({"step": range(1, len(values) + 1), "loss": values})}


def taken(change: list[float], flat: list[int]) -> dict:
    return {"HYPNOS": {"previews": {"steps": [1, 2, 3, 4], "change": change, "flat": flat}}}


def test_a_flagged_matte_is_counted_with_its_fix_and_an_excluded_photo_is_not():
    problem = {"what": "covers 1% of the photo", "fix": "exclude it"}
    rows = [
        {"photo": "00", "backend": "grabcut", "problems": [problem]},
        {"photo": "01", "backend": "grabcut", "problems": []},
        {"photo": "02", "backend": "excluded", "problems": []},
    ]
    check = mattes(rows)
    assert (check.good, check.text) == (False, "1 of 2 photos may be cut out wrongly.")
    assert check.details == ("00: covers 1% of the photo.", "Fix: exclude it.")
    assert mattes(rows[1:]).good


def accuracy(**before: float | None) -> dict[str, object]:
    return {"discriminator_accuracy": {"before": before, "after": {}}}


def test_the_kinds_that_the_discriminator_does_not_know_are_named():
    check = discriminators({"HYPNOS": accuracy(original=1.0, coloured_masked=0.25, resized=None)})
    assert (check.good, check.text) == (False, "Wrong on many images of coloured masked (25% right).")
    assert discriminators({"HYPNOS": accuracy(original=1.0, resized=0.9)}).good
    assert discriminators({"HYPNOS": accuracy(resized=None), "DreamBooth": {"steps": 3}}) is None


def test_discriminators_of_all_trainings_are_looked_at_and_each_once():
    good, bad = accuracy(original=1.0), accuracy(original=0.5)
    labels = ("HYPNOS", "HYPNOS, training 2", "without", "without, training 2")
    check = discriminators(dict(zip(labels, (good, bad, good, bad), strict=True)))
    assert check.text == "Wrong on many images of original (HYPNOS, training 2, 50% right)."
    assert check.details == (
        "Right, HYPNOS, by kind: original 100%.",
        "Right, HYPNOS, training 2, by kind: original 50%.",
    )


@pytest.mark.parametrize(
    ("values", "good"),
    [
        (np.linspace(1.0, 0.1, 100), True),
        (np.concatenate([np.linspace(1.0, 0.1, 80), np.full(20, 0.5)]), False),
        (np.array([0.1] * 99 + [np.nan]), False),
    ],
)
def test_a_loss_that_rises_again_or_is_not_finite_is_not_steady(values, good):
    assert losses(curve(values)).good is good


def test_the_end_of_the_perceptual_term_is_no_change_of_the_loss():
    frame = pd.DataFrame({"step": range(1, 101), "loss": [2.0] * 50 + [1.0] * 50, "loss_reconstruction": 1.0})
    assert losses({"HYPNOS": frame}).good
    assert losses({}) is None


@pytest.mark.parametrize(
    ("change", "flat", "good"),
    [
        ([9.0, 5.0, 3.0], [0, 0, 0, 0], True),
        ([5.0, 4.0, 12.0], [0, 0, 0, 0], False),
        ([9.0, 5.0, 3.0], [0, 0, 0, 1], False),
    ],
)
def test_previews_that_jump_at_the_end_or_show_one_colour_are_not_steady(change, flat, good):
    assert previews(taken(change, flat)).good is good
    assert previews({"HYPNOS": {}}) is None


def test_a_training_counts_once_however_much_is_odd_about_its_previews():
    check = previews(taken([5.0, 4.0, 12.0], [0, 0, 0, 2]))
    assert check.text == "Not steady in 1 of 1."
    assert "2 of its last previews show one colour" in check.details[0]
    assert "changed by ΔE 12.0" in check.details[0]


def test_a_set_of_blank_backgrounds_is_named():
    row = {"method": "HYPNOS", "prompt_set": "varying", "warning": "6 of 24 images have a blank background"}
    check = scenes([row, row | {"method": "Base", "warning": ""}])
    assert (check.good, check.text) == (False, "Blank or unchanging in 1 of 2 sets of images.")
    assert check.details == ("HYPNOS, varying: 6 of 24 images have a blank background.",)
