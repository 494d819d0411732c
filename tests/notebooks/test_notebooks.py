"""The notebooks run as committed, and are committed without what running them leaves."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest

from tests.conftest import PROJECT_ROOT
from tests.end_to_end.shrunken import make_project, run, shrink
from tests.notebooks.executing import execute, pictures, shown_text

FOLDER = PROJECT_ROOT / "notebooks"
WALK, LOSSES = "from_photo_to_cell.ipynb", "losses.ipynb"
SUBJECT = "lego_robot"
MACHINE_PATH = re.compile(r"(?<![\w.])(/(home|root|tmp|usr|var|mnt|opt|Users)/|[A-Z]:\\\\)")


def files_below(folder: Path) -> set[str]:
    """Every file of the layers and checkpoints, by path."""
    return {str(file.relative_to(folder)) for file in folder.glob("data/*/**/*") if file.is_file()}


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.ipynb")))
def test_committed_without_outputs(name):
    path = FOLDER / name
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs, f"{cell.id}: clear the outputs before committing"
            assert cell.execution_count is None, f"{cell.id}: clear the outputs before committing"
        assert not cell.metadata, f"{cell.id}: metadata of a run"
    text = path.read_text(encoding="utf-8")
    assert str(PROJECT_ROOT) not in text
    assert not MACHINE_PATH.search(text)


def test_the_walk_runs_in_a_bare_clone_and_writes_nothing():
    finished = (PROJECT_ROOT / "data/07_model_output/mini").is_dir()
    before = files_below(PROJECT_ROOT)
    walked = execute(FOLDER / WALK, FOLDER)
    assert files_below(PROJECT_ROOT) == before
    shown = pictures(walked)
    assert len(shown) >= 11
    assert all(len(picture.convert("RGB").getcolors(1 << 24)) > 16 for picture in shown), "an empty picture"
    if not finished:
        assert "make run" in shown_text(walked, "study")


def test_the_losses_run():
    shown = pictures(execute(FOLDER / LOSSES, FOLDER))
    assert len(shown) >= 8
    assert all(len(picture.convert("RGB").getcolors(1 << 24)) > 16 for picture in shown), "an empty picture"


@pytest.mark.long
def test_the_walk_reads_the_cell_of_a_finished_study(tmp_path):
    def change(study: dict) -> dict:
        return shrink({**study, "subjects": {SUBJECT: study["subjects"][SUBJECT]}})

    project = make_project(tmp_path / "study", change=change)
    run(project, pipeline_names=["full"])
    shutil.copytree(FOLDER, project / "notebooks")
    walked = execute(project / "notebooks" / WALK, project / "notebooks")
    assert len(pictures(walked)) >= 14
    shown = shown_text(walked, "study-cell")
    assert "from the pairs" in shown
    assert "data/08_reporting/mini/cells.csv" in shown
    assert shown_text(walked, "trace"), "the lineage, or why there is none"
