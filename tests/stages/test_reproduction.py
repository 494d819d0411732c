"""Stages side by side give the record, caches and artefacts that ``dvc repro`` gives one after the other."""

from __future__ import annotations

import pytest
import yaml
from dvc.lock import make_lock

from hypnos_pipeline.stages.commands import Job, work
from hypnos_pipeline.stages.locks import locked_repo, unlocked
from tests.stages.threads import Threads
from tests.stages.toys import Toy, random_project

LATE = [pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 30)]
WAIT = "for i in $(seq 300); do [ -e {0} ] && break; sleep 0.1; done; cat {0} > {1}"
"""Waits until another stage has written a file."""


def stage(cmd: str, *outs: str, deps: tuple[str, ...] = ("a.txt",)) -> dict:
    return {"cmd": cmd, "deps": list(deps), "outs": list(outs)}


def names(outcome, event: str) -> set[str]:
    return {getattr(each, "stage", each) for each in getattr(outcome, event)}


@pytest.mark.parametrize("seed", [0, 1, *LATE])
def test_the_record_and_the_caches_are_those_of_dvc_repro(seed, tmp_path):
    """Made at first, after each of several changes, after taking one back, and with nothing to do."""
    theirs = random_project(seed, tmp_path / "theirs")
    ours = theirs.copied(tmp_path / "ours")
    for name, text in [
        ("params.yaml", "x: 1\ny: &y {z: 2}\nw: *y\n"),
        ("data/a.txt", "another a\nof two lines\n"),
        ("params.yaml", "x: 3\ny: &y {z: 2}\nw: *y\n"),
        ("data/a.txt", f"a of {seed}\n"),
        ("data/a.txt", f"a of {seed}\n"),
    ]:
        for project in (theirs, ours):
            project.write(name, text)
        theirs.by_dvc()
        outcome = ours.side_by_side()
        assert outcome.failed == []
        assert ours.contents() == theirs.contents()
    assert (outcome.finished, outcome.restored) == ([], [])


@pytest.mark.parametrize(
    ("targets", "options"),
    [
        (["middle"], {}),
        (["middle"], {"single_item": True}),
        (["middle"], {"downstream": True}),
        ([], {"force": True}),
        ([], {"run_cache": False}),
    ],
)
def test_options_mean_what_they_mean_to_dvc_repro(targets, options, tmp_path):
    stages = {
        "first": stage("cat a.txt >> count; cat a.txt > first", "first"),
        "middle": stage("cat first >> count; cat first > middle", "middle", deps=("first",)),
        "last": stage("cat middle >> count; cat middle > last", "last", deps=("middle",)),
        "other": stage("cat a.txt >> count; cat a.txt > other", "other"),
    }
    theirs = Toy(tmp_path / "theirs", stages, {"a.txt": "1\n"})
    theirs.by_dvc()
    theirs.write("a.txt", "2\n")
    theirs.by_dvc()
    ours = theirs.copied(tmp_path / "ours")
    for project in (theirs, ours):
        project.write("a.txt", "1\n")
    theirs.by_dvc(targets=targets, **options)
    ours.side_by_side(*targets, **options)
    assert ours.contents() == theirs.contents()


def test_parameters_that_a_file_repeats_are_recorded_as_dvc_does(tmp_path):
    """DVC numbers repeated values throughout the record; PyYAML refuses a file with the same number twice."""
    stages = {name: stage(f"cat a.txt > {name}", name) | {"params": ["w", "y"]} for name in ("one", "two")}
    theirs = Toy(tmp_path / "theirs", stages, {"a.txt": "1\n", "params.yaml": "y: &y {z: 2}\nw: *y\n"})
    ours = theirs.copied(tmp_path / "ours")
    theirs.by_dvc()
    ours.side_by_side()
    assert ours.contents() == theirs.contents()
    assert yaml.safe_load((ours.folder / "dvc.lock").read_text())["stages"]["two"]["params"]


def test_stages_that_do_not_wait_for_each_other_run_side_by_side(tmp_path):
    stages = {
        "waits": stage(WAIT.format("sign", "waited"), "waited"),
        "signs": stage("echo now > sign", "sign"),
    }
    assert Toy(tmp_path / "toy", stages, {"a.txt": ""}).side_by_side().failed == []


def test_a_stage_that_fails_lets_others_finish_and_the_next_call_goes_on(tmp_path):
    toy = Toy(
        tmp_path / "toy",
        {
            "bad": stage("echo reason; cat good.txt > bad", "bad"),
            "after": stage("cat bad > after", "after", deps=("bad",)),
            "last": stage("cat after > last", "last", deps=("after", "other")),
            "other": stage("cat a.txt > other", "other"),
            "forgets": stage("true", "nothing"),
        },
        {"a.txt": "1\n"},
    )
    outcome = toy.side_by_side()
    assert names(outcome, "failed") == {"bad", "forgets"}
    assert names(outcome, "skipped") == {"after", "last"}
    assert names(outcome, "finished") == {"other"}
    reasons = {each.stage: each for each in outcome.failed}
    assert "exit status 1" in reasons["bad"].why
    assert "reason\ncat: good.txt" in reasons["bad"].log.read_text()
    assert "output 'nothing' does not exist" in reasons["forgets"].why
    assert set(yaml.safe_load((toy.folder / "dvc.lock").read_text())["stages"]) == {"other"}

    toy.write("good.txt", "1\n")
    outcome = toy.side_by_side()
    assert names(outcome, "finished") == {"bad", "after", "last"}
    assert names(outcome, "unchanged") == {"other"}


def test_what_was_read_must_not_change_meanwhile(tmp_path):
    """DVC would record a result as that of an input which came too late for it."""
    toy = Toy(tmp_path / "toy", {"slow": stage("cat a.txt > out; echo 2 > a.txt", "out")}, {"a.txt": "1\n"})
    (failure,) = toy.side_by_side().failed
    assert failure.why == "a.txt changed while it ran"
    assert not (toy.folder / "dvc.lock").exists()


def test_what_others_record_meanwhile_stays_recorded(tmp_path):
    def others(event, stage):
        if (event, stage.name) == ("finished", "first"):
            lock.write_text(f"{lock.read_text()}  theirs:\n    cmd: 'true'\n")

    stages = {
        "second": stage("cat first > second", "second", deps=("first",)),
        "first": stage("cat a.txt > first", "first"),
    }
    toy = Toy(tmp_path / "toy", stages, {"a.txt": "1\n"})
    lock = toy.folder / "dvc.lock"
    toy.side_by_side(listener=others)
    assert set(yaml.safe_load(lock.read_text())["stages"]) == {"first", "second", "theirs"}


def test_ctrl_c_does_not_wait_for_another_process_of_dvc_s(tmp_path, monkeypatch):
    monkeypatch.setattr("dvc.lock.DEFAULT_TIMEOUT", 0.1)
    toy = Toy(tmp_path / "toy", {"one": stage("cat a.txt > one", "one")}, {"a.txt": "1\n"})
    theirs = make_lock(str(toy.folder / ".dvc/tmp/lock"))

    def interrupted() -> None:
        with toy.entered(), locked_repo(toy.folder) as repo, unlocked(repo):
            theirs.lock()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    theirs.unlock()


def test_what_a_killed_worker_left_is_not_there_when_another_begins(tmp_path):
    (tmp_path / "out").write_text("half")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/old").write_text("half")
    command = "ls folder out; echo whole >> out"
    outputs = [tmp_path / "out", tmp_path / "folder"]
    job = Job([command], tmp_path, {}, ["/bin/sh", "-c"], outputs, tmp_path / "log", warm=False)
    assert work(job) == 0
    assert (tmp_path / "out").read_text() == "whole\n"
    assert not (tmp_path / "folder").exists()


def test_commands_of_this_environment_are_found_without_activating_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    toy = Toy(tmp_path / "toy", {"tool": stage("ruff --version > out", "out")}, {"a.txt": ""})
    assert toy.side_by_side().failed == []
    assert "ruff" in (toy.folder / "out").read_text()


def test_the_longest_remaining_path_goes_first(tmp_path):
    class Noting(Threads):
        def submit(self, *arguments, key, priority, memory):
            priorities[key] = priority
            return super().submit(*arguments, key=key, priority=priority, memory=memory)

    priorities: dict[str, float] = {}
    stages = {
        "short": stage("cat a.txt > short", "short"),
        "long": stage("cat a.txt > long", "long"),
        "longer": stage("cat long > longer", "longer", deps=("long",)),
    }
    Toy(tmp_path / "toy", stages, {"a.txt": "1\n"}).side_by_side(open_workers=Noting)
    assert priorities == {"short": 1, "long": 2, "longer": 1}
