"""A study under DVC, driven by the commands that a user types: only what changed runs, to the same bytes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from hypnos_pipeline.commands.repro_workers import LOGS
from tests.conftest import PROJECT_ROOT
from tests.stages.project import STUDY, Project

FIGURINE = "data/01_raw/subjects/figurine"
OTHER_PHOTO = PROJECT_ROOT / "data/01_raw/subjects/rattan_chair/00.jpg"
CELLS = "data/08_reporting/mini/cells.csv"


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Project:
    """A study that has run, with its record committed."""
    project = Project.make(tmp_path_factory.mktemp("versioned") / "study")
    project.run_study()
    project.commit("its record")
    return project


@pytest.fixture(scope="module")
def changed(study) -> Iterator[tuple[set[str], Project]]:
    """The stages that a replaced photo made run, and a clone of the study as it was then."""
    photo = sorted((study.folder / FIGURINE).glob("*.jpg"))[0]
    before = photo.read_bytes()
    shutil.copy(OTHER_PHOTO, photo)
    shutil.rmtree(study.folder / LOGS)
    study.run_study()
    ran = {log.stem for log in (study.folder / LOGS).iterdir()}
    study.commit("another photo")
    yield ran, study.clone(study.folder.parent / "clone")
    photo.write_bytes(before)


def md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes()).hexdigest()


def would_run(project: Project) -> set[str]:
    """Stages whose own dependencies changed, by `dvc repro --dry`."""
    lines = project.run("dvc", "repro", "--dry").stdout.splitlines()
    return {line.split("'")[1] for line in lines if line.startswith("Running stage '")}


def test_after_a_run_there_is_nothing_to_do(study):
    assert "up to date" in study.run("dvc", "status").stdout
    before = study.lock
    assert study.reproduce() == []
    assert study.run_study() == "Everything is up to date.\n"
    assert study.lock == before


@pytest.mark.parametrize(
    ("module", "others"),
    [("metrics/psnr.py", set()), ("metrics/registry.py", {"reporting", "reporting_study"})],
)
def test_code_concerns_the_stages_that_import_it(study, module, others):
    file = study.folder / "src/hypnos_pipeline" / module
    before = file.read_text()
    file.write_text(f"{before}\n# changed\n")
    stages = would_run(study)
    file.write_text(before)
    assert {stage.partition("@")[0] for stage in stages} == {"evaluation_hypnos", "evaluation_base"} | others
    assert len([stage for stage in stages if stage.startswith("evaluation")]) == 4


@pytest.mark.long
def test_an_experiment_runs_the_method_whose_weight_it_changes(study):
    weight = f"{STUDY}:methods.hypnos.hypnos.weights.perceptual=0.3"
    said = study.run(
        "dvc", "exp", "run", "--name", "heavier", "--set-param", weight, "evaluation_hypnos@figurine-hypnos"
    ).stdout
    ran = [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage '")]
    try:
        stages = ("finetune", "sampling", "evaluation")
        assert ran == [f"{stage}_hypnos@figurine-hypnos" for stage in stages]
        (params,) = json.loads(study.run("dvc", "params", "diff", "--json").stdout).values()
        assert list(params) == ["methods.hypnos.hypnos.weights.perceptual"]
        assert study.run("dvc", "exp", "list", "--name-only").stdout.split() == ["heavier"]
    finally:
        study.run("git", "checkout", "--quiet", ".")
        study.run("dvc", "checkout", "--quiet")


def test_a_replaced_photo_concerns_its_subject_only(changed):
    ran, _ = changed
    assert ran == {
        "background_removal@figurine",
        "augmentation@figurine",
        "discriminator@figurine",
        "finetune_hypnos@figurine-hypnos",
        "sampling_hypnos@figurine-hypnos",
        "evaluation_hypnos@figurine-hypnos",
        "evaluation_base@figurine-base",
        "reporting@figurine",
        "reporting_study",
    }


def test_metrics_and_plots_tell_what_the_photo_changed(study, changed):
    everything = "data/08_reporting/mini/metrics.json"
    diff = ("dvc", "metrics", "diff", "HEAD~1", "--json")
    (metrics,) = json.loads(study.run(*diff, "--targets", everything).stdout).values()
    assert {name.split(".")[1] for name in metrics} == {"figurine"}
    said = study.run("dvc", "plots", "diff", "HEAD~1", "--out", "plots").stdout
    page = (study.folder / "plots/index.html").read_text()
    assert "<script src" not in page
    assert "index.html" in said
    for title in ("Similarity to the photos (DINO)", "finetuning, figurine hypnos", "comparison_grid.png"):
        assert title in page
    shutil.rmtree(study.folder / "plots")


def test_a_fresh_clone_has_the_small_results(changed):
    """Before any `dvc pull`: git keeps what `dvc metrics`, `dvc exp show` and `kedro cell list` read."""
    _, clone = changed
    headline = json.loads(clone.run("dvc", "metrics", "diff", "HEAD~1", "--json").stdout)
    assert {Path(file).parent.name for file in headline} == {"headline"}
    assert all(isinstance(each["diff"], float) for each in headline.popitem()[1].values())
    for state in json.loads(clone.run("dvc", "exp", "show", "--json").stdout):
        assert {Path(file).parent.name for file in state["data"]["metrics"]} == {"headline"}
    assert cell(clone, "list", "dino", "hypnos").stdout.startswith("table 2 (varying), figurine")


@pytest.mark.long
def test_a_clone_gives_the_record_that_the_study_has(study, changed):
    """After a change and from nothing: the same bytes."""
    _, clone = changed
    clone.run_study()
    assert clone.lock == study.lock
    assert "up to date" in clone.run("dvc", "status").stdout
    assert clone.run("git", "status", "--porcelain").stdout == ""


def test_a_reverted_photo_is_restored_without_training(study, changed):
    study.run("git", "checkout", "--quiet", "HEAD~1", "--", FIGURINE)
    assert study.reproduce() == ["reporting_study"]  # DVC caches no run of a stage with results in git
    study.run("git", "diff", "--quiet", "HEAD~1", "--", "dvc.lock")
    study.run("git", "checkout", "--quiet", "HEAD", "--", FIGURINE)
    assert study.run_study().startswith(f"Stages: 1 ran, {len(changed[0]) - 1} restored from DVC's cache, ")
    study.run("git", "diff", "--quiet", "HEAD", "--", "dvc.lock", "data")


def left(project: Project) -> dict[str, str]:
    """Returns the hashes of all that stages leave: artefacts, record, DVC's cache and its run cache."""
    places = [
        *project.folder.glob("data/0[2-8]_*"),
        project.folder / ".dvc/cache",
        project.folder / "dvc.lock",
    ]
    files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
    return {str(file.relative_to(project.folder)): md5(file) for file in files if file.is_file()}


@pytest.mark.long
def test_kedro_repro_leaves_the_bytes_that_dvc_repro_leaves(tmp_path):
    """From nothing, after another photo, and after taking it back; both at one commit, which pages name."""
    ours = Project.make(tmp_path / "ours")
    theirs = ours.clone(tmp_path / "theirs")
    photo = f"{FIGURINE}/00.jpg"
    first = (ours.folder / photo).read_bytes()
    for content in (first, OTHER_PHOTO.read_bytes(), first):
        for project in (ours, theirs):
            (project.folder / photo).write_bytes(content)
        ours.run("kedro", "repro")
        theirs.run("dvc", "repro")
        assert left(ours) == left(theirs)


def cell(project: Project, *words: str, check: bool = True):
    """Runs `kedro cell` on figurine's cells."""
    command, metric, method, *others = words
    return project.run(
        *("kedro", "cell", command, "--table", "2", "--subject", "figurine"),
        *("--metric", metric, "--method", method, *others),
        check=check,
    )


def test_a_cell_is_traced_to_its_photos_and_models(study):
    trace = json.loads(cell(study, "trace", "dino", "hypnos", "--json").stdout)
    (row,) = pd.read_csv(study.folder / CELLS, dtype=str).query(
        "table == '2' and subject == 'figurine' and metric == 'dino' and method == 'hypnos'"
    )["mean"]
    assert trace["cell"]["mean"] == row
    assert trace["as_recorded"]
    stages = [stage["name"].partition("@")[0] for stage in trace["stages"]]
    assert stages[-2:] == ["sampling_hypnos", "evaluation_hypnos"]
    prepared = {"background_removal", "augmentation", "class_prior", "discriminator"}
    assert set(stages[:-2]) == {*prepared, "finetune_hypnos"}
    artefacts = {each["path"]: each for each in trace["artefacts"]}
    photos = {file.name: md5(file) for file in (study.folder / FIGURINE).iterdir()}
    assert artefacts[FIGURINE]["files"] == photos
    weights = "data/01_raw/models/mini/text_to_image"
    unet = "unet/diffusion_pytorch_model.safetensors"
    assert artefacts[weights]["files"][unet] == md5(study.folder / weights / unet)
    assert {network["name"] for network in trace["networks"]} == {"text_to_image", "perceptual", "dino"}
    assert str(study.folder) not in json.dumps(trace)


def edit_everything(project: Project) -> list[str]:
    """Changes a photo, code and a parameter that a cell of figurine depends on; returns their paths."""
    photo = sorted((project.folder / FIGURINE).glob("*.jpg"))[1]
    shutil.copy(OTHER_PHOTO, photo)
    sampling = project.folder / "src/hypnos_pipeline/models/generation.py"
    sampling.write_text(sampling.read_text() + "\nraise RuntimeError('not the recorded code')\n")
    study = project.folder / STUDY
    study.write_text(study.read_text().replace("seed: 42", "seed: 43"))
    return [FIGURINE, "src/hypnos_pipeline/models/generation.py", STUDY]


def test_a_cell_is_made_again_from_the_recorded_inputs(study):
    """Whatever the tree holds by now: the record's photos, code and parameters come from git's history."""
    edited = edit_everything(study)
    before = study.run("git", "status", "--porcelain").stdout
    try:
        trace = json.loads(cell(study, "trace", "fid", "base", "--json").stdout)
        differing = {each["name"].partition(":")[0] for each in trace["differences"]}
        assert differing == set(edited)
        done = cell(study, "reproduce", "fid", "base")
        assert "reproduced to the last digit" in done.stdout
        assert study.run("git", "status", "--porcelain").stdout == before
    finally:
        study.run("git", "checkout", "--quiet", ".")


@pytest.mark.long
@pytest.mark.parametrize("metric", ["dino", "clip_t_paper", "lpips"])
def test_a_finetuned_cell_is_made_again(study, metric):
    assert "reproduced to the last digit" in cell(study, "reproduce", metric, "hypnos").stdout


def test_a_table_that_was_edited_is_refused(study):
    table = study.folder / CELLS
    forged = table.read_text().replace("dino,0.", "dino,1.")
    table.write_text(forged)
    done = cell(study, "reproduce", "dino", "base", check=False)
    study.run("git", "checkout", "--quiet", "--", CELLS)
    assert done.returncode == 1
    assert f" -- {CELLS}    puts the recorded table back" in done.stderr


def test_a_remote_gives_a_clone_every_artefact(study, tmp_path):
    study.run("dvc", "remote", "add", "--default", "storage", str(tmp_path / "storage"))
    study.commit("a remote")
    study.run("dvc", "push", "--quiet")
    clone = study.clone(tmp_path / "clone")
    assert not list((clone.folder / "data/08_reporting/mini").glob("*.html"))
    clone.run("dvc", "pull", "--quiet")
    assert "up to date" in clone.run("dvc", "status").stdout
    assert (clone.folder / CELLS).read_bytes() == (study.folder / CELLS).read_bytes()
