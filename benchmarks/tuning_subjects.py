"""Makes a project whose subjects are three renders that neither training nor study contains.

``python -m benchmarks.tuning_subjects FOLDER``; then ``kedro run`` there trains and measures as in ``mini``.
Settings are chosen on these subjects (docs/tuning.md). Their photos are taken in one place each; with
``--places`` in several, of subjects named ``<name>_places``. The photos of both are made.
"""

from __future__ import annotations

import argparse
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.program import ROOT
from benchmarks.project import Change, make_project
from hypnos_pipeline.miniworld.render.subjects import SEVERAL_PLACES, TUNING, make_subjects

SEED = 7


def with_tuning_subjects(study: dict[str, Any], several_places: bool = False) -> dict[str, Any]:
    """Returns the study with these subjects in place of its own, photographed in one place or in several."""
    words = {"instance_word": "sks", "background_word": "ohwx"}
    kind, ending = ("several_places", SEVERAL_PLACES) if several_places else ("one_place", "")
    study["subjects"] = {
        name + ending: {
            "noun": instance.cls, **words, "photos": name + ending, "kind": kind, "true_masks": name + ending,
            "unseen": name,
        }
        for name, instance in TUNING.items()
    }  # fmt: skip
    return study


def make_tuning_project(folder: Path, change: Change) -> None:
    """Makes a project with renders of the tuning subjects, in one place and in several.

    Args:
        folder: Where.
        change: Returns its study from that of ``mini``.
    """
    made = make_project(folder, change, subjects=False)
    shutil.copy(ROOT / "dvc.yaml", made)  # by which commands know a project's folder
    make_subjects(made / "data/01_raw/subjects", made / "data/01_raw/truth", SEED, TUNING)


def main() -> None:
    """Makes the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--places", action="store_true", help="photos taken in several places")
    chosen = parser.parse_args()
    make_tuning_project(chosen.folder, partial(with_tuning_subjects, several_places=chosen.places))


if __name__ == "__main__":
    main()
