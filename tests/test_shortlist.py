"""The shortlist of settings: a study that is valid, and a table with the numbers of its records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from benchmarks.shortlist import SHOWN, SIMILARITY, TRAININGS, means_of, shortlisted, table

from hypnos_pipeline.findings.record import FOLDER, Record, Training, save
from hypnos_pipeline.miniworld.render.subjects import TUNING
from hypnos_pipeline.study.model import Study

VALUES = {
    "hypnos": {"tuning_chair": [0.8, 0.9], "tuning_robot": [0.6, 0.6]},
    "dreambooth_high_lr": {"tuning_chair": [0.5, 0.7], "tuning_robot": [0.7]},
}


def test_every_shortlisted_setting_is_trained_several_times_on_subjects_that_the_study_does_not_have(
    project_root,
):
    mini = yaml.safe_load((project_root / "conf/mini/parameters_study.yml").read_text(encoding="utf-8"))
    study = Study.from_parameters(shortlisted(mini))
    assert (study.trainings, {*study.subjects}) == (TRAININGS, {*TUNING})
    assert not {*study.subjects} & {*mini["subjects"]}
    assert study.seed != mini["seed"]
    settings = [getattr(study.methods, family)[name] for family, name in study.entries() if family != "base"]
    kinds = [(type(each), each.learning_rate, each.steps, each.schedule) for each in settings]
    assert len({*kinds}) == len(kinds) == 5
    assert settings[0].steps == mini["methods"]["hypnos"]["hypnos"]["steps"]


def test_the_table_has_the_criterion_and_how_far_trainings_lie_apart(tmp_path: Path):
    for method, subjects in VALUES.items():
        for subject, several in subjects.items():
            for number, value in enumerate(several, 1):
                rows = [(*measure, f"{image}", value + off) for measure in (SIMILARITY, *SHOWN)
                        for image, off in enumerate((-0.1, 0.1))]  # fmt: skip
                values = pd.DataFrame(rows, columns=["prompt_set", "metric", "image", "value"])
                file = tmp_path / FOLDER / "mini" / Training(subject, method, number).file
                file.parent.mkdir(parents=True, exist_ok=True)
                save(file, Record(values, {}, {}))
    lines = table(means_of(tmp_path)).splitlines()
    assert len(lines) == 3  # one training of DreamBooth on one subject says nothing of how trainings differ
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    between = np.sqrt((0.05**2 * 2 + 0) / 2)
    error = np.hypot(*[between / np.sqrt(2)] * 2) / 2
    assert cells[:3] == ["hypnos", "2", f"{(0.85 + 0.6) / 2:.3f} ± {error:.3f}"]
    assert cells[3:5] == [f"{(0.85 + 0.6) / 2:.3f}", f"{between:.3f}"]
