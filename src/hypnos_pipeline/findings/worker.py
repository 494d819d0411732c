"""What a worker process does: the nodes of one work, each measured."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro.pipeline import Node

from hypnos_pipeline.findings.record import Cost
from hypnos_pipeline.running.failures import Failure
from hypnos_pipeline.running.node_task import Place, run_node_there

PROCESS = Path("/proc/self")
Datasets = Mapping[str, AbstractDataset[Any, Any]]


def work_measured(
    place: Place, steps: Sequence[tuple[Node, Datasets]], run_id: str
) -> tuple[dict[str, Cost], Failure | None]:
    """Runs nodes one after another, until one fails.

    Args:
        place: The project and its environment.
        steps: The nodes, each with all datasets and parameters that it reads and writes.
        run_id: The same for all work of one call of the command.

    Returns:
        What each node took, by its name, and why the last one failed, None if it did not.
    """
    costs: dict[str, Cost] = {}
    for node, datasets in steps:
        _forget_peak()
        began = time.process_time()
        failure = run_node_there(place, node, dict(datasets), run_id, False)
        if failure is not None:
            return costs, failure
        costs[node.name] = Cost(time.process_time() - began, peak_memory())
    return costs, None


def peak_memory() -> int:
    """Returns the most bytes that this process has held, where Linux tells since :func:`_forget_peak`."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", (PROCESS / "status").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return 1024 * (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _forget_peak() -> None:
    """Lets the process's peak begin anew, as Linux can: otherwise it is that of all nodes so far."""
    with suppress(OSError):
        (PROCESS / "clear_refs").write_text("5")
