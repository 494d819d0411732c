"""``kedro cell reproduce``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from hypnos_pipeline.commands.options import cell_options, project_root, the_cell
from hypnos_pipeline.commands.plain import PlainCommand
from hypnos_pipeline.errors import MissingInputs

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline

    from hypnos_pipeline.provenance.cells import Cell

OF_A_STAGE = re.compile(r"--pipelines=(\S+) --namespaces=(\S+)(?: --tags=(\S+))?")
"""The command line of a stage of one subject or method."""


@click.command(cls=PlainCommand)
@cell_options(required=True)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=0.01,
    show_default=True,
    help="On another kind of machine: by how much each number may differ and still count as within; "
    "relative to the recorded number where that is above 1, absolute below.",
)
@click.option(
    "--training",
    type=click.IntRange(min=1),
    help="Only this one of several trainings, compared with its own scores (default: all of them).",
)
@click.option("--keep", is_flag=True, help="Leave the scratch folder and say where it is.")
def reproduce(env: str, tolerance: float, training: int | None, keep: bool, **words: str | None) -> None:
    r"""Makes one cell again from the raw photos, in a scratch folder, by what dvc.lock records.

    \b
    Exit status:
      0  equal to the last digit
      1  another number on the same CPU kind and versions; or the table is not
         the recorded one, or a stage failed
      2  an input is found neither in the working tree nor in git's history
      3  another number on another (or unknown) CPU kind or versions
    """
    root = project_root()
    from hypnos_pipeline.provenance.reproduction import MISSING, check_table
    from hypnos_pipeline.provenance.reproduction import reproduce as run

    check_table(root, env)
    cell = the_cell(root, env, **words)
    _announce(root, cell, training)
    try:
        verdict = run(
            root, cell, training=training, tolerance=tolerance, keep=keep, progress=_progress, say=_show
        )
    except MissingInputs as error:
        _show(f"Error: {error}")
        raise SystemExit(MISSING) from None
    except OSError as error:
        raise click.ClickException(str(error)) from error
    click.echo(verdict.text)
    raise SystemExit(verdict.status)


def _announce(root: Path, cell: Cell, training: int | None) -> None:
    """Says how long it will take, by today's study; nothing if that no longer has the cell's stages."""
    from hypnos_pipeline.checks.duration import describe_duration
    from hypnos_pipeline.checks.study_files import StudyFiles
    from hypnos_pipeline.provenance.lineage import recorded_lineage
    from hypnos_pipeline.provenance.relevance import needed_stages

    stages = needed_stages(recorded_lineage(root, cell)[1], training)
    files = StudyFiles.read(root, cell.env)
    runs = [(found[1], found[2], found[3]) for stage in stages if (found := OF_A_STAGE.search(stage.cmd))]
    if files.problems or not runs:
        return
    try:
        pipeline = stage_nodes(root, cell.env, runs)
    except (KeyError, ValueError):  # no such pipeline, or no such subject or method in it
        return
    _, text = describe_duration(pipeline, files.parameters, root, cell.env)
    _show(f"Runs {len(stages)} stages: {text}, and some seconds more for each stage to start.")


def stage_nodes(root: Path, env: str, runs: Iterable[tuple[str, str, str | None]]) -> Pipeline:
    """Returns the nodes of some stages as today's study has them.

    Args:
        root: The project's folder.
        env: The environment.
        runs: Name of the pipeline, of the namespace, and of the tag of each, if any.

    Raises:
        KeyError: If there is no such pipeline.
        ValueError: If it has no such namespace.
    """
    from kedro.framework.project import pipelines
    from kedro.framework.startup import bootstrap_project
    from kedro.pipeline import Pipeline

    from hypnos_pipeline.study.environments import BASE, DEFAULT
    from hypnos_pipeline.study.loading import StudyConfigLoader

    bootstrap_project(root)
    StudyConfigLoader(str(root / "conf"), env=env, base_env=BASE, default_run_env=DEFAULT)
    known = cast("dict[str, Pipeline]", pipelines)
    return Pipeline(
        [
            known[name].filter(node_namespaces=[where], tags=[tag] if tag else None)
            for name, where, tag in runs
        ]
    )


def _show(text: str) -> None:
    click.echo(text, err=True)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(text, err=True, nl=False)
