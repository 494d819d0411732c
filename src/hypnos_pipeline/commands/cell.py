"""``kedro cell``: any cell of any table, from the raw photos."""

from __future__ import annotations

import click

from hypnos_pipeline.commands.options import (
    cell_options,
    matching_cells,
    project_root,
    the_cell,
)
from hypnos_pipeline.commands.plain import PlainGroup
from hypnos_pipeline.commands.reproduce import reproduce


@click.group(cls=PlainGroup)
def cell() -> None:
    """Any cell of any table, from the raw photos."""


@cell.command("list")
@cell_options(required=False)
def list_cells(env: str, **words: str | None) -> None:
    """Lists the cells that match."""
    root = project_root()
    from hypnos_pipeline.provenance.rendering import cells_as_table, console

    console().print(cells_as_table(matching_cells(root, env, **words)))


@cell.command()
@cell_options(required=True)
@click.option("--files", is_flag=True, help="Show the files of every folder, not only photos and models.")
@click.option("--json", "as_json", is_flag=True, help="Everything, every file too, as one JSON object.")
@click.option("--dot", "as_dot", is_flag=True, help="The graph of files and stages, for Graphviz.")
def trace(env: str, files: bool, as_json: bool, as_dot: bool, **words: str | None) -> None:
    """Shows the files, parameters, code and models behind one cell, and what has changed since."""
    root = project_root()
    if as_json and as_dot:
        raise click.UsageError("give one of --json and --dot")
    from hypnos_pipeline.provenance.trace import trace as gather

    found = gather(root, the_cell(root, env, **words))
    if as_json or as_dot:
        from hypnos_pipeline.provenance.export import as_dot as dot
        from hypnos_pipeline.provenance.export import as_json as json_of

        click.echo(dot(found) if as_dot else json_of(found))
        return
    from hypnos_pipeline.provenance.rendering import as_tree, console

    console().print(as_tree(found, expand=files))


cell.add_command(reproduce)
