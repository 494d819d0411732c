"""The trace for other programs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from hypnos_pipeline.provenance.export import as_dot, as_json
from hypnos_pipeline.provenance.hashes import on_disk
from hypnos_pipeline.provenance.parameters import leaves
from hypnos_pipeline.provenance.record import read_record
from tests.provenance.small_study import MEAN, PHOTOS, STUDY, git, write

NODE = re.compile(r'  "((?:[^"\\]|\\.)*)" \[.*\];')
EDGE = re.compile(r'  "((?:[^"\\]|\\.)*)" -> "((?:[^"\\]|\\.)*)"(?: \[.*\])?;')


def test_json_holds_every_file_of_every_folder(study, traced):
    content = json.loads(as_json(traced()))
    artefacts = {each["path"]: each for each in content["artefacts"]}
    record = read_record(study)
    for stage in content["stages"]:
        recorded = record.stages[stage["name"]]
        assert stage["cmd"] == recorded.cmd
        own, everything = leaves(stage["params"].get(STUDY, {})), leaves(recorded.params.get(STUDY, {}))
        assert own == {key: value for key, value in everything.items() if key != "evaluation.metrics"}
        assert {each["path"] for each in stage["deps"]} == set(recorded.deps)
        for each in [*stage["deps"], *stage["outs"]]:
            hashed = on_disk(study, each["path"])
            assert each["md5"] == artefacts[each["path"]]["md5"] == hashed.md5
            if hashed.md5.endswith(".dir"):
                assert artefacts[each["path"]]["files"] == hashed.files
    assert content["as_recorded"] is True
    assert content["cell"]["mean"] == MEAN
    assert artefacts["requirements.lock"]["commit"] == git(study, "rev-parse", "HEAD")
    assert content["machines"][0]["libraries"] == {"torch": "2.14.1", "numpy": "2.3"}
    assert content["networks"][0]["sha256"] == "5a" * 32


def test_json_says_what_changed(study, traced):
    before = on_disk(study, PHOTOS)
    write(study, f"{PHOTOS}/00.jpg", "another")
    content = json.loads(as_json(traced()))
    [photos] = [each for each in content["artefacts"] if each["path"] == PHOTOS]
    assert (photos["status"], photos["files"], photos["files_known_from"]) == ("changed", before.files, "git")
    assert photos["files_on_disk"] == on_disk(study, PHOTOS).files
    assert content["as_recorded"] is False
    assert content["differences"][0]["files"] == {"00.jpg": "changed"}


def test_no_path_of_the_machine_in_any_form(study, traced):
    write(study, f"{PHOTOS}/00.jpg", "another")
    shutil.rmtree(study / "data/06_models")
    for text in (as_json(traced()), as_dot(traced())):
        assert str(study) not in text
        assert not re.search(r'"/', text)


def test_dot_is_a_graph_from_photos_to_the_cell(traced):
    text = as_dot(traced())
    lines = text.splitlines()
    assert (lines[0], lines[-1]) == ("digraph cell {", "}")
    nodes = {match[1] for line in lines if (match := NODE.fullmatch(line)) and " -> " not in line}
    edges = [match.groups() for line in lines if (match := EDGE.fullmatch(line))]
    assert len(nodes) + len(edges) + 4 == len(lines)
    assert {end for edge in edges for end in edge} == nodes
    reached = {PHOTOS}
    while more := {end for start, end in edges if start in reached} - reached:
        reached |= more
    assert f"table 1 (invariant), lego_robot, hypnos, dino: {MEAN}" in reached
    assert not any("chair" in node for node in nodes)


def test_dot_marks_what_changed(study, traced):
    assert "red" not in as_dot(traced())
    write(study, f"{PHOTOS}/00.jpg", "another")
    [line] = [line for line in as_dot(traced()).splitlines() if "red" in line]
    assert line.startswith(f'  "{PHOTOS}" [')


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_draws_it(traced):
    drawn = subprocess.run(["dot", "-Tsvg"], input=as_dot(traced()), capture_output=True, text=True)
    assert drawn.returncode == 0, drawn.stderr
    assert "background_removal@lego_robot" in drawn.stdout
