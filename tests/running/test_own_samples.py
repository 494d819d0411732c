"""``kedro sample``: images of one's own prompt, from the command as a user types it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from hypnos_pipeline.running.run_lock import RunLock
from tests.running.conftest import MODELS, STUDY


class Sampling:
    """The command in a project."""

    def __init__(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from kedro.framework.startup import bootstrap_project

        monkeypatch.chdir(project)
        bootstrap_project(project)

    def __call__(self, *words: str, **options: Any):
        from hypnos_pipeline.cli import cli

        given = {"subject": "lego_robot", "method": "hypnos", "prompt": "a photo of {subject}"} | options
        flags = [text for key, value in given.items() for text in (f"--{key}", str(value))]
        return CliRunner().invoke(cli, ["sample", *flags, *words])

    def folder(self, **options: Any) -> Path:
        done = self(**options)
        assert done.exit_code == 0, done.output
        return Path(done.stdout.splitlines()[0]).parent


@pytest.fixture
def sample(project, monkeypatch) -> Sampling:
    return Sampling(project, monkeypatch)


def hashes(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def pixels(folder: Path, index: int = 0) -> np.ndarray:
    return np.asarray(Image.open(folder / f"{index:03d}.png"))


def described(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "samples.json").read_text())


def test_images_and_a_grid_with_what_they_are(sample):
    done = sample(n=3)
    assert done.exit_code == 0, done.output
    folder = sample.folder(n=3)
    assert sorted(hashes(folder)) == ["000.png", "001.png", "002.png", "grid.png", "samples.json"]
    assert pixels(folder).shape == (16, 16, 3)
    about = described(folder)
    assert about["prompt"] == "a photo of sks robot"
    assert (about["subject"], about["method"], about["seed"]) == ("lego_robot", "hypnos", 1)
    assert len(set(about["noise_seeds"])) == 3
    assert about["weights"]["folder"] == f"{MODELS}/hypnos/finetuned"
    assert Image.open(folder / "grid.png").size[0] > 2 * 128


def test_the_same_seed_gives_the_same_images_however_many(sample):
    two = sample.folder(n=2)
    first = hashes(two)
    shutil.rmtree(two)
    assert hashes(sample.folder(n=2)) == first
    three = sample.folder(n=3)
    assert [np.array_equal(pixels(two, index), pixels(three, index)) for index in range(2)] == [True, True]
    assert not np.array_equal(pixels(three, 0), pixels(three, 2))
    other = sample.folder(n=2, seed=2)
    assert not np.array_equal(pixels(two), pixels(other))


def test_each_method_says_its_own_phrase(sample):
    prompts = {
        method: described(sample.folder(method=method, n=1))["prompt"]
        for method in ("hypnos", "textual_inversion", "base")
    }
    assert prompts == {
        "hypnos": "a photo of sks robot",
        "textual_inversion": "a photo of <sks>",
        "base": "a photo of robot",
    }


def test_odd_prompts_are_sampled_with_a_warning(sample):
    done = sample(prompt="a photo of robot on the moon", n=1)
    assert done.exit_code == 0
    assert "does not name the subject ('sks robot')" in done.stderr
    assert "'moon' (" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"subject": "lego"},
            "no subject 'lego' in the study 'mini'; expected one of figurine, ",
        ),
        (
            {"method": "hypno"},
            "no method 'hypno' in the study 'mini'; expected hypnos, or another one of hypnos",
        ),
        ({"env": "maxi"}, "no environment 'maxi' with a study; expected one of mini, "),
        (
            {"subject": "figurine"},
            "hypnos has not been finetuned on figurine yet; everything of that subject:\n"
            "  kedro run --env=mini --pipelines=full --namespaces=figurine",
        ),
        ({"prompt": "{subject} " + "robot " * 80}, "--prompt: 'sks robot robot"),
        ({"prompt": "a {colour} {subject}"}, "--prompt: template 'a {colour} {subject}'"),
        ({"output": "conf"}, "conf holds other things, which would be lost"),
        ({"output": "pyproject.toml"}, "is a file"),
        ({"output": "data/07_model_output/mini/lego_robot/samples/mine"}, "among the pipeline's own files"),
    ],
)
def test_what_is_impossible_is_refused_and_writes_nothing(sample, project, options, message):
    before = sorted(project.rglob("*"))
    done = sample(**options)
    assert done.exit_code != 0
    assert message in done.output
    assert [path for path in sorted(project.rglob("*")) if path.parent.name != "mini"] == [
        path for path in before if path.parent.name != "mini"
    ]


@pytest.mark.parametrize("count", [0, -1, 5000])
def test_absurd_counts_are_refused(sample, count):
    assert "is not in the range" in sample(n=count).output


def test_a_folder_of_ones_own_is_replaced_only_if_it_holds_samples(sample, tmp_path):
    folder = tmp_path / "mine"
    for count in (3, 1):
        assert sample(output=folder, n=count).exit_code == 0
    assert sorted(hashes(folder)) == ["000.png", "grid.png", "samples.json"]
    (folder / "samples.json").unlink()
    assert sample(output=folder, n=2).exit_code == 1
    assert sorted(hashes(folder)) == ["000.png", "grid.png"]


def test_another_token_than_the_learned_one_is_refused(sample, project):
    text = (project / STUDY).read_text()
    (project / STUDY).write_text(text.replace("<sks>", "<other>"))
    try:
        done = sample(method="textual_inversion")
    finally:
        (project / STUDY).write_text(text)
    assert done.exit_code == 1
    assert "was finetuned with another token than '<other>'" in done.output


def test_a_model_that_is_being_made_is_not_read(sample, project):
    lock = RunLock(project / "data/locks/mini", set(), {"lego_robot.hypnos.finetuned"})
    try:
        done = sample()
    finally:
        lock.release()
    assert done.exit_code == 1
    assert f"process {os.getpid()} is at work on lego_robot.hypnos.finetuned" in done.output
