"""Tables that commands print."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from hypnos_pipeline.commands.miniworld import show_learning
from hypnos_pipeline.commands.models import models
from hypnos_pipeline.commands.tables import show_table


def test_a_pipe_gets_aligned_whole_lines_without_colours(capsys) -> None:
    show_table(("name", "value"), [("a", "1.0"), ("[bold]" + "x" * 200, "10.0")], numbers=("value",))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "value"]
    assert lines[2] == "[bold]" + "x" * 200 + "   10.0"
    assert {len(line) for line in lines} == {len(lines[2])}


def test_the_networks_have_headings(project_root: Path, monkeypatch) -> None:
    monkeypatch.chdir(project_root)
    lines = CliRunner().invoke(models, ["list", "--env", "mini"]).stdout.splitlines()
    assert lines[0].split() == ["network", "source", "version", "files", "size", "folder"]
    assert lines[1].split()[:4] == ["text_to_image", "local", "pinned", "verified"]


def test_what_was_learned_is_a_table(capsys) -> None:
    method = {"photos": 0.8, "unseen": 0.75, "reaches": True}
    found = {"prior": 0.3, "leave_one_out": 0.9, "bar": 0.6, "methods": {"hypnos": method}}
    show_learning("mug", found | {"discriminator": {"unseen": 1.0, "masked": 0.5}})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("mug: mean DINO of invariant samples; learned from 0.600 on")
    assert lines[2].split() == ["hypnos", "0.800", "0.750", "yes"]
    assert lines[3] == "discriminator right on: unseen 100%, masked 50%"
