"""``kedro doctor``: every problem of a project at once, and what the command costs."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from hypnos_pipeline.checks.doctor import examine
from hypnos_pipeline.checks.photos import NETWORKS as NETWORKS_OF_MATTES
from hypnos_pipeline.checks.words import WORDS
from hypnos_pipeline.commands.doctor import doctor
from tests.checks.bad_input import at
from tests.end_to_end.shrunken import make_project

NETWORKS = ("text_to_image", "perceptual", "dino", "clip", "inception", "lpips")
STUDY = "conf/mini/parameters_study.yml"
KEPT_HERE = "data/cache/class_priors"  # only where the checkout has been run


@pytest.fixture
def project(tmp_path, project_root, monkeypatch) -> Path:
    """A project of its own, with its own copy of the networks, as working directory."""
    folder = make_project(tmp_path / "project")
    for name in ("dvc.yaml", "requirements.lock"):
        shutil.copy(project_root / name, folder / name)
    (folder / "data/01_raw/models").unlink()
    shutil.copytree(project_root / "data/01_raw/models", folder / "data/01_raw/models")
    monkeypatch.chdir(folder)
    return folder


def run(*options: str) -> Result:
    return CliRunner().invoke(doctor, options)


def lines(*options: str) -> list[dict[str, str]]:
    """Asks for JSON; returns the lines."""
    return json.loads(run("--json", *options).stdout)


def problems(*options: str) -> dict[str, list[str]]:
    """Returns the errors' texts by place."""
    found: dict[str, list[str]] = {}
    for line in lines(*options):
        if line["status"] == "error":
            text = "; ".join(filter(None, [line["what"], line["fix"]]))
            found.setdefault(line["where"], []).append(text)
    return found


def change(project: Path, *changes: Callable[[dict[str, Any]], object]) -> None:
    study = yaml.safe_load((project / STUDY).read_text())
    for each in changes:
        each(study)
    (project / STUDY).write_text(yaml.safe_dump(study, sort_keys=False))


def test_the_embedded_default_has_no_problems_and_that_is_soon_known(project_root, monkeypatch):
    monkeypatch.chdir(project_root)
    study = yaml.safe_load((project_root / STUDY).read_text())
    answer = run()
    assert answer.exit_code == 0, answer.output
    *checks, empty, verdict = answer.stdout.splitlines()
    assert empty == ""
    assert verdict.startswith("no errors")
    names = [line[6:].partition("  ")[0] for line in checks]
    assert [name for name in names if name != KEPT_HERE] == [
        *("python", "libraries", "torch build", "device", "threads", "conf/mini", "memory", "disk", "time"),
        *(f"data/01_raw/subjects/{subject}" for subject in ("figurine", "rattan_chair", "lego_robot")),
        *(f"models.{network}" for network in study["models"]),
        *("networks", WORDS),
    ]
    assert len({line.index(line[6:].split("  ")[-1].strip()) for line in checks}) == 1  # one column
    assert "\x1b" not in answer.stdout
    start = time.process_time()  # imports were made the first time
    examine(project_root, "mini")
    assert time.process_time() - start < 10


def test_every_problem_is_listed_at_once(project):
    change(
        project,
        at("sampling/stepps", 3),
        at("subjects/figurine/instance_word", "hypnos"),
        at("subjects/mug", {"noun": "mug", "photos": "mug"}),
    )
    (project / "data/01_raw/models/mini/dino/model.safetensors").unlink()
    (project / "data/01_raw/models/mini/lpips/config.json").write_text("{}")
    answer = run()
    assert answer.exit_code == 1
    assert answer.stdout.splitlines()[-1].startswith("5 errors")
    found = problems()
    assert found.keys() == {STUDY, "data/01_raw/subjects/mug", "models.dino", "models.lpips", WORDS}
    assert found[STUDY] == ["sampling.stepps: unknown key; expected steps"]
    assert found["data/01_raw/subjects/mug"] == [
        "mug: no such folder; put the photos there, or let photos name a folder that is there: figurine"
    ]
    (missing,) = found["models.dino"]
    assert missing.startswith(
        "data/01_raw/models/mini/dino/model.safetensors is missing; restore it (`git checkout"
    )
    assert "is not the file that data/01_raw/models/mini/SHA256SUMS lists" in found["models.lpips"][0]
    assert "instance_word 'hypnos': is 5 tokens in a prompt" in found[WORDS][0]


def test_networks_that_are_not_here_are_named_with_their_command(project, monkeypatch):
    hubs = {name: f"nobody/{name}" for name in NETWORKS}
    place = "data/01_raw/models/mine"
    change(
        project, *(at(f"models/{key}", {"folder": f"{place}/{key}", "hub": hub}) for key, hub in hubs.items())
    )
    change(project, at("models/dino/revision", "a" * 40))
    shutil.copytree(project / "conf/mini", project / "conf/mine")

    def no_network(*_: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    start = time.process_time()
    found = problems("--env", "mine")
    assert time.process_time() - start < 10
    found.pop("disk", None)  # a machine that tests this need not have room for Stable Diffusion's models
    assert found == {
        f"models.{key}": [
            f"{hub} is not in {place}/{key} ({'pinned' if key == 'dino' else 'unpinned'}); "
            "`kedro models fetch --env mine` gets it, with network, once"
        ]
        for key, hub in hubs.items()
    }
    shown = {line["where"]: line for line in lines("--env", "mine")}
    assert shown[WORDS]["status"] == "warning"
    assert shown[WORDS]["what"].startswith("not checked")
    assert "training hypnos of Stable Diffusion 1.5 needs about" in shown["memory"]["what"]


def test_a_network_that_nobody_listed_is_warned_of(project):
    models = project / "data/01_raw/models"
    shutil.copytree(models / "mini/dino", models / "own/dino")
    change(project, at("models/dino", {"folder": "data/01_raw/models/own/dino"}))
    assert run().exit_code == 0
    (line,) = [line for line in lines() if line["where"] == "models.dino"]
    assert line["status"] == "warning"
    assert "present (2 MiB), unpinned, not verified" in line["what"]


def test_what_background_removal_lacks_is_listed_once(project):
    change(
        project,
        at(
            "background_removal",
            {"backend": "rembg", "options": {"model": "birefnet-general", "file": "net.onnx"}},
        ),
        at("subjects/copy", {"noun": "robot", "photos": "copy"}),
    )
    subjects = project / "data/01_raw/subjects"
    shutil.copytree(subjects / "figurine", subjects / "copy")
    found = problems()
    ((place, (problem,)),) = found.items()
    assert place == NETWORKS_OF_MATTES
    assert "net.onnx is missing" in problem


def test_what_photos_are_warned_of_is_a_line(project):
    (project / "data/01_raw/subjects/figurine/notes.txt").write_text("stray")
    shown = [line for line in lines() if line["where"] == "data/01_raw/subjects/figurine"]
    assert [line["status"] for line in shown] == ["warning", "ok"]
    assert "notes.txt" in shown[0]["what"]


@pytest.mark.parametrize(
    ("env", "text", "message"),
    [
        ("nowhere", None, "conf: no environment 'nowhere' with a study; expected one of mini"),
        ("bare", "", "conf: no environment 'bare' with a study; expected "),
        ("broken", "subjects: {mug", "conf/broken/parameters_study.yml: "),
    ],
)
def test_an_environment_without_a_study(project, env, text, message):
    if text is not None:
        (project / "conf" / env).mkdir()
        (project / "conf" / env / "globals.yml").write_text(f"env: {env}")
    if text:
        (project / "conf" / env / "parameters_study.yml").write_text(text)
    ((place, (problem,)),) = problems("--env", env).items()
    assert f"{place}: {problem}".startswith(message)
    assert {"python", "device"} <= {line["where"] for line in lines("--env", env)}
