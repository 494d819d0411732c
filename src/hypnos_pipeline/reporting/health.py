"""Whether a subject's numbers may be trusted: what its stages found odd, a sentence each, with details."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from hypnos_pipeline.reporting.labels import listed

if TYPE_CHECKING:
    import pandas

WELL_TOLD = 0.75
"""Accuracy on a kind of images, below which the discriminator does not know it."""
PARTS = 5
"""Parts of a training whose mean losses are compared."""
RISEN = 1.5
"""The last part's mean loss over the lowest part's, above which a loss has risen."""
RESTLESS = 2.0
"""The last preview's change over the median of those before, above which previews are not steady."""

CALMER = "A lower learning_rate or fewer steps may help."


@dataclass(frozen=True)
class Check:
    """One look at a subject.

    Attributes:
        name: What was looked at.
        good: Whether nothing was found.
        text: What was found, in one sentence.
        details: A sentence for each finding, with its fix where there is one.
    """

    name: str
    good: bool
    text: str
    details: tuple[str, ...] = ()


def checks_of(
    matte_report: Sequence[Mapping[str, Any]],
    training_reports: Mapping[str, Mapping[str, Any]],
    curves: Mapping[str, pandas.DataFrame],
    backgrounds: Iterable[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Returns one subject's checks, each as a mapping with the fields of :class:`Check`.

    Args:
        matte_report: Rows of ``imaging.mattes.guards.matte_row``.
        training_reports: Printed method label to the report of its training.
        curves: Label to its learning curve.
        backgrounds: Rows of ``imaging.constant_backgrounds.beside_base``.
    """
    found = [
        mattes(matte_report),
        discriminators(training_reports),
        losses(curves),
        previews(training_reports),
        scenes(list(backgrounds)),
    ]
    return [asdict(check) for check in found if check]


def mattes(report: Sequence[Mapping[str, Any]]) -> Check:
    """Looks at what the guards say of the photos' mattes."""
    used = [row for row in report if row["backend"] != "excluded"]
    flagged = [row for row in used if row["problems"]]
    found = [(row["photo"], problem) for row in flagged for problem in row["problems"]]
    fixes = dict.fromkeys(problem["fix"] for _, problem in found)
    details = (
        *(f"{photo}: {problem['what']}." for photo, problem in found),
        *(f"Fix: {fix}." for fix in fixes),
    )
    if flagged:
        return Check(
            "Mattes", False, f"{len(flagged)} of {len(used)} photos may be cut out wrongly.", details
        )
    return Check("Mattes", True, f"All {len(used)} photos are cut out without a warning.")


def discriminators(reports: Mapping[str, Mapping[str, Any]]) -> Check | None:
    """Looks at how well each training's discriminator, as pretrained, knows each kind of images."""
    known: dict[str, dict[str, float]] = {}
    for label, report in reports.items():
        before = report.get("discriminator_accuracy", {}).get("before", {})
        kinds = {_word(kind): value for kind, value in before.items() if value is not None}
        if kinds and kinds not in known.values():  # the methods of a training share one
            known[label] = kinds
    if not known:
        return None
    of = {label: f"{label}, " if len(known) > 1 else "" for label in known}
    weak = [
        f"{kind} ({of[label]}{value:.0%} right)"
        for label, kinds in known.items()
        for kind, value in kinds.items()
        if value < WELL_TOLD
    ]
    details = [
        f"Right, {of[label]}by kind: {', '.join(f'{kind} {value:.0%}' for kind, value in kinds.items())}."
        for label, kinds in known.items()
    ]
    least = min(value for kinds in known.values() for value in kinds.values())
    text = (
        f"Wrong on many images of {listed(weak)}." if weak else f"At least {least:.0%} right on every kind."
    )
    return Check("Discriminator", not weak, text, tuple(details))


def losses(curves: Mapping[str, pandas.DataFrame]) -> Check | None:
    """Looks at whether each training's reconstruction loss is finite and ends about as low as it ever was."""
    details = []
    for label, curve in curves.items():
        # The total would fall when the perceptual term ends; every method has this one, if only as its total.
        loss = curve["loss_reconstruction" if "loss_reconstruction" in curve else "loss"].to_numpy(
            dtype=float
        )
        if not np.isfinite(loss).all():
            details.append(f"{label}: the loss is not finite in {int((~np.isfinite(loss)).sum())} steps.")
            continue
        parts = [float(part.mean()) for part in np.array_split(loss, PARTS) if len(part)]
        if parts[-1] > RISEN * min(parts):
            times = parts[-1] / min(parts)
            details.append(
                f"{label}: the mean loss of the last fifth is {times:.1f} times the lowest part's. {CALMER}"
            )
    if not curves:
        return None
    found = f"Not steady in {_of(details, curves)}."
    return _check("Losses", found, details, "Steady to the last step in every training.")


def previews(reports: Mapping[str, Mapping[str, Any]]) -> Check | None:
    """Looks at whether the images sampled during each training show something, and settle."""
    taken = {label: report["previews"] for label, report in reports.items() if "previews" in report}
    if not taken:
        return None
    unsteady = {label: text for label, report in taken.items() if (text := _unsteady(**report))}
    details = [f"{label}: {text}" for label, text in unsteady.items()]
    found = f"Not steady in {_of(details, taken)}."
    return _check("Previews", found, details, "Settled in every training.")


def _unsteady(change: Sequence[float], flat: Sequence[int], **_: Any) -> str:
    """Returns what is odd about one training's last previews; see ``training.previews`` for its report."""
    odd = []
    if flat[-1]:
        odd.append(f"{flat[-1]} of its last previews show one colour and no object.")
    *before, last = change or [0.0]
    if before and last > RESTLESS * median(before):
        odd.append(
            f"the last preview changed by ΔE {last:.1f}, those before by {median(before):.1f}. {CALMER}"
        )
    return " ".join(odd)


def scenes(rows: Sequence[Mapping[str, Any]]) -> Check | None:
    """Looks at whether requested scenes are shown: backgrounds blank, or the same whatever is requested."""
    if not rows:
        return None
    details = [f"{row['method']}, {row['prompt_set']}: {row['warning']}." for row in rows if row["warning"]]
    found = f"Blank or unchanging in {_of(details, rows)} sets of images."
    return _check("Backgrounds", found, details, "Neither blank nor unchanging in any method.")


def _check(name: str, found: str, details: Sequence[str], good: str) -> Check:
    """Returns a check that says what was found if there are details, and else that all is good."""
    return Check(name, not details, found if details else good, tuple(details))


def _of(found: Sequence[Any], all_of_them: Any) -> str:
    return f"{len(found)} of {len(all_of_them)}"


def _word(kind: str) -> str:
    return kind.replace("_", " ")
