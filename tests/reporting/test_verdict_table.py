"""Findings of claims from simulated trainings whose true differences are known, and the page made of them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from hypnos_pipeline.errors import FindingsError
from hypnos_pipeline.reporting.claims import Claims, NotMeasured, RegisteredClaim
from hypnos_pipeline.reporting.findings import FINDING_COLUMNS, MEAN
from hypnos_pipeline.reporting.findings_document import Measured, findings_document
from hypnos_pipeline.reporting.labels import MethodLabel
from hypnos_pipeline.reporting.measures import Comparison
from hypnos_pipeline.reporting.verdict_table import findings_frame

KINDS = {f"{name}{end}": kind for kind, end in (("one_place", ""), ("several_places", "_places"))
         for name in ("mug", "robot", "chair")}  # fmt: skip
TRUTH = {"hypnos": 0.7, "dreambooth_low_lr": 0.5, "dreambooth_high_lr": 0.7, "base": 0.1}
LABELS = [MethodLabel(name, name.upper()) for name in TRUTH]
IMAGES = 6


def claim(measure: str, direction: str = "higher", delta: float = 0.05) -> RegisteredClaim:
    return RegisteredClaim(
        section="4.1.1",
        sentence="So.",
        claim=measure,
        measure=measure,
        direction=direction,
        delta=delta,
        why="So.",
    )


CLAIMS = [
    claim("dino on invariant: hypnos - dreambooth_low_lr"),
    claim("dino on invariant: base - hypnos"),
    claim("dino on invariant: hypnos - dreambooth_high_lr"),
    claim("dino on varying: hypnos - hypnos on invariant", "lower"),
    claim("spread of dino on invariant: base - hypnos", "higher", 0.02),
]


def values(noise: float = 0.01, trainings: int = 5, between: float = 0.02) -> dict[str, pd.DataFrame]:
    """Values about the truth; varying prompts cost 0.2, and the base model's images scatter most."""
    draws = np.random.default_rng(1)
    rows = []
    for name in KINDS:
        for training in range(1, trainings + 1):
            for method, mean in TRUTH.items():
                centre = mean + draws.normal(0, between)
                for prompt_set, less in (("invariant", 0.0), ("varying", 0.2)):
                    scatter = draws.normal(0, noise * (8 if method == "base" else 1), IMAGES)
                    scatter -= scatter.mean()
                    rows += [
                        (
                            name,
                            method,
                            prompt_set,
                            "dino",
                            f"{prompt_set}/{image}",
                            centre - less + each,
                            training,
                        )
                        for image, each in enumerate(scatter)
                    ]
                rows.append((name, method, "invariant", "fid", "", 3.0, training))
    columns = ["set", "method", "prompt_set", "metric", "image", "value", "training"]
    frame = pd.DataFrame(rows, columns=columns)
    return {name: own.drop(columns="set") for name, own in frame.groupby("set", sort=False)}


def means(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Verdicts of each kind, by measure."""
    own = frame[frame["set"] == MEAN]
    return {measure: rows["verdict"].tolist() for measure, rows in own.groupby("measure", sort=False)}


def page(frame: pd.DataFrame, of_images: dict[str, pd.DataFrame], claims: Claims | None = None) -> str:
    claims = claims or Claims(claims=CLAIMS)
    return findings_document(Measured("mini_findings", claims, frame, of_images, KINDS, LABELS, {}, 5))


def test_verdicts_are_those_of_the_known_truth():
    frame = findings_frame(CLAIMS, values(), KINDS)
    assert list(frame.columns) == FINDING_COLUMNS
    assert means(frame) == {
        "dino on invariant: hypnos - dreambooth_low_lr": ["seen"] * 2,
        "dino on invariant: base - hypnos": ["opposite"] * 2,
        "dino on invariant: hypnos - dreambooth_high_lr": ["no difference beyond δ"] * 2,
        "dino on varying: hypnos - hypnos on invariant": ["seen"] * 2,
        "spread of dino on invariant: base - hypnos": ["seen"] * 2,
    }
    objects = frame[frame["set"] != MEAN]
    assert set(objects["verdict"]) == {""}
    assert objects.groupby("measure")["set"].apply(set).map(len).eq(len(KINDS)).all()
    assert frame["trainings"].eq(5).all()


def test_trainings_that_scatter_decide_nothing_and_the_page_says_how_many_more_they_need():
    scattered = values(between=0.3)
    frame = findings_frame(CLAIMS[2:3], scattered, KINDS)
    assert means(frame) == {CLAIMS[2].measure: ["not decided"] * 2}
    row = frame[frame["set"] == "mug"].iloc[0]
    needed = math.ceil(5 * ((row["high"] - row["low"]) / 2 / 0.05) ** 2)
    text = page(frame, scattered)
    assert (
        f"the widest difference needs more trainings: about {needed} of photos in one place and about "
        in text
    )
    few_are_enough = values(between=0.01)
    text = page(findings_frame(CLAIMS, few_are_enough, KINDS), few_are_enough)
    assert "5 of photos in one place and 5 of photos in several places, of 5 planned.\n" in text


def test_one_training_is_too_few_and_the_message_names_what_is_missing():
    with pytest.raises(
        FindingsError, match=r"mug: dino on invariant: hypnos - dreambooth_low_lr: 1\n(.|\n)*22 more"
    ):
        findings_frame(CLAIMS, values(trainings=1), KINDS)


def test_a_kind_waits_until_all_its_sets_have_two_trainings():
    of_one, several = values(trainings=1), values()
    mixed = {name: (of_one if name == "mug_places" else several)[name] for name in KINDS}
    frame = findings_frame(CLAIMS, mixed, KINDS)
    assert set(frame["kind"]) == {"one_place"}
    assert frame.equals(findings_frame(CLAIMS, several, KINDS).query("kind == 'one_place'"))
    text = page(frame, mixed)
    assert "## Photos in several places\n\nNot measured yet: some of these sets" in text


def test_a_method_that_no_claim_names_stands_beside_the_first_without_a_verdict():
    frame = values()
    known = findings_frame(CLAIMS[:2], frame, KINDS)
    text = page(known, frame, Claims(claims=CLAIMS[:2]))
    shown = text[text.index("### Methods that no claim names") :].splitlines()[2:7]
    assert shown[0].startswith("HYPNOS minus the method")
    assert shown[2] == "| measure | DREAMBOOTH_HIGH_LR |"  # the base model is no method of its own
    own = [
        frame[name].query("prompt_set == 'invariant' and metric == 'dino'")
        for name in ("mug", "robot", "chair")
    ]
    by_method = pd.concat(own).groupby("method")["value"].mean()  # as many images and trainings of each
    expected = by_method["hypnos"] - by_method["dreambooth_high_lr"]
    mean, half = (float(part) for part in shown[4].split("|")[2].replace("−", "-").split("±"))
    assert mean == pytest.approx(expected, abs=5e-4)
    assert 0.005 < half < 0.05  # of means that scatter by 0.02 each
    assert "no claim names" not in page(findings_frame(CLAIMS, frame, KINDS), frame)


def test_a_spread_and_another_prompt_set_are_told_from_words():
    assert Comparison.parse("spread of grain on varying: a - b") == ("grain", "varying", "a", "b", "", True)
    assert Comparison.parse("grain on varying: a - a on invariant") == (
        "grain",
        "varying",
        "a",
        "a",
        "invariant",
        False,
    )
    assert Comparison.parse("dino on varying: hypnos - base on invariant").words(LABELS) == (
        "DINO ↑, varying: HYPNOS − BASE on invariant"
    )


def test_the_page_says_first_what_it_does_not_cover_and_has_costs_beside_quality():
    frame, found = values(), findings_frame(CLAIMS, values(), KINDS)
    registered = Claims(
        claims=CLAIMS, not_measured=[NotMeasured(section="0.F", sentence="An arm.", reason="One image.")]
    )
    costs = {
        ("mug", "hypnos", part): [(seconds, 2e9)] for part, seconds in (("finetune", 90), ("sample", 20))
    }
    costs["mug", "hypnos", "pretrain_discriminator"] = [(10, 1e9)]
    text = findings_document(Measured("mini_findings", registered, found, frame, KINDS, LABELS, costs, 5))
    assert (
        text.index("does not cover") < text.index("## Photos in one place") < text.index("several places\n")
    )
    assert "| 4.1.1 | dino on invariant: hypnos - dreambooth_low_lr | DINO ↑, invariant: HYPNOS −" in text
    assert "**no difference beyond δ**" in text
    assert "- **Opposite**, 1 of 5\n    - dino on invariant: base - hypnos\n- **No difference beyond" in text
    assert "| Seconds of training | 100 |  |  |  |" in text
    assert "| Memory of training, GB | 2.0 |  |  |  |" in text
    assert "| FID ↓, invariant | 3.000 ± 0.000 |" in text
    assert "| 0.F | “An arm.” | One image. |" in text
