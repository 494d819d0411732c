"""The scratch workspace holds what the record names, whatever has become of the working tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dvc.utils.serialize import load_yaml

from hypnos_pipeline.errors import MissingInputs
from hypnos_pipeline.provenance.hashes import on_disk
from hypnos_pipeline.provenance.lineage import recorded_lineage
from hypnos_pipeline.provenance.record import read_record
from hypnos_pipeline.provenance.reproduction import needed_stages
from hypnos_pipeline.provenance.workspace import Workspace, plan_workspace
from tests.provenance.small_study import (
    IMAGING,
    METRICS,
    MODEL,
    PHOTOS,
    STUDY,
    commit,
    repro,
    small_study,
    the_cell,
)

SOURCES = ("src", "data/01_raw", "requirements.lock")


@pytest.fixture
def study(tmp_path_factory, tmp_path) -> Path:
    return small_study(tmp_path_factory, tmp_path / "study")


def build(root: Path) -> Workspace:
    _, lineage = recorded_lineage(root, the_cell(root))
    plan = plan_workspace(root, lineage, needed_stages(lineage))
    return Workspace(plan, root.parent / "scratch" / "project")


def hash_of(root: Path, path: str) -> str | None:
    found = on_disk(root, path)
    return found and found.md5


def assert_as_recorded(root: Path, workspace: Workspace) -> None:
    _, lineage = recorded_lineage(root, the_cell(root))
    named = [each for stage in needed_stages(lineage) for each in stage.deps.values()]
    sources = {each.path: each.md5 for each in named if each.path.startswith(SOURCES)}
    assert set(sources) == {
        PHOTOS,
        MODEL,
        IMAGING,
        METRICS,
        "requirements.lock",
        "src/hypnos_pipeline/sample.py",
    }
    assert {path: hash_of(workspace.folder, path) for path in sources} == sources


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
    elsewhere.write_bytes((study / PHOTOS / "a.jpg").read_bytes())
    (study / PHOTOS / "a.jpg").unlink()
    (study / PHOTOS / "a.jpg").symlink_to(elsewhere)
    workspace = build(study)
    assert_as_recorded(study, workspace)
    files = [path for path in workspace.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if path.is_symlink() or os.stat(path).st_nlink > 1]


def test_edited_and_added_files_come_from_history_even_when_the_edits_are_committed(study):
    (study / PHOTOS / "b.jpg").write_text("replaced")
    (study / PHOTOS / "c.jpg").write_text("added")
    (study / METRICS / "dino.py").write_text("edited")
    (study / METRICS / "extra.py").write_text("a module that the record does not know")
    (study / MODEL / "weights.bin").unlink()
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
    text = (study / STUDY).read_text()
    text = text.replace("image_size: 3", "image_size: 9").replace("offset: 0.25", "offset: 1, new: 2")
    text = text.replace("  lego_robot: {noun: robot}", "  rattan_chair: {noun: chair}").replace(
        "base: {base: {}}", ""
    )
    (study / STUDY).write_text(text)
    content = load_yaml(str(build(study).folder / STUDY))
    assert content["image_size"] == 3
    assert content["evaluation"] == {"offset": 0.25, "note": "on"}  # the whole map was recorded
    assert content["subjects"] == {"rattan_chair": {"noun": "chair"}, "lego_robot": {"noun": "robot"}}
    assert content["methods"] == {"hypnos": {"hypnos": {"steps": 2}}, "base": {"base": {}}}


def test_stages_that_read_different_versions_each_get_their_own(study):
    square = (study / IMAGING / "square.py").read_text()
    text = (study / "dvc.yaml").read_text()
    # Sampling reads one module of the folder that background_removal reads whole …
    text = text.replace(
        "src/hypnos_pipeline/sample.py]", f"src/hypnos_pipeline/sample.py, {IMAGING}/square.py]"
    )
    (study / "dvc.yaml").write_text(text)
    repro(study)
    commit(study, "the module named twice")
    # … and ran again alone, after an edit of the module.
    (study / IMAGING / "square.py").write_text(square + "# edited\n")
    (study / STUDY).write_text((study / STUDY).read_text().replace("noun: robot", "noun: toy"))
    repro(study, "--single-item", "sampling_base@lego_robot-base")
    workspace = build(study)
    stages = {stage.name: stage for stage in read_record(study).stages.values()}
    workspace.prepare(stages["background_removal@lego_robot"])
    assert (workspace.folder / IMAGING / "square.py").read_text() == square
    workspace.prepare(stages["sampling_base@lego_robot-base"])
    assert (workspace.folder / IMAGING / "square.py").read_text() == square + "# edited\n"
    assert load_yaml(str(workspace.folder / STUDY))["subjects"]["lego_robot"] == {"noun": "toy"}


def test_inputs_found_nowhere_are_named_all_at_once_with_their_hashes(study):
    for path in (f"{PHOTOS}/a.jpg", f"{METRICS}/dino.py"):
        (study / path).write_text((study / path).read_text() + "\n")
    recorded = hash_of(study, PHOTOS), hash_of(study, METRICS)
    repro(study)  # recorded but never committed
    for path in (f"{PHOTOS}/a.jpg", f"{METRICS}/dino.py"):
        (study / path).write_text("edited again")
    with pytest.raises(MissingInputs) as error:
        build(study)
    named = [line.split() for line in str(error.value).splitlines()[1:3]]
    assert named == [[PHOTOS, "md5", recorded[0]], [METRICS, "md5", recorded[1]]]
    assert all(
        f"{path}  md5 {md5}" in str(error.value)
        for path, md5 in zip((PHOTOS, METRICS), recorded, strict=True)
    )
    assert not (study.parent / "scratch").exists()
