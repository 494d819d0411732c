"""``kedro findings``: the paper's claims, measured over several trainings whose records git keeps."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from hypnos_pipeline.commands.options import project_root
from hypnos_pipeline.commands.plain import PlainGroup
from hypnos_pipeline.findings import DEFAULT

if TYPE_CHECKING:
    from hypnos_pipeline.findings.record import Training
    from hypnos_pipeline.findings.state import FindingsStudy

env_option = click.option("--env", "-e", help=f"The environment of the claims (default: {DEFAULT}).")
sets_option = click.option("--set", "sets", multiple=True, help="Only this set of photos; may be repeated.")
methods_option = click.option("--method", "methods", multiple=True, help="Only this method; may be repeated.")


@click.group(cls=PlainGroup, invoke_without_command=True)
@env_option
@click.pass_context
def findings(context: click.Context, env: str | None) -> None:
    """The paper's claims, measured over several trainings of every method.

    Without a command: which records of trainings there are, which are stale or missing, and the time left.
    """
    context.obj = env or DEFAULT
    if context.invoked_subcommand is None:
        _show(_study(context.obj))


@findings.command()
@click.option("--workers", type=click.IntRange(min=1), help="Processes (default: one a core).")
@click.option("--minutes", type=click.FloatRange(min=0), help="Start nothing that would end later than this.")
@sets_option
@methods_option
@env_option
@click.pass_obj
def run(
    group_env: str,
    env: str | None,
    workers: int | None,
    minutes: float | None,
    sets: tuple[str, ...],
    methods: tuple[str, ...],
) -> None:
    """Makes the records that are missing or stale, the first trainings of all sets first.

    Each is kept as soon as it is there. After Ctrl-C or the given minutes the same command goes on from the
    records, on another machine too.
    """
    from hypnos_pipeline.findings.run import Run, missing

    study = _study(env or group_env)
    trainings = missing(study, study.trainings(sets, methods))
    if not trainings:
        click.echo(f"Every record is there and up to date. {study.command('write')} writes the findings.")
        return
    seconds = None if minutes is None else 60 * minutes
    made = Run(
        study, trainings, workers, seconds, lambda training: click.echo(f"Recorded: {training}", err=True)
    )
    stopped = False
    try:
        made.make()
    except KeyboardInterrupt:
        stopped = True
    left = len(trainings) - len(made.kept)
    click.echo(f"Records: {len(made.kept)} made, {left} left.")
    if left:
        click.echo("The same command goes on from here.")
    if stopped:
        raise SystemExit(130)


@findings.command()
@env_option
@click.pass_obj
def write(group_env: str, env: str | None) -> None:
    """Writes docs/findings.csv and docs/findings.md from the records.

    An environment without claims.yml, whose methods state what the paper expects of them, as mini_ablation's,
    has docs/ablation_findings.csv and docs/ablation_findings.md instead. A kind of photos waits until all its
    sets have two trainings of everything. Where none has, this says what is missing and changes nothing.
    """
    from hypnos_pipeline.findings.written import write_findings

    study = _study(env or group_env)
    click.echo("\n".join(f"Written: {file}" for file in write_findings(study)))
    _show(study)


def _study(env: str) -> FindingsStudy:
    from hypnos_pipeline.commands.dvc import conventions
    from hypnos_pipeline.findings.state import FindingsStudy
    from hypnos_pipeline.study.environments import require

    root = project_root()
    require(root, env)
    return FindingsStudy(root, env, conventions())


def _show(study: FindingsStudy) -> None:
    """Prints how it stands with the records: a line for each set and training that is not complete."""
    from hypnos_pipeline.findings.state import Kept
    from hypnos_pipeline.running import capacity
    from hypnos_pipeline.running.words import roughly

    trainings = study.trainings()
    standings = {training: study.standing(training) for training in trainings}
    counts = Counter(standing.kept for standing in standings.values())
    click.echo(
        ", ".join(f"{counts[kept]} {kept.value}" for kept in Kept) + f", of {len(trainings)} trainings."
    )
    lines: dict[tuple[str, int, str], list[str]] = {}
    for training, standing in standings.items():
        if standing.kept is not Kept.YES:
            why = f" ({', '.join(standing.changed)} changed)" if standing.changed else ""
            place = training.subject, training.number, f"{standing.kept.value}{why}"
            lines.setdefault(place, []).append(training.method)
    for (subject, number, what), methods in lines.items():
        all_of_them = len(methods) == len(study.study.entries())
        named = "all methods" if all_of_them else ", ".join(methods)
        click.echo(f"  {subject}, training {number}: {what}: {named}")
    left = [training for training, standing in standings.items() if standing.kept is not Kept.YES]
    if left:
        workers = capacity.cores()
        click.echo(
            f"About {roughly(_seconds(study, left) / workers)} with {workers} processes (an estimate)."
        )


def _seconds(study: FindingsStudy, left: list[Training]) -> float:
    return sum(study.seconds(study.upstream.works(left)).values())
