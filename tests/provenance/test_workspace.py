"""The scratch workspace holds what the record names, whatever has become of the working tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dvc.utils.serialize import load_yaml

from hypnos_pipeline.errors import MissingInputs
from hypnos_pipeline.provenance.lineage import recorded_lineage
from hypnos_pipeline.provenance.record import read_record
from hypnos_pipeline.provenance.reproduction import needed_stages
from hypnos_pipeline.provenance.workspace import Workspace, plan_workspace
from tests.provenance.small_study import (
    IMAGING,
    MEAN,
    METRICS,
    MODEL,
    PHOTOS,
    STUDY,
    commit,
    md5_of,
    replace,
    repro,
    the_cell,
)

SOURCES = ("src", "data/01_raw", "requirements.lock")


def build(root: Path) -> Workspace:
    _, lineage = recorded_lineage(root, the_cell(root))
    plan = plan_workspace(root, lineage, needed_stages(lineage))
    return Workspace(plan, root.parent / "scratch" / "project")


def assert_as_recorded(root: Path, workspace: Workspace) -> None:
    _, lineage = recorded_lineage(root, the_cell(root))
    named = [each for stage in needed_stages(lineage) for each in stage.deps.values()]
    sources = {each.path: each.md5 for each in named if each.path.startswith(SOURCES)}
    others = {"requirements.lock", "src/hypnos_pipeline/sample.py"}
    assert set(sources) == {PHOTOS, MODEL, IMAGING, METRICS} | others
    assert {path: md5_of(workspace.folder, path) for path in sources} == sources


def test_an_untouched_project_gives_copies_of_what_the_cell_needs_and_no_artefacts(study):
    (study / "data/01_raw/subjects/another").mkdir()
    (study / "data/01_raw/subjects/another/photo.jpg").write_text("not of this cell")
    workspace = build(study)
    assert_as_recorded(study, workspace)
    assert (workspace.folder / STUDY).read_bytes() == (study / STUDY).read_bytes()
    made = [path.relative_to(workspace.folder) for path in workspace.folder.rglob("*")]
    assert sorted(
        {str(Path(*path.parts[:3])) for path in made if path.parts[0] == "data" and len(path.parts) > 2}
    ) == [
        "data/01_raw/models",
        "data/01_raw/subjects",
    ]
    assert [path.name for path in (workspace.folder / "data/01_raw/subjects").iterdir()] == ["lego_robot"]


def test_nothing_is_a_link_into_the_project(study):
    elsewhere = study.parent / "photo on another disk"
    elsewhere.write_bytes((study / PHOTOS / "00.jpg").read_bytes())
    (study / PHOTOS / "00.jpg").unlink()
    (study / PHOTOS / "00.jpg").symlink_to(elsewhere)
    workspace = build(study)
    assert_as_recorded(study, workspace)
    files = [path for path in workspace.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if path.is_symlink() or os.stat(path).st_nlink > 1]


def test_edited_and_added_files_come_from_history_even_when_the_edits_are_committed(study):
    (study / PHOTOS / "01.jpg").write_text("replaced")
    (study / PHOTOS / "02.jpg").write_text("added")
    (study / METRICS / "dino.py").write_text("edited")
    (study / METRICS / "extra.py").write_text("a module that the record does not know")
    (study / MODEL / "config.json").unlink()
    (study / "requirements.lock").unlink()
    assert_as_recorded(study, build(study))
    commit(study, "all of it")
    (study.parent / "scratch").rename(study.parent / "first")
    assert_as_recorded(study, build(study))


def test_wiring_is_of_the_working_tree_while_all_code_matches_else_of_the_code_s_own_commit(study):
    notes = "src/hypnos_pipeline/notes.py"
    old = (study / notes).read_text()
    (study / notes).write_text("wiring edited")
    assert (build(study).folder / notes).read_text() == "wiring edited"
    (study.parent / "scratch").rename(study.parent / "first")

    (study / METRICS / "dino.py").write_text("edited")
    (study / "conf/base/catalog.yml").write_text("edited: 1\n")
    (study / STUDY).write_text((study / STUDY).read_text() + "only_the_new_code_knows: 1\n")
    commit(study, "code, wiring and study")
    workspace = build(study)
    assert (workspace.folder / notes).read_text() == old
    assert (workspace.folder / "conf/base/catalog.yml").read_text() == "{}\n"
    assert "only_the_new_code_knows" not in (workspace.folder / STUDY).read_text()


def test_recorded_parameters_are_written_over_edited_ones_and_others_stay(study):
    replace(study, STUDY, "image_size: 3", "image_size: 9", f"offset: {MEAN}", "offset: 1, new: 2")
    replace(study, STUDY, "lego_robot: {noun: robot}", "table: {noun: table}", "base: {base: {}}", "")
    content = load_yaml(str(build(study).folder / STUDY))
    assert content["image_size"] == 3
    recorded = {"offset": float(MEAN), "note": "on", "metrics": ["dino", "fid", "kid"]}
    assert content["evaluation"] == recorded  # the whole map was recorded
    nouns = {"table": "table", "chair": "chair", "lego_robot": "robot"}
    assert content["subjects"] == {name: {"noun": noun} for name, noun in nouns.items()}
    assert content["methods"] == {
        "hypnos": {"hypnos": {"learning_rate": 1e-5, "steps": 4}},
        "base": {"base": {}},
    }


def test_stages_that_read_different_versions_each_get_their_own(study):
    square = (study / IMAGING / "square.py").read_text()
    # Sampling reads one module of the folder that background_removal reads whole …
    replace(study, "dvc.yaml", "sample.py]", f"sample.py, {IMAGING}/square.py]")
    repro(study)
    commit(study, "the module named twice")
    # … and ran again alone, after an edit of the module.
    (study / IMAGING / "square.py").write_text(square + "# edited\n")
    replace(study, STUDY, "noun: robot", "noun: toy")
    repro(study, "--single-item", "sampling_base@lego_robot-base")
    workspace, stages = build(study), read_record(study).stages
    workspace.prepare(stages["background_removal@lego_robot"])
    assert (workspace.folder / IMAGING / "square.py").read_text() == square
    workspace.prepare(stages["sampling_base@lego_robot-base"])
    assert (workspace.folder / IMAGING / "square.py").read_text() == square + "# edited\n"
    assert load_yaml(str(workspace.folder / STUDY))["subjects"]["lego_robot"] == {"noun": "toy"}


def test_inputs_found_nowhere_are_named_all_at_once_with_their_hashes(study):
    for path in (f"{PHOTOS}/00.jpg", f"{METRICS}/dino.py"):
        (study / path).write_text((study / path).read_text() + "\n")
    recorded = md5_of(study, PHOTOS), md5_of(study, METRICS)
    repro(study)  # recorded but never committed
    for path in (f"{PHOTOS}/00.jpg", f"{METRICS}/dino.py"):
        (study / path).write_text("edited again")
    with pytest.raises(MissingInputs) as error:
        build(study)
    named = str(error.value).splitlines()[1:3]
    assert named == [f"  {PHOTOS}  md5 {recorded[0]}", f"  {METRICS}  md5 {recorded[1]}"]
    assert not (study.parent / "scratch").exists()
