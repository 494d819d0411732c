"""``kedro mattes``: the photos' mattes on a sheet to look at, and what seems wrong with them."""

from __future__ import annotations

import click

from hypnos_pipeline.commands.options import env_option, project_root
from hypnos_pipeline.commands.plain import PlainCommand


@click.command(cls=PlainCommand)
@click.option(
    "--subject",
    "-s",
    "subjects",
    multiple=True,
    help="A subject, or a folder in data/01_raw/subjects that is none yet; may be repeated (default: all).",
)
@env_option
def mattes(subjects: tuple[str, ...], env: str) -> None:
    """Cuts subjects out of their photos: a sheet to look at, and what looks wrong."""
    root = project_root()
    from hypnos_pipeline.running.matte_sheets import make_sheets
    from hypnos_pipeline.running.showing import shown

    with shown():
        for sheet in make_sheets(root, env, subjects):
            click.echo(sheet.file)
            flagged = len({problem.where for problem in sheet.problems})
            if not flagged:
                click.echo(f"{sheet.photos} photos, nothing looks wrong; see for yourself")
                continue
            look = "looks" if flagged == 1 else "look"
            click.secho(f"{flagged} of {sheet.photos} mattes {look} wrong:", fg="yellow")
            for problem in sheet.problems:
                click.echo(f"  {problem.where}: {problem.what}")
            for fix in dict.fromkeys(problem.fix for problem in sheet.problems):
                click.echo(f"Fix: {fix}")
