"""Makes a project whose subjects are three renders that neither training nor study contains.

``python -m benchmarks.tuning_subjects FOLDER``; then ``kedro run`` there trains and measures as in ``mini``.
Settings are chosen on these subjects (docs/tuning.md).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.project import make_project
from hypnos_pipeline.miniworld.render.subjects import TUNING, make_subjects

SEED = 7


def with_tuning_subjects(study: dict[str, Any]) -> dict[str, Any]:
    """Returns the study with these subjects in place of its own."""
    words = {"instance_word": "sks", "background_word": "ohwx"}
    study["subjects"] = {
        name: {"noun": instance.cls, **words, "photos": name, "true_masks": name}
        for name, instance in TUNING.items()
    }
    return study


def main() -> None:
    """Makes the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = make_project(parser.parse_args().folder, with_tuning_subjects, subjects=False)
    make_subjects(folder / "data/01_raw/subjects", folder / "data/01_raw/truth", SEED, TUNING)


if __name__ == "__main__":
    main()
