"""``kedro doctor``: one line for each check, all problems at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hypnos_pipeline.commands.options import env_option, project_root
from hypnos_pipeline.commands.plain import PlainCommand

if TYPE_CHECKING:
    from hypnos_pipeline.checks.findings import Finding

LABELS = {"ok": ("ok", "green"), "warning": ("warn", "yellow"), "error": ("fail", "red")}
"""How the first column shows each status."""


@click.command(cls=PlainCommand)
@env_option
@click.option(
    "--json", "json_", is_flag=True, help="For other programs: a list of status, where, what and fix."
)
def doctor(env: str, json_: bool) -> None:
    """Checks whether this machine, its libraries and its files are fit for a study.

    Nothing is changed and no network is used. Exit status 1 if there is an error; warnings alone give 0.
    """
    root = project_root()
    from hypnos_pipeline.checks.doctor import examine
    from hypnos_pipeline.checks.findings import as_json, status

    findings = examine(root, env)
    click.echo(as_json(findings) if json_ else _as_text(findings, env))
    if any(status(each) == "error" for each in findings):
        raise SystemExit(1)


def _as_text(findings: list[Finding], env: str) -> str:
    """Returns the lines, aligned, with a verdict below; in colours, which ``click.echo`` drops in a pipe."""
    from hypnos_pipeline.checks.findings import rows, verdict

    shown = rows(findings)
    width = max(len(where) for _, where, _ in shown)
    lines: list[str] = []
    for status, where, text in shown:
        label, colour = LABELS[status]
        lines.append("  ".join([click.style(label.ljust(4), fg=colour), where.ljust(width), text]))
    return "\n".join([*lines, "", verdict(findings, env)])
