"""The shortlist of settings on the tuning subjects, with new seeds, and what the criterion says of each.

``python -m benchmarks.shortlist FOLDER`` makes a project whose subjects are those of
:mod:`benchmarks.tuning_subjects` and whose methods are the shortlist's, five trainings of each. There ``kedro
findings run --env mini`` makes one record after another. The same command with ``--table`` then prints the
table of docs/tuning.md from the records.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.tuning_subjects import make_tuning_project, with_tuning_subjects
from hypnos_pipeline.findings.spread import training_means
from hypnos_pipeline.reporting.findings_document import markdown_table
from hypnos_pipeline.reporting.statistics import mean_of_objects, pooled

if TYPE_CHECKING:
    from collections.abc import Mapping

SEED = 2043
"""Of the first training; that of ``mini`` and of the first trials was 42."""
TRAININGS = 5
SHORTLIST: dict[str, dict[str, dict[str, Any]]] = {
    "hypnos": {
        "hypnos": {},
        "hypnos_falling_rate": {"learning_rate": 6e-4, "steps": 240, "schedule": "linear"},
    },
    "dreambooth": {
        "dreambooth_high_lr": {},
        "dreambooth_short": {"learning_rate": 3e-4, "steps": 160},
        "dreambooth_equal_steps": {"steps": 360},
    },
}
"""Family to method to what differs from its first method, which is that of ``mini``."""
CRITERION = (("varying", "unseen_dino"), ("varying", "scene_obeyed"))
"""The mean of these two; both lie between 0 and 1 where a method works."""
SIMILARITY = ("invariant", "dino")
SHOWN = (
    *CRITERION,
    *(("backgrounds", "foreground_dino"), ("backgrounds", "background_obeyed")),
    ("invariant", "background_leak"),
)
Means = dict[tuple[str, str], dict[str, list[float]]]
"""Prompt set and metric to subject to the mean of each training."""


def shortlisted(study: dict[str, Any], several_places: bool = False) -> dict[str, Any]:
    """Returns the study with the tuning subjects in place of its own, and the shortlist's methods."""
    methods = {
        family: {
            name: study["methods"][family][next(iter(several))] | change for name, change in several.items()
        }
        for family, several in SHORTLIST.items()
    }
    trainings = {"trainings": TRAININGS, "further_trainings": [*range(2, TRAININGS + 1)]}
    changed = {"seed": SEED, "methods": methods | {"base": {"base": {}}}} | trainings
    return with_tuning_subjects(study | changed, several_places)


def means_of(folder: Path) -> dict[str, Means]:
    """Returns what the records of a project have of each method."""
    found: dict[str, Means] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for subject, method, means in training_means(folder, "mini"):
        criterion = sum(float(means[measure]) for measure in CRITERION) / len(CRITERION)
        found[method]["", "criterion"][subject].append(criterion)
        for measure in (SIMILARITY, *SHOWN):
            found[method][measure][subject].append(float(means[measure]))
    return found


def table(means: Mapping[str, Means]) -> str:
    """Returns the shortlist as Markdown; methods with fewer than two trainings of a subject are left out."""
    heads = ["method", "trainings", "criterion ± s.e.", "invariant DINO", "between trainings"]
    heads += [f"{prompt_set} {metric}" for prompt_set, metric in SHOWN]
    rows = []
    for method, found in means.items():
        if min(map(len, found[SIMILARITY].values())) < 2:
            continue
        objects = {measure: pooled(several) for measure, several in found.items()}
        whole = {measure: mean_of_objects(several) for measure, several in objects.items()}
        one, criterion = next(iter(objects[SIMILARITY].values())), whole["", "criterion"]
        between = one.error * one.trainings**0.5  # pooled, so the same of every subject
        numbers = [whole[SIMILARITY].mean, between, *(whole[each].mean for each in SHOWN)]
        cells = [method, str(criterion.trainings), f"{criterion.mean:.3f} ± {criterion.error:.3f}"]
        rows.append([*cells, *(f"{number:.3f}" for number in numbers)])
    return markdown_table(heads, rows)


def main() -> None:
    """Makes the project, or prints its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--places", action="store_true", help="photos taken in several places")
    parser.add_argument("--table", action="store_true", help="print the table of a project that has records")
    chosen = parser.parse_args()
    if chosen.table:
        print(table(means_of(chosen.folder)))
    else:
        make_tuning_project(chosen.folder, partial(shortlisted, several_places=chosen.places))


if __name__ == "__main__":
    main()
