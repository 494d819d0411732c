"""``docs/findings.md``: the findings in words and tables, from the same values as ``docs/findings.csv``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.cells import CellKey, rows_of
from hypnos_pipeline.reporting.claims import Claims
from hypnos_pipeline.reporting.findings import MEAN
from hypnos_pipeline.reporting.labels import MethodLabel, listed, subject_label
from hypnos_pipeline.reporting.measures import Comparison
from hypnos_pipeline.reporting.statistics import Estimate, Verdict, mean_of_objects
from hypnos_pipeline.reporting.trainings import (
    KIND_WORDS,
    Kinds,
    Values,
    by_kind,
    difference_estimates,
    method_estimates,
)

if TYPE_CHECKING:
    import pandas

KIND_TITLES = {"one_place": "Photos in one place", "several_places": "Photos in several places"}
ABLATIONS = "measured by the ablation study ([The ablation study](ablations.md))"
MEASURE, WIDEST = "dino", 0.05
"""The metric, and half the width of an interval by it beyond which a set of photos needs more trainings."""
SHOWN = (
    *(("invariant", "dino"), ("invariant", "background_leak"), ("varying", "unseen_dino")),
    *(("varying", "scene_obeyed"), ("backgrounds", "foreground_dino"), ("backgrounds", "foreground_ssim")),
    *(("backgrounds", "background_obeyed"), ("disentangle", "disentangled")),
)
"""Prompt sets and metrics by which methods are shown of which nothing is claimed."""
HEAD = """# Findings

What the paper says of its methods, claim by claim, measured on the embedded study `{env}`. This page is
written by `kedro findings write`; the same numbers are in `docs/findings.csv`.

!!! warning "What this does not cover"
    The study has three rendered objects, miniature models of 64 pixels that were trained for this project,
    and one set of prompts. The intervals are about other trainings of these objects with these prompts. They
    say nothing of other objects, of other prompts, of photographs, or of Stable Diffusion.

The claims, their measures, directions and δ, the smallest difference that matters, were registered in
`conf/{env}/claims.yml` before any training of this study was made, and none was taken out afterwards. How
verdicts follow from intervals is said in [Verdicts](results.md#verdicts): the claims of one kind of photos
are one family at 5 %, corrected by Holm. The intervals in the tables are the ordinary 95 % ones."""


@dataclass(frozen=True)
class Measured:
    """What the document is made from.

    Attributes:
        env: The environment.
        claims: As registered.
        findings: As ``verdict_table.findings_frame`` returns them.
        values: Of single images, by set; those of metrics of whole sets have no image.
        kinds: Of the sets.
        methods: As they are called in print.
        costs: By set, method and what was done (``finetune``, ``sample`` …): processor seconds and bytes of
            every training.
        trainings: How many the study is to have.
    """

    env: str
    claims: Claims
    findings: pandas.DataFrame
    values: Values
    kinds: Kinds
    methods: Sequence[MethodLabel]
    costs: Mapping[tuple[str, str, str], Sequence[tuple[float, float]]]
    trainings: int


def findings_document(measured: Measured) -> str:
    """Returns the page as Markdown."""
    parts = [HEAD.format(env=measured.env), _trainings(measured)]
    for sets in by_kind(measured.values, measured.kinds):
        kind = measured.kinds[sets[0]]
        own = measured.findings[measured.findings["kind"] == kind]
        parts.append(f"## {KIND_TITLES.get(kind, kind)}")
        if own.empty:
            parts.append(
                "Not measured yet: some of these sets have fewer than two trainings of every method."
            )
            continue
        means = own[own["set"] == MEAN]
        claims = [(str(row.verdict), str(row.claim)) for row in rows_of(means)]
        parts += [summary(claims), _verdicts(own, len(sets), measured.methods)]
        parts += ["### Object by object", _objects(own, sets, measured.methods)]
        parts += ["### All measures and what they cost", _measures(measured, sets)]
        parts += _unclaimed(measured, sets)
    return "\n\n".join([*parts, "## Not measured", _not_measured(measured.claims)]) + "\n"


def _trainings(measured: Measured) -> str:
    """Returns how many trainings there are, and how many more the widest intervals of DINO need."""

    def by_kind_of_photos(numbers: pandas.Series[Any], form: str) -> str:
        return listed(
            f"{form.format(number)} of photos{KIND_WORDS.get(str(kind), '')}"
            for kind, number in numbers.items()
        )

    found = measured.findings
    own = found[found["measure"].str.startswith(f"{MEASURE} on ")].assign(half=lambda f: (f.high - f.low) / 2)
    means, objects = own[own["set"] == MEAN], own[own["set"] != MEAN]
    fewest = by_kind_of_photos(found.groupby("kind", sort=False)["trainings"].min(), "{}")
    text = [f"Trainings of each method that a claim names: {fewest}, of {measured.trainings} planned."]
    wide = objects[objects["half"] > WIDEST]
    if len(wide):
        needed = (wide["trainings"] * (wide["half"] / WIDEST) ** 2).map(math.ceil)
        most = by_kind_of_photos(needed.groupby(wide["kind"], sort=False).max(), "about {}")
        widest = by_kind_of_photos(means.groupby("kind", sort=False)["half"].max(), "{:.3f}")
        text.append(
            f"Half an interval of DINO should be {WIDEST} at most. Of the means it is up to"
            f" {widest}. For single objects, by the variance that was found, the widest difference needs more"
            f" trainings: {most}."
        )
    return " ".join(text)


def summary(claims: Sequence[tuple[str, str]]) -> str:
    """Returns which claims have which verdict, in words.

    Args:
        claims: Verdict and claim of each.
    """
    lines = []
    for verdict in Verdict:
        found = [claim for outcome, claim in claims if outcome == verdict]
        lines.append(f"- **{str(verdict).capitalize()}**, {len(found)} of {len(claims)}")
        lines += [f"    - {claim}" for claim in found]
    return "\n".join(lines)


def _verdicts(own: pandas.DataFrame, objects: int, methods: Sequence[MethodLabel]) -> str:
    rows = [
        (
            *(row.section, row.claim, _words(row, methods), f"claimed {row.direction}"),
            *(_interval(row), f"{row.delta:g}", f"**{row.verdict}**"),
        )
        for row in rows_of(own[own["set"] == MEAN])
    ]
    heads = ("section", "claim", "measure", "direction", f"mean of {objects} objects", "δ", "verdict")
    return markdown_table(heads, rows)


def _objects(own: pandas.DataFrame, sets: Sequence[str], methods: Sequence[MethodLabel]) -> str:
    by_measure: dict[str, list[str]] = {}
    for row in rows_of(own[own["set"] != MEAN]):
        by_measure.setdefault(_words(row, methods), []).append(_interval(row))
    rows = [(measure, *several) for measure, several in by_measure.items()]
    return "\n\n".join(
        [
            "Single objects have no verdict.",
            markdown_table(("measure", *map(subject_label, sets)), rows),
        ]
    )


def measures_of(values: Values) -> list[tuple[str, str]]:
    """Returns the prompt sets and metrics that were measured on any set of photos, in their order."""
    each = [frame[["prompt_set", "metric"]].drop_duplicates() for frame in values.values()]
    return list(dict.fromkeys((row.prompt_set, row.metric) for frame in each for row in rows_of(frame)))


def _measures(measured: Measured, sets: Sequence[str]) -> str:
    """Returns every measure and the cost of each method, a mean over the objects, without a verdict."""
    names = [method.name for method in measured.methods]
    values = {name: measured.values[name] for name in sets}
    taken = measures_of(values)
    found = method_estimates(values, measured.kinds, names, taken)
    rows = _costs(measured, sets, names)
    for prompt_set, metric in taken:
        cells = []
        for method in names:
            keys = [CellKey(prompt_set, name, method, metric) for name in sets]
            several = {key: found[key] for key in keys if key in found}
            cells.append(_plus_minus(mean_of_objects(several)) if len(several) == len(sets) else "")
        rows.append((measure_label(prompt_set, metric), *cells))
    return "\n\n".join(
        [
            "Means over objects and trainings, ± half of the 95 % interval over trainings. Seconds are of one"
            " processor core; memory is the most that the process held, Python and its libraries among it."
            " HYPNOS's training takes its discriminator's in. An empty cell was not measured.",
            markdown_table(("measure", *(method.label for method in measured.methods)), rows),
        ]
    )


def _unclaimed(measured: Measured, sets: Sequence[str]) -> list[str]:
    """Returns how the first method differs from those that no claim names; none where none was trained."""
    comparisons = [each.comparison for each in measured.claims.claims]
    claimed = {name for each in comparisons for name in (each.method, each.minus)}
    first, *others = measured.methods
    values = {name: measured.values[name] for name in sets}
    taken = measures_of(values)
    shown = [measure for measure in SHOWN if measure in taken]
    columns: dict[str, dict[tuple[str, str], str]] = {}
    for other in others:
        if other.reference or other.name in claimed:
            continue
        found = difference_estimates(values, measured.kinds, [(first.name, other.name)], shown)
        if {*sets} <= {each.subject for each in found}:
            columns[other.label] = {
                (each.prompt_set, each.metric): signed_half(each.mean, each.low)
                for each in found
                if not each.subject
            }
    if not columns:
        return []
    return [
        "### Methods that no claim names",
        f"{first.label} minus the method on the same prompts and noise, means over objects and trainings, ±"
        " half of the 95 % interval over trainings. There are no verdicts, since nothing was registered"
        " beforehand.",
        markdown_table(
            ("measure", *columns),
            [(measure_label(*key), *(several.get(key, "") for several in columns.values())) for key in shown],
        ),
    ]


def measure_label(prompt_set: str, metric: str) -> str:
    """Returns a measure as tables name it."""
    return f"{METRICS[metric].heading}, {prompt_set}"


def _costs(measured: Measured, sets: Sequence[str], methods: Sequence[str]) -> list[tuple[str, ...]]:
    training, sampling = ("pretrain_discriminator", "finetune"), ("sample",)
    shown = (("Seconds of training", training, 0), ("Seconds of sampling", sampling, 0))
    memory = (("Memory of training, GB", training, 1), ("Memory of sampling, GB", sampling, 1))
    rows: list[tuple[str, ...]] = []
    for title, parts, place in (*shown, *memory):
        cells = []
        for method in methods:
            means = [
                sum(pair[place] for pair in found) / len(found)
                for part in parts
                if (found := [pair for name in sets for pair in measured.costs.get((name, method, part), ())])
            ]
            number = (max(means) / 1e9 if place else sum(means)) if means else None
            cells.append("" if number is None else f"{number:.1f}" if place else f"{number:.0f}")
        rows.append((title, *cells))
    return rows


def _not_measured(claims: Claims) -> str:
    rows = [
        (each.section, f"“{each.sentence}”", ABLATIONS if each.reason == "ablations" else each.reason)
        for each in claims.not_measured
    ]
    return "\n\n".join(
        [
            "Statements of the same sections that no claim above measures, each with the reason.",
            markdown_table(("section", "sentence", "reason"), rows),
        ]
    )


def _words(row: Any, methods: Sequence[MethodLabel]) -> str:
    return Comparison.parse(row.measure).words(methods)


def _interval(row: Any) -> str:
    return f"{signed(row.difference)} ({signed(row.low)} to {signed(row.high)})"


def signed(number: float) -> str:
    """Returns a difference as printed."""
    return f"{number:+.3f}".replace("-", "−")


def signed_half(mean: float, low: float) -> str:
    """Returns a mean difference as printed, with half of its interval, whose lower end is ``low``."""
    return f"{signed(mean)} ± {mean - low:.3f}"


def _plus_minus(estimate: Estimate) -> str:
    low, high = estimate.interval()
    return f"{(low + high) / 2:.3f} ± {(high - low) / 2:.3f}".replace("-", "−")


def markdown_table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table as Markdown, in whose cells a bar is no end."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
