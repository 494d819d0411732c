"""A trace for other programs: one JSON object, or a graph for Graphviz."""

from __future__ import annotations

import json
from typing import Any

from hypnos_pipeline.provenance.lineage import Input, Kind
from hypnos_pipeline.provenance.record import LOCK, Recorded, StageRecord
from hypnos_pipeline.provenance.trace import Trace

COLOURS: dict[Kind, str] = {
    "photo": "#fff2cc",
    "true mask": "#d5e8d4",
    "model": "#e1d5e7",
    "code": "#f5f5f5",
    "requirements": "#f5f5f5",
    "artefact": "#dae8fc",
}


def as_json(trace: Trace) -> str:
    """Returns everything as one JSON object, paths relative to the project's folder.

    ``stages`` run from the photos to the cell and name files by path and md5; ``artefacts`` holds each of
    those once with all its files.
    """
    kinds = _kinds(trace)
    content = {
        "record": LOCK,
        "cell": vars(trace.cell),
        "recorded_cell": vars(trace.recorded_cell) if trace.recorded_cell else None,
        "cells_csv": _reference(trace.lineage.table),
        "runtime": trace.runtime,
        "machines": [{"stages": each.stages, **each.facts} for each in trace.machines],
        "networks": [{"name": each.name, "stages": each.stages, **each.facts} for each in trace.networks],
        "trainings": [vars(each) for each in trace.trainings],
        "stages": [_stage(stage, trace.lineage.inputs[stage.name]) for stage in trace.lineage.stages],
        "artefacts": [_artefact(trace, recorded, kinds) for recorded in trace.state.artefacts],
        "as_recorded": not trace.state.differences,
        "differences": [vars(each) for each in trace.state.differences],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _stage(stage: StageRecord, inputs: list[Input]) -> dict[str, Any]:
    return {
        "name": stage.name,
        "cmd": stage.cmd,
        "params": stage.params,
        "deps": [
            {**_reference(each.recorded), "kind": each.kind, "written_by": list(each.producers)}
            for each in inputs
        ],
        "outs": [_reference(out) for out in stage.outs.values()],
    }


def _reference(recorded: Recorded) -> dict[str, str]:
    return {"path": recorded.path, "md5": recorded.md5}


def _artefact(trace: Trace, recorded: Recorded, kinds: dict[str, Kind]) -> dict[str, Any]:
    state = trace.state.artefacts[recorded]
    entry: dict[str, Any] = {
        **_reference(recorded),
        "kind": kinds.get(recorded.path, "artefact"),
        "size": recorded.size,
        "status": state.status,
        "md5_on_disk": state.disk and state.disk.md5,
    }
    if recorded.is_folder:
        entry |= {"nfiles": recorded.nfiles, "files": state.files, "files_known_from": state.known_from}
        if state.disk and state.status == "changed":
            entry["files_on_disk"] = state.disk.files
    return entry | ({"commit": trace.commits[recorded]} if recorded in trace.commits else {})


def _kinds(trace: Trace) -> dict[str, Kind]:
    return {each.recorded.path: each.kind for inputs in trace.lineage.inputs.values() for each in inputs}


def as_dot(trace: Trace) -> str:
    """Returns the graph of files and stages in Graphviz's language; what no longer matches is red."""
    kinds = _kinds(trace)
    changed = {each.name for each in trace.state.differences}
    lines = ["digraph cell {", "  rankdir=LR;", '  node [fontname="sans-serif", fontsize=10];']
    for path in dict.fromkeys(each.path for each in trace.state.artefacts):
        outline = ', color="red", penwidth=2' if path in changed else ""
        colour = COLOURS[kinds.get(path, "artefact")]
        lines.append(f'  {_quoted(path)} [shape=note, style=filled, fillcolor="{colour}"{outline}];')
    for stage in trace.lineage.stages:
        outline = ', color="red", penwidth=2' if trace.state.parameters[stage.name] else ""
        lines.append(f"  {_quoted(stage.name)} [shape=box, style=rounded{outline}];")
        lines += [f"  {_quoted(path)} -> {_quoted(stage.name)};" for path in stage.deps]
        lines += [f"  {_quoted(stage.name)} -> {_quoted(path)};" for path in stage.outs]
    lines += [f"  {_quoted(out)} -> {_quoted(folder)} [style=dotted];" for out, folder in _contained(trace)]
    table, label = trace.cell.path, "averaged" if len(trace.trainings) > 1 else "copied"
    lines += [f'  {_quoted(each.scores)} -> {_quoted(table)} [label="{label}"];' for each in trace.trainings]
    value = f"{trace.cell}: {trace.cell.mean}"
    lines.append(f"  {_quoted(value)} [shape=doubleoctagon];")
    lines.append(f"  {_quoted(table)} -> {_quoted(value)};")
    return "\n".join([*lines, "}"])


def _contained(trace: Trace) -> list[tuple[str, str]]:
    """Returns the outs that lie below a folder which another stage read whole."""
    outs = [path for stage in trace.lineage.stages for path in stage.outs]
    deps = dict.fromkeys(path for stage in trace.lineage.stages for path in stage.deps)
    return [(out, folder) for folder in deps for out in outs if out.startswith(f"{folder}/")]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
