"""Findings of the registered claims, from values of several trainings: the rows of ``docs/findings.csv``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hypnos_pipeline.errors import FindingsError
from hypnos_pipeline.reporting.claims import RegisteredClaim
from hypnos_pipeline.reporting.findings import FINDING_COLUMNS, MEAN
from hypnos_pipeline.reporting.statistics import Claim, Estimate, mean_of_objects, pooled, verdicts
from hypnos_pipeline.reporting.trainings import Kinds, Values, by_kind

if TYPE_CHECKING:
    import pandas

NAMED = 8
"""Missing comparisons that a message names."""


def findings_frame(claims: Sequence[RegisteredClaim], values: Values, kinds: Kinds) -> pandas.DataFrame:
    """Returns what was found of each claim: of the mean of a kind's objects, with a verdict, and of each.

    The verdicts of a kind are corrected for the number of its claims.

    Args:
        claims: As registered.
        values: Of single images, by set.
        kinds: Of the sets.

    Returns:
        Columns ``FINDING_COLUMNS``, kind by kind and claim by claim, the mean before the objects. A kind has
        no rows until every claim's two sides have two trainings in common on each of its sets.

    Raises:
        FindingsError: If no kind has enough trainings.
    """
    import pandas

    differences = {
        each.claim: {name: list(each.comparison.differences(values[name]).values()) for name in values}
        for each in claims
    }
    few = {name: _too_few(claims, differences, name) for name in values}
    enough = [sets for sets in by_kind(values, kinds) if not any(few[name] for name in sets)]
    if not enough:
        raise FindingsError(_needed([line for lines in few.values() for line in lines]))
    rows: list[dict[str, object]] = []
    for sets in enough:
        objects = {
            each.claim: pooled({name: differences[each.claim][name] for name in sets}) for each in claims
        }
        means = {claim: mean_of_objects(several) for claim, several in objects.items()}
        found = verdicts(
            {each.claim: Claim(means[each.claim], each.direction, each.delta) for each in claims}
        )
        for each in claims:
            several = {MEAN: means[each.claim], **objects[each.claim]}
            for name, estimate in several.items():
                verdict = str(found[each.claim]) if name == MEAN else ""
                rows.append(_row(each, kinds[sets[0]], name, estimate) | {"verdict": verdict})
    return pandas.DataFrame(rows, columns=FINDING_COLUMNS)


def _row(claim: RegisteredClaim, kind: str, name: str, estimate: Estimate) -> dict[str, object]:
    low, high = estimate.interval()
    numbers = {"difference": estimate.mean, "low": low, "high": high, "trainings": estimate.trainings}
    stated = {key: getattr(claim, key) for key in ("claim", "section", "measure", "direction", "delta")}
    return stated | {"kind": kind, "set": name} | numbers


def _too_few(
    claims: Sequence[RegisteredClaim], differences: Mapping[str, Mapping[str, Sequence[float]]], name: str
) -> list[str]:
    """Returns a line for each comparison of which a set has fewer than two trainings."""
    counts = {each.measure: len(differences[each.claim][name]) for each in claims}
    return [f"{name}: {measure}: {count}" for measure, count in counts.items() if count < 2]


def _needed(few: Sequence[str]) -> str:
    more = [f"and {len(few) - NAMED} more"] if len(few) > NAMED else []
    lines = "\n".join(f"  {line}" for line in [*few[:NAMED], *more])
    return (
        "a finding needs two trainings of everything that it compares, on all sets of one kind. These have"
        f" fewer:\n{lines}"
    )
