"""``kedro run``: Kedro's own command, with a runner that uses all cores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.pipeline import Pipeline

RUNNER = "hypnos_pipeline.running.dask_runner.DaskRunner"


def _run(
    workers: int | None,
    scheduler: str | None,
    runner: str | None,
    runner_params: dict[str, Any],
    **options: Any,
) -> Any:
    """Runs pipelines.

    Nodes that do not need each other run side by side, in as many processes as there are cores and as memory
    allows; `--scheduler` uses other machines, and `--runner=SequentialRunner` this process alone.
    """
    if workers is not None and scheduler is not None:
        raise click.UsageError(
            "--workers counts processes of this machine; --scheduler uses all of its workers"
        )
    if runner not in (None, RUNNER):
        for option, value in (("--workers", workers), ("--scheduler", scheduler)):
            if value is not None:
                what = f"{option} belongs to the default runner; with --runner={runner} use --runner-params"
                raise click.UsageError(what)
    else:
        runner = RUNNER
        runner_params = {"workers": workers, "memory": _memory, "scheduler": scheduler, **runner_params}
    assert kedro_run.callback is not None
    options["namespaces"] = _apart(options["namespaces"])
    return kedro_run.callback(runner=runner, runner_params=runner_params, **options)


def _apart(namespaces: Iterable[str]) -> list[str]:
    """Returns each namespace once.

    Raises:
        click.UsageError: If one lies within another one, whose nodes Kedro would take for duplicates.
    """
    each = list(dict.fromkeys(namespaces))
    for name in each:
        for other in each:
            if name.startswith(f"{other}."):
                what = f"--namespaces: {name} lies within {other}, with which it runs anyway; leave it out"
                raise click.UsageError(what)
    return each


def _memory(pipeline: Pipeline) -> Mapping[str, float]:
    """Returns the bytes that each node needs on the machine, by its name."""
    from hypnos_pipeline.checks.needs import node_memory
    from hypnos_pipeline.study.loading import current_parameters
    from hypnos_pipeline.study.model import Study
    from hypnos_pipeline.study.parts import ValidParts

    return node_memory(pipeline, ValidParts.of(Study, current_parameters()))


_WORKERS = click.Option(
    ["--workers"],
    type=click.IntRange(min=1),
    help="Processes that run nodes side by side; by default as many as there are cores, as far as memory"
    " allows and as they save time.",
)
_SCHEDULER = click.Option(
    ["--scheduler"],
    metavar="ADDRESS",
    help="Address of a running Dask scheduler, such as tcp://host:8786: its workers, on any machines, do the"
    " work.",
)
run = click.Command("run", params=[*kedro_run.params, _WORKERS, _SCHEDULER], callback=_run, help=_run.__doc__)
