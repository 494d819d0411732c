"""``kedro cell``: any cell of any table, from the raw photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hypnos_pipeline.commands.options import (
    cell_options,
    matching_cells,
    project_root,
    the_cell,
)
from hypnos_pipeline.commands.plain import PlainGroup
from hypnos_pipeline.commands.reproduce import reproduce

if TYPE_CHECKING:
    from hypnos_pipeline.provenance.rendering import Part


@click.group(cls=PlainGroup)
def cell() -> None:
    """Any cell of any table, from the raw photos."""


@cell.command("list")
@cell_options(required=False)
@click.option("--every-metric", is_flag=True, help="Also the metrics that the paper does not have.")
@click.option("--rows", is_flag=True, help="One row to a cell, with standard deviation and n, for programs.")
def list_cells(env: str, every_metric: bool, rows: bool, **words: str | None) -> None:
    """Lists the cells that match: methods by metrics, a table for each prompt set and subject."""
    root = project_root()
    from hypnos_pipeline.provenance.listing import by_method, by_row
    from hypnos_pipeline.provenance.rendering import console

    found = matching_cells(root, env, **words)
    if rows:
        console().print(by_row(found))
    else:
        for table in by_method(found, every_metric or words["metric"] is not None):
            console().print(table)


@cell.command()
@cell_options(required=True)
@click.option("--parameters", is_flag=True, help="Also every parameter, stage by stage.")
@click.option("--code", is_flag=True, help="Also the code, with its hashes and commits.")
@click.option("--files", is_flag=True, help="Also every file that was read or written, with its hash.")
@click.option("--all", "everything", is_flag=True, help="All three, and the machines and networks in full.")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@click.option("--dot", "as_dot", is_flag=True, help="The graph of files and stages, for Graphviz.")
def trace(env: str, everything: bool, as_json: bool, as_dot: bool, **words: Any) -> None:
    """Shows what made one number, and the first thing that has changed since, if any has."""
    root = project_root()
    if as_json and as_dot:
        raise click.UsageError("give one of --json and --dot")
    from hypnos_pipeline.provenance.rendering import PARTS, as_summary, as_tree, console
    from hypnos_pipeline.provenance.trace import trace as gather

    parts: list[Part] = [part for part in PARTS if words.pop(part) or everything]
    found = gather(root, the_cell(root, env, **words))
    if as_json or as_dot:
        from hypnos_pipeline.provenance.export import as_dot as dot
        from hypnos_pipeline.provenance.export import as_json as json_of

        click.echo(dot(found) if as_dot else json_of(found))
        return
    output = console()
    output.print(as_summary(found, output.width))
    if parts:
        output.print(as_tree(found, parts))


@cell.command()
@cell_options(required=False)
@click.option("--every-metric", is_flag=True, help="Also the metrics that the paper does not have.")
@click.option("--rev", default="HEAD", show_default=True, help="The commit that has the record.")
def compare(env: str, every_metric: bool, rev: str, **words: str | None) -> None:
    """Shows cells beside the record, and whether trainings of the same settings differ by as much.

    Of pairs of trainings 95 % lie as close as the table says. It cannot where the record has one training of
    each method and evaluation.findings names no environment with several.
    """
    root = project_root()
    from hypnos_pipeline.findings.spread import recorded_trainings
    from hypnos_pipeline.provenance.against_record import (
        beside_record,
        findings_env,
        findings_of,
        recorded_cells,
    )
    from hypnos_pipeline.provenance.cells import named
    from hypnos_pipeline.provenance.listing import HEADLINE, by_difference, in_words
    from hypnos_pipeline.provenance.rendering import console

    cells = matching_cells(root, env, **words)
    recorded = named(recorded_cells(root, env, rev), words)
    findings = findings_env(root, env)
    several = (findings_of(root, findings, rev) or recorded_trainings(root, findings)) if findings else []
    found = beside_record(cells, recorded, several)
    output = console()
    all_shown = every_metric or words["metric"] is not None
    output.print(by_difference([each for each in found if all_shown or each.named.metric in HEADLINE]))
    output.print(in_words(found))


cell.add_command(reproduce)
