"""What a click on a value of the study's page opens: best and worst images behind it, and its command."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hypnos_pipeline.metrics.registry import METRICS
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


@dataclass(frozen=True)
class Panels:
    """Makes panels, as mappings that the page's template draws.

    Attributes:
        cells: Every cell's row of the study.
        methods: Of the study.
        subjects: Subject to what ``subject_figures`` gave.
        env: The study's environment, for the commands.
    """

    cells: Mapping[CellKey, Any]
    methods: Sequence[MethodLabel]
    subjects: Mapping[str, Mapping[str, Any]]
    env: str

    @cached_property
    def small(self) -> dict[tuple[str, str], str]:
        """Returns (subject, name) to the source of every small picture.

        Each stands once in the style sheet under a class of its own, since many cells show the same.
        """
        return {
            (subject, name): source
            for subject, found in self.subjects.items()
            for name, source in found["pictures"].items()
        }

    @cached_property
    def _classes(self) -> dict[tuple[str, str], str]:
        return {key: f"p{position}" for position, key in enumerate(self.small)}

    def panel(self, keys: Sequence[CellKey]) -> dict[str, Any]:
        """Returns the panel of one cell, or of those whose ``difference`` a value is."""
        shown = [
            {"title": self._title(key), "ends": self._ends(key), "command": trace_command(key, self.env)}
            for key in keys
        ]
        difference = self._difference(keys) if len(keys) > 1 else ""
        return {"anchor": anchor(keys), "difference": difference, "cells": shown}

    def _difference(self, keys: Sequence[CellKey]) -> str:
        """Returns what is subtracted from what: prompt sets of one method, or methods on one prompt set."""
        sets = dict.fromkeys(key.prompt_set for key in keys)
        methods = dict.fromkeys(self._label(key.method) for key in keys)
        return f"{' − '.join(methods)}: {' − '.join(sets)}"

    def _title(self, key: CellKey) -> str:
        metric = METRICS[key.metric]
        value = f"{metric.label} {number(self.cells[key].mean, metric.decimals)}"
        return f"{value}: {self._label(key.method)}, {subject_label(key.subject)}, {key.prompt_set}"

    def _label(self, method: str) -> str:
        return next(each.label for each in self.methods if each.name == method)

    def _ends(self, key: CellKey) -> list[tuple[str, list[dict[str, Any]]]]:
        """Returns the extremes; metrics of a whole set have none."""
        wanted = (key.prompt_set, key.method, key.metric)
        for entry in self.subjects[key.subject]["extremes"]:
            if (entry["prompt_set"], entry["method"], entry["metric"]) == wanted:
                undirected = METRICS[key.metric].higher_is_better is None
                ends = zip(
                    ("Highest", "Lowest") if undirected else ("Best", "Worst"),
                    (entry["best"], entry["worst"]),
                    strict=True,
                )
                return [(end, [self._pair(pair, key) for pair in pairs]) for end, pairs in ends]
        return []

    def _pair(self, pair: Mapping[str, Any], key: CellKey) -> dict[str, Any]:
        """Returns an image, what it was compared with, its value and its prompt."""
        name, against = f"{key.method}/{pair['image']}", pair["against"]
        prompt = self.subjects[key.subject]["prompts"][name]
        pictures = {name: f"{pair['image']}: {prompt}"} | (
            {against: against.replace("/", " ")} if against else {}
        )
        return {
            "pictures": [(self._classes[key.subject, each], text) for each, text in pictures.items()],
            "value": number(pair["value"], METRICS[key.metric].decimals),
            "image": pair["image"],
            "prompt": prompt,
        }
