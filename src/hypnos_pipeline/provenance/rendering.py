"""A trace as a tree that a person reads, on a terminal or in a pipe."""

from __future__ import annotations

import json
import shutil
import sys
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Any, Literal

from rich.text import Text
from rich.tree import Tree

from hypnos_pipeline.provenance.lineage import Input
from hypnos_pipeline.provenance.parameters import ABSENT, leaves
from hypnos_pipeline.provenance.record import Recorded, StageRecord
from hypnos_pipeline.provenance.relevance import evaluations
from hypnos_pipeline.provenance.state import Difference
from hypnos_pipeline.provenance.summary import MATCHES, first_change, summary
from hypnos_pipeline.provenance.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from rich.console import Console

COMMIT_DIGITS = 8
ALERT = "bold red"
QUIET = "dim"
UNLIMITED = 1_000_000
SOURCES = {
    "code": ("code", "requirements"),
    "models": ("model",),
    "photos": ("photo",),
    "true masks": ("true mask",),
}
"""What no stage wrote: title → kinds of inputs, in the order in which a stage shows them."""


def console() -> Console:
    """Returns standard output: as wide as the terminal; in a pipe lines are never cut, nor coloured."""
    from rich.console import Console

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
    return Console(width=width, highlight=False, soft_wrap=not sys.stdout.isatty())


def as_summary(trace: Trace, width: int = UNLIMITED) -> Text:
    """Returns the number, what made it in about twenty lines, and whether the disk matches the record.

    Args:
        trace: Of the cell.
        width: Columns of the terminal; longer lines go on below their text.
    """
    lines = summary(trace)
    indent = max(len(heading) for heading, _ in lines) + 2
    wrapper = TextWrapper(
        width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    shown = [wrapper.fill(f"{heading:<{indent}}{text}") for heading, text in lines]
    return Text("\n").join([_headline(trace), *map(Text, shown), _verdict(trace)])


def _verdict(trace: Trace) -> Text:
    changed = first_change(trace)
    if changed is None:
        return Text(MATCHES, "green")
    stage, why = changed
    others = len(trace.state.differences) - 1
    more = f" ({others} more: --all)" if others > 0 else ""
    return Text(f"no longer as recorded, first at {stage}: {why}{more}", ALERT)


Part = Literal["parameters", "code", "files"]
PARTS: tuple[Part, ...] = ("parameters", "code", "files")


def as_tree(trace: Trace, parts: Collection[Part] = PARTS) -> Tree:
    """Returns the lineage from the cell down to photos and models.

    Args:
        trace: Of the cell.
        parts: What each stage shows: its ``parameters``, its ``code``, and every file that it read or wrote.
    """
    return _TreeBuilder(trace, parts).build()


class _TreeBuilder:
    """Builds the tree; remembers what it has shown, so that nothing is shown twice."""

    def __init__(self, trace: Trace, parts: Collection[Part]) -> None:
        self._trace = trace
        self._parts = parts
        self._shown_stages: set[str] = set()
        self._shown_files: set[Recorded] = set()
        self._stages = {stage.name: stage for stage in trace.lineage.stages}

    def build(self) -> Tree:
        trace = self._trace
        root = Tree(_headline(trace))
        if "files" in self._parts:
            self._artefact(root, trace.lineage.table)
        if all(part in self._parts for part in PARTS):
            self._surroundings(root)
        for evaluation in evaluations(trace.lineage).values():
            self._stage(root, evaluation.name)
        summary = root.add(_summary_heading(trace.state.differences))
        for difference in trace.state.differences:
            _difference(summary, difference)
        return root

    def _surroundings(self, root: Tree) -> None:
        """Adds what the stages report to have run on and used."""
        trace = self._trace
        root.add(Text(f"runtime: {_facts(trace.runtime)}"))
        if not trace.machines:
            root.add(Text("machine and library versions: not recorded"))
        for machine in trace.machines:
            facts = dict(machine.facts)
            libraries = facts.pop("libraries", {})
            node = root.add(Text(f"machine of {', '.join(machine.stages)}"))
            node.add(Text(_facts(facts)))
            node.add(Text(f"libraries: {_facts(libraries)}"))
        node = root.add("networks" if trace.networks else "networks: not recorded")
        for network in trace.networks:
            line = Text(f"{network.name}: {_facts(network.facts)}")
            line.append(f"  ({', '.join(network.stages)})", QUIET)
            node.add(line)

    def _stage(self, parent: Tree, name: str) -> None:
        stage = self._stages[name]
        self._shown_stages.add(name)
        node = parent.add(Text(name, "bold cyan"))
        node.add(Text(f"command: {stage.cmd}"))
        if "parameters" in self._parts:
            self._parameters(node, stage)
        inputs = self._trace.lineage.inputs[name]
        for title, kinds in SOURCES.items():
            if ("code" if title == "code" else "files") in self._parts:
                self._group(node, title, [each for each in inputs if each.kind in kinds])
        if "files" in self._parts:
            outs = node.add("wrote")
            for out in stage.outs.values():
                self._artefact(outs, out)
            self._group(node, "read", [each for each in inputs if each.kind == "artefact"])
        # Nearest to the cell first, so that the tree goes down the pipeline.
        behind = {producer for each in inputs for producer in each.producers}
        for producer in reversed(self._stages):
            if producer in behind - self._shown_stages:
                self._stage(node, producer)

    def _parameters(self, parent: Tree, stage: StageRecord) -> None:
        differing = self._trace.state.parameters[stage.name]
        for file, keys in stage.params.items():
            node = parent.add(Text(f"parameters of {file}"))
            recorded = leaves(keys)
            for key, value in recorded.items():
                line = Text(f"{key} = {_value(value)}")
                _, now = differing.get(f"{file}:{key}", (value, value))
                if now != value:
                    line.append("  MISSING" if now is ABSENT else f"  CHANGED: now {_value(now)}", ALERT)
                node.add(line)
            for name, (_, now) in differing.items():
                key = name.removeprefix(f"{file}:")
                if key != name and key not in recorded:
                    node.add(Text(f"{key}  NEW, not in the record: now {_value(now)}", ALERT))

    def _group(self, parent: Tree, title: str, inputs: list[Input]) -> None:
        if inputs:
            node = parent.add(title)
            for each in inputs:
                self._artefact(node, each.recorded, each)

    def _artefact(self, parent: Tree, recorded: Recorded, each: Input | None = None) -> None:
        state = self._trace.state.artefacts[recorded]
        line = Text(f"{recorded.path}  ")
        line.append(recorded.md5, QUIET)
        if recorded.is_folder:
            line.append(f"  {recorded.nfiles} files")
        if recorded in self._trace.commits:
            commit = self._trace.commits[recorded]
            line.append(f"  commit {commit[:COMMIT_DIGITS]}" if commit else "  uncommitted")
        if each is not None and each.producers:
            line.append(f"  from {', '.join(map(self._referred, each.producers))}")
        if each is not None and each.others:
            line.append(f"  ({each.others} other stages write there too)", QUIET)
        if state.status != "as recorded":
            now = f": now {state.disk.md5}" if state.disk else ""
            line.append(f"  {state.status.upper()}{now}", ALERT)
        if state.superseded_by:
            line.append("  SUPERSEDED", ALERT)
        node = parent.add(line)
        if recorded.is_folder:
            if recorded in self._shown_files:
                line.append("  (files shown above)", QUIET)
            else:
                self._files(node, recorded, each)

    def _referred(self, stage: str) -> str:
        return f"{stage} (above)" if stage in self._shown_stages else stage

    def _files(self, node: Tree, recorded: Recorded, each: Input | None) -> None:
        """Adds the files of a folder; of one that is all subjects', only those of the subject's parts."""
        state = self._trace.state.artefacts[recorded]
        self._shown_files.add(recorded)
        parts = each.parts if each is not None and each.kind == "true mask" else ("",)
        if not parts:
            node.add(Text("none is known of this subject"))
            return
        if state.files is None:
            node.add(Text("its files as recorded are in neither git nor DVC's cache", ALERT))
        for name, md5 in (state.files or {}).items():
            if not name.startswith(parts):
                continue
            line = Text(f"{name}  ")
            line.append(md5, QUIET)
            if name in state.file_changes:
                line.append(f"  {state.file_changes[name].upper()}", ALERT)
            node.add(line)
        for name, change in state.file_changes.items():
            if change == "new":
                node.add(Text(f"{name}  NEW, not in the record", ALERT))


def _headline(trace: Trace) -> Text:
    cell, recorded = trace.cell, trace.recorded_cell
    line = Text(f"{cell}: ")
    line.append(cell.mean, "bold")
    deviation = f"std {cell.std}, " if cell.std else ""
    between = (
        f", {cell.trainings} trainings, std {cell.std_trainings} between them" if cell.std_trainings else ""
    )
    line.append(f"  ({deviation}n {cell.n}{between})")
    if recorded is not None and recorded != cell:
        line.append(f"  NOT AS RECORDED: the record has {recorded.mean}", ALERT)
    return line


def _value(value: Any) -> str:
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _facts(facts: Mapping[str, Any]) -> str:
    known = [f"{name} {_value(value)}" for name, value in facts.items() if value is not None]
    return ", ".join(known) or "not recorded"


def _summary_heading(differences: Sequence[Difference]) -> Text:
    if not differences:
        return Text("everything on disk is as recorded", "green")
    count = f"{len(differences)} things" if len(differences) > 1 else "one thing"
    return Text(f"no longer as recorded: {count}", ALERT)


def _difference(parent: Tree, difference: Difference) -> None:
    line = Text(f"{difference.what} {difference.name}: {difference.status}")
    if difference.status == "superseded":
        line.append(", its stage ran again since; `kedro repro` brings the rest up to date")
    elif difference.what == "parameter":
        was = "not in the record" if difference.status == "new" else f"was {_value(difference.recorded)}"
        now = "is no longer there" if difference.status == "missing" else f"is {_value(difference.current)}"
        line.append(f", {was}, {now}")
    node = parent.add(line)
    for name, change in difference.files.items():
        node.add(Text(f"{name}: {change}"))
