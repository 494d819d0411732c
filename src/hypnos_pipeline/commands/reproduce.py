"""``kedro cell reproduce``."""

from __future__ import annotations

import click

from hypnos_pipeline.commands.options import cell_options, project_root, the_cell
from hypnos_pipeline.commands.plain import PlainCommand
from hypnos_pipeline.errors import MissingInputs


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
@click.option("--keep", is_flag=True, help="Leave the scratch folder and say where it is.")
def reproduce(env: str, tolerance: float, keep: bool, **words: str | None) -> None:
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
    try:
        verdict = run(root, cell, tolerance=tolerance, keep=keep, progress=_progress, say=_show)
    except MissingInputs as error:
        _show(f"Error: {error}")
        raise SystemExit(MISSING) from None
    except OSError as error:
        raise click.ClickException(str(error)) from error
    click.echo(verdict.text)
    raise SystemExit(verdict.status)


def _show(text: str) -> None:
    click.echo(text, err=True)


def _progress(text: str) -> None:
    if click.get_text_stream("stderr").isatty():  # pyright: ignore[reportCallIssue, reportUnknownMemberType]
        click.echo(text, err=True, nl=False)
