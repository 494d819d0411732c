"""What commands share: the environment, the project's folder, the options that name a cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hypnos_pipeline.study.environments import chosen

if TYPE_CHECKING:
    from hypnos_pipeline.provenance.cells import Cell

Command = Callable[..., Any]

env_option = click.option(
    "--env",
    "-e",
    callback=lambda _context, _option, value: chosen(value),  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    help="The study's environment (default: as kedro run).",
)


def cell_options(required: bool) -> Callable[[Command], Command]:
    """Adds the options that name cells: ``env, table, prompt_set, subject, method, metric``.

    Args:
        required: Whether subject, method and metric must be given, as for one cell.
    """
    options = [
        env_option,
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


def matching_cells(root: Path, env: str, **words: str | None) -> list[Cell]:
    """Returns the cells that the options name, at least one.

    Raises:
        ProvenanceError: See ``provenance.cells``.
    """
    from hypnos_pipeline.errors import UndefinedCell, UnknownWord
    from hypnos_pipeline.provenance.cells import not_yet_run, read_cells, select

    cells = read_cells(root, env)
    try:
        found = select(cells, words)
    except UnknownWord as error:
        raise not_yet_run(root, env, error) from None
    if not found:
        requested = ", ".join(f"{kind.replace('_', ' ')} {word}" for kind, word in words.items() if word)
        raise UndefinedCell(f"undefined: {cells[0].path} has no row with {requested}")
    return found


def the_cell(root: Path, env: str, **words: str | None) -> Cell:
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
