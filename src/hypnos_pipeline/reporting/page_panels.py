"""What a click on a value of the study's page opens: best and worst images behind it, and its command."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from hypnos_pipeline.metrics.registry import METRICS, Metric
from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.labels import MethodLabel, subject_label
from hypnos_pipeline.reporting.paper_values import TABLE_OF_PROMPT_SET
from hypnos_pipeline.reporting.tables import number

DEFAULT_ENVIRONMENT = "mini"
"""The one that ``kedro cell`` takes where none is named."""


def trace_command(key: CellKey, env: str) -> str:
    """Returns the command that traces a cell from the raw photos."""
    prompt_set, subject, method, metric = key
    table = TABLE_OF_PROMPT_SET.get(prompt_set)
    where = f"--table {table}" if table else f"--prompt-set {prompt_set}"
    command = f"kedro cell trace {where} --subject {subject} --method {method} --metric {metric}"
    return command if env == DEFAULT_ENVIRONMENT else f"{command} --env {env}"


def anchor(keys: Sequence[CellKey]) -> str:
    """Returns the place on the page of a panel, made of one cell, or of the cells that make a difference."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", "--".join(".".join(key) for key in keys))


class SmallPictures:
    """Small pictures, each once in the style sheet under a class of its own, since many cells show the same.

    Args:
        subjects: Subject to what ``subject_figures`` gave.
    """

    def __init__(self, subjects: Mapping[str, Mapping[str, Any]]) -> None:
        self._sources = {
            (name, key): source
            for name, found in subjects.items()
            for key, source in found["pictures"].items()
        }
        self._classes = {key: f"p{position}" for position, key in enumerate(self._sources)}

    def style(self) -> str:
        """Returns the rules of the style sheet."""
        rules = (
            f".{name} {{ background-image: url({self._sources[key]}) }}"
            for key, name in self._classes.items()
        )
        return "\n".join(rules)

    def show(self, subject: str, picture: str, text: str) -> str:
        """Returns a picture, with what it is for those who do not see it."""
        text = escape(text)
        name = self._classes[subject, picture]
        return f'<span class="small {name}" role="img" aria-label="{text}" title="{text}"></span>'


@dataclass(frozen=True)
class Panels:
    """Writes panels.

    Attributes:
        cells: Every cell's row of the study.
        methods: Of the study.
        subjects: Subject to what ``subject_figures`` gave.
        pictures: All small ones.
        env: The study's environment, for the commands.
    """

    cells: Mapping[CellKey, Any]
    methods: Sequence[MethodLabel]
    subjects: Mapping[str, Mapping[str, Any]]
    pictures: SmallPictures
    env: str

    def panel(self, keys: Sequence[CellKey]) -> str:
        """Returns the panel of one cell, or of those whose difference a value is, each under its heading."""
        lines = [
            f'<section class="cell" id="{anchor(keys)}"><a class="close" href="#_">Close</a>',
            f"<h3>{escape(self._difference(keys))}</h3>" if len(keys) > 1 else "",
        ]
        level = "h4" if len(keys) > 1 else "h3"
        for key in keys:
            lines += [f"<{level}>{escape(self._title(key))}</{level}>", *self._ends(key)]
            lines.append(f'<code class="command">{escape(trace_command(key, self.env))}</code>')
        return "\n".join([*filter(None, lines), "</section>"])

    def _difference(self, keys: Sequence[CellKey]) -> str:
        """Returns what is subtracted from what: prompt sets of one method, or methods on one prompt set."""
        sets = list(dict.fromkeys(key[0] for key in keys))
        methods = list(dict.fromkeys(self._label(key[2]) for key in keys))
        return f"{' − '.join(methods)}: {' − '.join(sets)}"

    def _title(self, key: CellKey) -> str:
        prompt_set, subject, method, name = key
        value = f"{METRICS[name].label} {number(self.cells[key].mean, METRICS[name].decimals)}"
        return f"{value}: {self._label(method)}, {subject_label(subject)}, {prompt_set}"

    def _label(self, method: str) -> str:
        return next(each.label for each in self.methods if each.name == method)

    def _ends(self, key: CellKey) -> Iterable[str]:
        """Returns the extremes; metrics of a whole set have none."""
        prompt_set, subject, method, name = key
        wanted = (prompt_set, method, name)
        entries = self.subjects[subject]["extremes"]
        entry = next((e for e in entries if (e["prompt_set"], e["method"], e["metric"]) == wanted), None)
        if entry is None:
            return ["<p>A value of all images together; no single image has one.</p>"]
        undirected = METRICS[name].higher_is_better is None
        lines = ['<div class="ends">']
        for end, pairs in zip(
            ("Highest", "Lowest") if undirected else ("Best", "Worst"),
            (entry["best"], entry["worst"]),
            strict=True,
        ):
            shown = "".join(self._pair(pair, METRICS[name], subject, method) for pair in pairs)
            lines.append(f'<div><b>{end}</b><div class="pairs">{shown}</div></div>')
        return [*lines, "</div>"]

    def _pair(self, pair: Mapping, metric: Metric, subject: str, method: str) -> str:
        """Returns an image, what it was compared with, its value and its prompt."""
        prompt = self.subjects[subject]["prompts"][f"{method}/{pair['image']}"]
        shown = self.pictures.show(subject, f"{method}/{pair['image']}", f"{pair['image']}: {prompt}")
        if pair["against"]:
            shown += self.pictures.show(subject, pair["against"], pair["against"].replace("/", " "))
        value = number(pair["value"], metric.decimals)
        text = f"<br><b>{value}</b> {escape(pair['image'])}<br>{escape(prompt)}"
        return f'<div class="pair">{shown}{text}</div>'
