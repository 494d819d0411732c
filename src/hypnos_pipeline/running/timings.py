"""What nodes took on this machine, beside their cost by ``running/costs.py``: a better estimate next time.

Kept in ``data/timings/<env>.json``: by processor and by what a node does, seconds a unit of cost.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any, cast

from kedro.pipeline import Pipeline

from hypnos_pipeline.models.machine import cpu_kind
from hypnos_pipeline.running.board import Board
from hypnos_pipeline.running.costs import costs, kind
from hypnos_pipeline.storage.replacing import replaced_file
from hypnos_pipeline.study.model import Study

FOLDER = Path("data/timings")
LEAST = 10.0
"""Seconds below which a node's cost says nothing about a machine: it mostly loads libraries and networks."""
REFERENCE = 0.0027
"""Seconds that :func:`speed` takes for its matrix products on the machine of ``running/costs.py``."""


def processor() -> str:
    """Returns the processor's name and its number of cores."""
    return f"{cpu_kind()}, {os.cpu_count()} cores"


def known(root: Path, env: str) -> dict[str, float]:
    """Returns the seconds a unit of cost of each kind of node on this processor; empty before a first run."""
    try:
        found = json.loads((root / FOLDER / f"{env}.json").read_text(encoding="utf-8"))[processor()]
        return {str(name): float(value) for name, value in found.items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {}


def remember(root: Path, env: str, pipeline: Pipeline, study: Study, board: Board) -> None:
    """Keeps what nodes took: with what is known already, the median.

    Args:
        root: The project's folder.
        env: The environment.
        pipeline: What was run.
        study: The environment's.
        board: Saw it run; nodes that went on from a checkpoint are left out.
    """
    cost, ratios = costs(pipeline, study), defaultdict[str, list[float]](list)
    for node in pipeline.nodes:
        took = 0.0 if node.name in board.resumed else board.seconds.get(node.name, 0.0)
        if took > 0 and cost[node.name] >= LEAST:  # 0: left out of the run
            ratios[kind(node)].append(took / cost[node.name])
    if not ratios:
        return
    before = known(root, env)
    now = {name: median([*values, before.get(name, median(values))]) for name, values in ratios.items()}
    file = root / FOLDER / f"{env}.json"
    content = _read(file) | {processor(): before | now}
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(file) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def expected(
    pipeline: Pipeline, study: Study, timings: Mapping[str, float], scale: float = 1.0
) -> dict[str, float]:
    """Returns the seconds of every node, by its name.

    Args:
        pipeline: Of this study.
        study: The environment's.
        timings: As :func:`known` returns them; kinds that were not timed count like the others' median.
        scale: As in :func:`hypnos_pipeline.running.costs.costs`.
    """
    usual = median(timings.values()) if timings else 1.0
    cost = costs(pipeline, study, scale)
    return {node.name: cost[node.name] * timings.get(kind(node), usual) for node in pipeline.nodes}


def speed() -> float:
    """Times some matrix products; returns their seconds in those of the machine of ``running/costs.py``."""
    import numpy as np

    matrices = np.ones((512, 64, 64), np.float32)  # so small that one thread does them
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        np.matmul(matrices, matrices)
        best = min(best, time.perf_counter() - began)
    return best / REFERENCE
