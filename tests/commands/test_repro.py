"""``kedro repro``: what it prints, on stages that run nothing but the shell."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from hypnos_pipeline.commands import repro_workers
from hypnos_pipeline.commands.repro import repro
from tests.stages.threads import Threads
from tests.stages.toys import Toy

STAGES = {
    "mattes": {"cmd": "cat photo > mattes", "deps": ["photo"], "outs": ["mattes"]},
    "samples": {"cmd": "cat mattes > samples", "deps": ["mattes"], "outs": ["samples"]},
    "prior": {"cmd": "echo 'Error: no room' >&2; cat noun > prior", "deps": ["noun"], "outs": ["prior"]},
}


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Toy:
    monkeypatch.setattr(repro_workers, "Pool", lambda count, **_: Threads())
    toy = Toy(tmp_path / "toy", STAGES, {"photo": "1\n", "noun": "chair\n", "pyproject.toml": ""})
    monkeypatch.chdir(toy.folder)
    return toy


def call(*words: str, status: int = 0) -> Result:
    done = CliRunner().invoke(repro, words)
    assert done.exit_code == status, done.output
    return done


def test_it_says_what_it_did(toy):
    assert call().stdout == "Stages: 3 ran.\n"
    assert call().stdout == "Everything is up to date.\n"
    toy.write("photo", "2\n")
    assert call().stdout == "Stages: 2 ran, 1 up to date.\n"
    toy.write("photo", "1\n")
    assert call("samples").stdout == "Stages: 2 restored from DVC's cache.\n"
    assert call("--force", "samples").stdout == "Stages: 2 ran.\n"


def test_dry_lists_what_would_run(toy):
    call()
    toy.write("photo", "2\n")
    before = toy.contents()
    said = call("--dry").stdout
    assert said.index("  mattes\n") < said.index("These read their results") < said.index("  samples\n")
    assert "prior" not in said
    assert toy.contents() == before


def test_a_failure_names_the_stage_its_log_and_the_way_on(toy):
    (toy.folder / "noun").unlink()
    toy.write("noun", "")
    toy.write("dvc.yaml", (toy.folder / "dvc.yaml").read_text().replace("cat noun", "cat nouns"))
    said = call(status=1).stderr
    assert said.startswith("Error: 1 stage failed; 2 ran.\nprior\n  its command ended with exit status 1\n")
    assert "  Error: no room\n" in said
    assert "  log: data/logs/repro/prior.log\n" in said
    assert said.endswith("Then run `kedro repro` again: it goes on from here.\n")


def test_a_name_that_is_no_stage_is_refused_with_the_nearest_one(toy):
    assert "no stage sampels; did you mean samples?" in call("sampels", status=1).stderr


def test_another_process_of_dvc_is_named_as_what_is_in_the_way(toy):
    from hypnos_pipeline.stages.locks import locked_repo

    with locked_repo(toy.folder):
        assert "another process of DVC's is at work" in call(status=1).stderr
