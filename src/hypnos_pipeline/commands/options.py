"""What the commands of ``kedro cell`` share: the options that name a cell, and how errors are said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hypnos_pipeline.provenance.cells import Cell

Command = Callable[..., Any]


def cell_options(required: bool) -> Callable[[Command], Command]:
    """Adds the options that name cells: ``env, table, prompt_set, subject, method, metric``.

    Args:
        required: Whether subject, method and metric must be given, as for one cell.
    """
    options = [
        click.option("--env", "-e", default=None, help="The study's environment (default: as kedro run)."),
        click.option("--table", type=click.Choice(["1", "2"]), help="1 invariant, 2 varying prompts."),
        click.option("--prompt-set", help="A prompt set, instead of a table."),
        click.option("--subject", required=required, help="A subject of the study."),
        click.option("--method", required=required, help="A method, e.g. hypnos."),
        click.option("--metric", required=required, help="A metric, e.g. dino."),
    ]

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def project_root() -> Path:
    """Returns the current folder.

    Raises:
        click.ClickException: If it is not the project's.
    """
    root = Path.cwd()
    missing = [name for name in ("pyproject.toml", "dvc.yaml") if not (root / name).is_file()]
    if missing:
        raise click.ClickException(f"not the project's folder: no {' and no '.join(missing)} here")
    return root


def environment(env: str | None) -> str:
    """Returns the environment asked for, else Kedro's choice."""
    from hypnos_pipeline.study.environments import chosen

    return chosen(env)


def matching_cells(root: Path, env: str | None, **words: str | None) -> list[Cell]:
    """Returns the cells that the options name, at least one.

    Raises:
        ProvenanceError: See ``provenance.cells``.
    """
    from hypnos_pipeline.provenance.cells import UndefinedCell, UnknownWord, not_yet_run, read_cells, select

    cells = read_cells(root, environment(env))
    try:
        found = select(cells, words)
    except UnknownWord as error:
        raise not_yet_run(root, environment(env), error) from None
    if not found:
        asked = ", ".join(f"{kind.replace('_', ' ')} {word}" for kind, word in words.items() if word)
        raise UndefinedCell(f"undefined: {cells[0].path} has no row with {asked}")
    return found


def the_cell(root: Path, env: str | None, **words: str | None) -> Cell:
    """Returns the one cell that the options name.

    Raises:
        click.UsageError: If neither table nor prompt set is given.
        ProvenanceError: See ``provenance.cells``.
    """
    found = matching_cells(root, env, **words)
    if words["table"] is None and words["prompt_set"] is None:
        prompt_sets = dict.fromkeys(cell.prompt_set for cell in found)
        raise click.UsageError(f"give --table 1, --table 2 or --prompt-set ({', '.join(prompt_sets)})")
    return found[0]


@contextmanager
def said_plainly() -> Iterator[None]:
    """Turns errors of the provenance modules into click's: a message, no traceback."""
    from hypnos_pipeline.provenance.cells import ProvenanceError, UnknownWord
    from hypnos_pipeline.provenance.record import RecordError

    try:
        yield
    except UnknownWord as error:
        raise click.UsageError(str(error)) from error
    except (ProvenanceError, RecordError) as error:
        raise click.ClickException(str(error)) from error
