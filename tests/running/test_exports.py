"""``kedro export``: a finished method in other formats, from the command as a user types it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hypnos_pipeline.running.run_lock import RunLock
from tests.running.conftest import MODELS

EXPORTS = f"{MODELS}/hypnos/exports"


@pytest.fixture
def export(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command in a project."""
    from kedro.framework.startup import bootstrap_project

    monkeypatch.chdir(project)
    bootstrap_project(project)

    def typed(*words: str, **options: Any):
        from hypnos_pipeline.cli import cli

        given = {"subject": "lego_robot", "method": "hypnos", "format": "single-file"} | options
        flags = [text for key, value in given.items() for text in (f"--{key}", str(value))]
        return CliRunner().invoke(cli, ["export", *flags, *words])

    return typed


@pytest.mark.parametrize(
    ("options", "path", "usage"),
    [
        (
            {"format": "diffusers"},
            f"{EXPORTS}/lego_robot_hypnos",
            ["from_pretrained(", "dtype=torch.float32", "Prompt: a photo of sks robot"],
        ),
        (
            {"format": "single-file"},
            f"{EXPORTS}/lego_robot_hypnos.safetensors",
            ["models/checkpoints/", "models/Stable-diffusion/", "Prompt: a photo of sks robot"],
        ),
        (
            {"format": "lora", "rank": 3},
            f"{EXPORTS}/lego_robot_hypnos_lora.safetensors",
            [
                "% of what the text encoder learned for 'a photo of sks robot'",
                "models/loras/",
                "<lora:lego_robot_hypnos_lora:1>",
            ],
        ),
        (
            {"format": "embedding", "method": "textual_inversion"},
            f"{MODELS}/textual_inversion/exports/lego_robot_textual_inversion.safetensors",
            ["in ComfyUI: a photo of embedding:lego_robot_textual_inversion", "models/embeddings/"],
        ),
    ],
)
def test_each_format_is_written_and_how_to_use_it_is_said(export, options, path, usage):
    done = export("--overwrite", **options)
    assert done.exit_code == 0, done.output
    first = done.stdout.splitlines()[0]
    assert first.startswith(f"{path}  ")
    assert Path(path).exists()
    for words in usage:
        assert words in done.stdout
    files = [file for file in [Path(path), *Path(path).rglob("*")] if file.is_file()]
    number, unit = first.split()[1:]
    size = sum(file.stat().st_size for file in files) / {"kB": 1e3, "MB": 1e6}[unit]
    assert float(number) == pytest.approx(size, abs=0.051)


def test_an_export_says_what_it_is_of(export, project):
    from safetensors import safe_open

    assert export("--overwrite", format="diffusers").exit_code == 0
    facts = json.loads((project / EXPORTS / "lego_robot_hypnos/export.json").read_text())
    assert (facts["subject"], facts["method"], facts["environment"]) == ("lego_robot", "hypnos", "mini")
    assert facts["prompts"].splitlines() == ["a photo of sks robot", "a photo of sks robot, red background"]
    assert facts["base_model_id"] == "data/01_raw/models/tiny"
    assert len(facts["base_model_sha256"]) == len(facts["weights_sha256"]) == 64
    assert facts["commit"] == "none"  # this project is in no repository
    assert export("--overwrite").exit_code == 0
    with safe_open(project / EXPORTS / "lego_robot_hypnos.safetensors", framework="pt") as file:
        assert file.metadata()["hypnos.weights_sha256"] == facts["weights_sha256"]


def test_ranks_and_precision_are_the_configuration_s_unless_given(export, project):
    from safetensors.torch import load_file

    def ranks(*words, **options) -> set[tuple[int, str]]:
        assert export("--overwrite", *words, format="lora", **options).exit_code == 0
        weights = load_file(project / EXPORTS / "lego_robot_hypnos_lora.safetensors")
        return {(len(each), str(each.dtype)) for name, each in weights.items() if "lora_down" in name}

    configured = project / "conf/base/parameters_export.yml"
    before = configured.read_text()
    configured.write_text("export: {rank: 2, conv_rank: 1}")
    try:
        assert ranks() == {(2, "torch.float16"), (1, "torch.float16")}
        assert ranks(rank=3, dtype="float32") == {(3, "torch.float32")}
        configured.write_text("export: {rank: 0}")
        done = export(format="lora")
        assert done.exit_code == 1
        assert "export.rank" in done.output
    finally:
        configured.write_text(before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subject": "lego"}, "no subject 'lego' in the study 'mini'; expected one of figurine, "),
        ({"method": "hypno"}, "no method 'hypno' in the study 'mini'; expected hypnos, or another one of"),
        ({"env": "maxi"}, "no environment 'maxi' with a study; expected one of mini, "),
        (
            {"subject": "figurine"},
            "hypnos has not been finetuned on figurine yet; everything of",
        ),
        (
            {"method": "base"},
            "base is the untouched base model, in data/01_raw/models/tiny;",
        ),
        (
            {"method": "textual_inversion"},
            "textual_inversion learned one token and no other weight; expected --format embedding",
        ),
        ({"format": "embedding"}, "expected --format diffusers, single-file or lora"),
        ({"rank": 4}, "--rank belongs to --format lora, not to single-file"),
        (
            {"out": "model.ckpt"},
            "--out: expected a folder or a name that ends in .safetensors, got",
        ),
        ({"out": "data/06_models/mini/mine.safetensors"}, "is among the pipeline's own files"),
        ({"format": "diffusers", "out": "conf"}, "conf holds other things, which would be lost"),
        ({"format": "diffusers", "out": "pyproject.toml"}, "pyproject.toml is a file; choose another --out"),
    ],
)
def test_what_is_impossible_is_refused_and_writes_nothing(export, project, options, message):
    before = {path for path in project.rglob("*") if "locks" not in path.parts}
    done = export("--overwrite", **options)
    assert done.exit_code == 1
    assert message in done.output
    assert "Traceback" not in done.output
    assert {path for path in project.rglob("*") if "locks" not in path.parts} == before


def test_nothing_is_overwritten_unasked(export, tmp_path):
    file, folder = tmp_path / "mine.safetensors", tmp_path / "folder"
    file.write_text("mine")
    folder.mkdir()
    done = export(out=file)
    assert (done.exit_code, file.read_text()) == (1, "mine")
    assert "mine.safetensors is there already; --overwrite replaces it" in done.output
    assert export("--overwrite", out=file).exit_code == 0
    assert file.stat().st_size > 1000
    assert export(format="diffusers", out=folder).exit_code == 0
    assert "--overwrite replaces it" in export(format="diffusers", out=folder).output
    assert export("--overwrite", format="diffusers", out=folder).exit_code == 0


def test_a_file_goes_into_a_folder_under_its_own_name(export, tmp_path):
    for folder in (tmp_path, tmp_path / "new"):
        assert export(out=folder).exit_code == 0
        assert (folder / "lego_robot_hypnos.safetensors").is_file()


def test_a_lora_of_another_base_model_is_refused(export, project):
    report = project / "data/07_model_output/mini/lego_robot/training_reports/hypnos.json"
    report.parent.mkdir(parents=True)
    network = {"id": "someone/stable", "revision": None, "sha256": "0" * 64}
    report.write_text(json.dumps({"networks": {"text_to_image": network}}))
    try:
        done = export("--overwrite", format="lora")
        assert export("--overwrite", format="single-file").exit_code == 0
    finally:
        report.unlink()
    assert done.exit_code == 1
    assert f"hypnos was finetuned on someone/stable with {'0' * 64}" in done.output


def test_a_model_that_is_being_made_is_not_read(export, project):
    lock = RunLock(project / "data/locks/mini", set(), {"lego_robot.hypnos.finetuned"})
    try:
        done = export("--overwrite")
    finally:
        lock.release()
    assert done.exit_code == 1
    assert f"process {os.getpid()} is at work on lego_robot.hypnos.finetuned" in done.output
