"""The table of requested background colours: rows, differences, and what stands below it."""

from __future__ import annotations

import pandas as pd

from hypnos_pipeline.reporting.backgrounds import backgrounds_table
from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.intervals import INTERVAL_COLUMNS
from hypnos_pipeline.reporting.table import to_latex, to_markdown
from hypnos_pipeline.reporting.tables import Scope

DINO, OBEYED = "foreground_dino", "background_obeyed"
OURS, THEIRS = "hypnos", "dreambooth_low_lr"


def frame(*rows: tuple, truth: str = "known masks") -> pd.DataFrame:
    """Intervals from (method, minus, metric, mean, low, high)."""
    return pd.DataFrame([("backgrounds", *row, 24, 6, 4, truth) for row in rows], columns=INTERVAL_COLUMNS)


def methods(dino: tuple[float, float] = (0.5, 0.4)) -> list[tuple]:
    return [
        (OURS, "", DINO, dino[0], dino[0] - 0.1, dino[0] + 0.1),
        (THEIRS, "", DINO, dino[1], dino[1] - 0.1, dino[1] + 0.1),
        ("base", "", DINO, 0.9, 0.8, 0.95),
        (OURS, "", OBEYED, 2.0, 1.0, 3.0),
        (THEIRS, "", OBEYED, 9.0, 5.0, 12.0),
    ]


def table(labels, **intervals: pd.DataFrame):
    return backgrounds_table(intervals, Scope(labels, list(intervals), ["Networks. None."]))


def test_rows_are_methods_then_differences_and_the_best_is_bold(labels):
    difference = (OURS, THEIRS, DINO, 0.1, 0.05, 0.15)
    made = table(labels, lego_robot=frame(*methods(), difference), chair=frame(*methods((0.3, 0.4))))
    assert made.headers == ("Foreground DINO ↑", "Background ΔE ↓")
    robot, chair = made.blocks
    assert [row.labels for row in robot] == [
        ("backgrounds", "Lego robot", "HYPNOS (LR=1e-4)"),
        ("backgrounds", "Lego robot", "DreamBooth (LR=5e-5)"),
        ("backgrounds", "Lego robot", "Base model"),
        ("backgrounds", "Lego robot", "HYPNOS (LR=1e-4) − DreamBooth (LR=5e-5)"),
    ]
    assert [row.entries[0].bold for row in robot] == [True, False, False, False]
    assert [row.entries[0].bold for row in chair] == [False, True, False]
    assert robot[3].entries[0].text == "+0.1000 [0.0500, 0.1500]"
    assert robot[3].entries[1].text == "–"
    assert robot[2].entries[1].text == "–"


def test_prompts_that_hypnos_trains_on_stand_apart_and_are_labelled(labels):
    own = frame(*methods()).assign(prompt_set="repeated")
    found = pd.concat([frame(*methods()), own], ignore_index=True)
    made = backgrounds_table({"chair": found}, Scope(labels, ["chair"], own_prompts={"repeated"}))
    assert [block[0].labels[0] for block in made.blocks] == [
        "backgrounds",
        "repeated (HYPNOS's own training prompts)",
    ]
    assert "HYPNOS finetunes on these very prompts" in "\n".join(made.notes)
    assert "finetunes" not in "\n".join(table(labels, chair=frame(*methods())).notes)


def test_values_lead_to_their_cells_and_a_difference_to_both_of_its_sides(labels):
    difference = (OURS, THEIRS, DINO, 0.1, 0.05, 0.15)
    cells = [CellKey("backgrounds", "chair", name, DINO) for name in (OURS, THEIRS)]
    (block,) = backgrounds_table(
        {"chair": frame(*methods(), difference)}, Scope(labels, ["chair"]), cells
    ).blocks
    assert [row.entries[0].cells for row in block] == [(cells[0],), (cells[1],), (), tuple(cells)]
    assert not any(row.entries[1].cells for row in block)


def test_the_notes_say_which_truth_and_how_many(labels):
    other = frame(*methods(), truth="the stage's own mattes")
    notes = "\n".join(table(labels, lego_robot=frame(*methods()), chair=other).notes)
    assert "Lego robot: known masks; Chair: the stage's own mattes." in notes
    assert "n = 24 images of 6 colours, 4 photos." in notes
    assert "of one training" in notes
    assert notes.endswith("Networks. None.")


def test_a_study_without_requested_backgrounds_says_so(labels):
    made = table(labels, lego_robot=pd.DataFrame(columns=INTERVAL_COLUMNS))
    assert made.blocks == ()
    assert made.notes[0] == "No prompt of the study requests a background colour."
    assert "No prompt" in to_markdown(made)
    assert r"\begin{tabular}" in to_latex(made)


def test_a_frame_read_back_from_a_file_gives_the_same_table(labels, tmp_path):
    found = frame(*methods(), (OURS, THEIRS, DINO, 0.1, 0.05, 0.15))
    found.to_csv(tmp_path / "intervals.csv", index=False)
    assert table(labels, chair=pd.read_csv(tmp_path / "intervals.csv")) == table(labels, chair=found)
