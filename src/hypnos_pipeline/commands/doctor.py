"""``kedro doctor``: one line for each check, all faults at once."""

from __future__ import annotations

import click

from hypnos_pipeline.commands.options import environment, project_root


@click.command()
@click.option("--env", "-e", default=None, help="The study's environment (default: as kedro run).")
@click.option("--json", "as_json", is_flag=True, help="For other programs: a list of status, name and text.")
def doctor(env: str | None, as_json: bool) -> None:
    """Says whether this machine, its libraries and its files are fit for a study, and what to mend.

    Nothing is changed and no network is asked. Exit status 1 if anything failed; warnings alone give 0.
    """
    root = project_root()
    from hypnos_pipeline.checks import check
    from hypnos_pipeline.checks.doctor import examine

    checks = examine(root, environment(env))
    click.echo(check.as_json(checks) if as_json else check.as_text(checks, environment(env)))
    if any(each.status == "fail" for each in checks):
        raise SystemExit(1)
