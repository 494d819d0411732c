"""``kedro repro``: what ``dvc repro`` does, on all cores."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hypnos_pipeline.commands.options import project_root
from hypnos_pipeline.commands.plain import PlainCommand

if TYPE_CHECKING:
    from hypnos_pipeline.stages.plan import Plan
    from hypnos_pipeline.stages.reproduction import Failure, Outcome

TAIL = 8
"""Lines of a failed stage's log that are shown."""


@click.command(cls=PlainCommand)
@click.argument("targets", nargs=-1)
@click.option("--force", "-f", is_flag=True, help="Run what has not changed, too.")
@click.option("--single-item", "-s", is_flag=True, help="Only the targets, not what they depend on.")
@click.option("--downstream", is_flag=True, help="The targets and what depends on them.")
@click.option("--no-run-cache", is_flag=True, help="Run what ran before with the same inputs, too.")
@click.option("--dry", is_flag=True, help="Only list what would run.")
@click.option("--workers", type=click.IntRange(min=1), help="Stages side by side (default: all cores).")
def repro(
    targets: tuple[str, ...],
    force: bool,
    single_item: bool,
    downstream: bool,
    no_run_cache: bool,
    dry: bool,
    workers: int | None,
) -> None:
    """Brings the stages of dvc.yaml up to date, as `dvc repro` does, but side by side.

    TARGETS are names of stages; without any, all are meant. A stage runs if something that it reads has
    changed. If it ran before with the same inputs, its results come from DVC's cache. Where one fails, those
    that do not depend on it still run. Each is recorded in dvc.lock as soon as it has ended.
    """
    from dvc.exceptions import DvcException  # pyright: ignore[reportMissingTypeStubs]
    from dvc.lock import LockError  # pyright: ignore[reportMissingTypeStubs]

    from hypnos_pipeline.errors import Busy
    from hypnos_pipeline.stages.locks import locked_repo
    from hypnos_pipeline.stages.plan import Plan

    root = project_root()
    try:
        with locked_repo(root) as repo:
            plan = Plan.of(repo, targets, single_item=single_item, downstream=downstream)
            if dry:
                click.echo(_listed(plan, force))
                return
            from hypnos_pipeline.commands.repro_workers import StudyStages
            from hypnos_pipeline.stages.reproduction import reproduce

            stages = StudyStages(root, plan, workers)
            with _alone(root, plan):
                outcome = reproduce(repo, plan, stages.ways(force=force, run_cache=not no_run_cache))
    except LockError as error:
        raise Busy(
            "Nothing was run: another process of DVC's is at work here. Wait until it has ended, then run the"
            " same command again."
        ) from error
    except DvcException as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("Stopped. What has finished is recorded; `kedro repro` goes on from there.", err=True)
        raise SystemExit(130) from None
    _report(outcome, stages.where_to_look())


@contextmanager
def _alone(root: Path, plan: Plan) -> Generator[None]:
    """Keeps other `kedro repro` away from the plan's stages: DVC's own lock is let go of while stages run.

    Raises:
        Busy: If another one is at work on some of them.
    """
    from hypnos_pipeline.running.run_lock import FOLDER, RunLock

    lock = RunLock(root / FOLDER / "repro", set(), {stage.addressing for stage in plan.order})
    try:
        yield
    finally:
        lock.release()


def _listed(plan: Plan, force: bool) -> str:
    changed, depending = (plan.order, []) if force else plan.stale()
    if not changed:
        return "Everything is up to date."
    lines = ["These stages have changed:", *(f"  {stage.addressing}" for stage in changed)]
    if depending:
        lines += ["These read their results, and run if those come out differently:"]
        lines += [f"  {stage.addressing}" for stage in depending]
    return "\n".join(lines)


def _report(outcome: Outcome, where_to_look: Sequence[str]) -> None:
    """Prints what came of it, and lines that name what was made.

    Raises:
        StagesFailed: If a stage failed.
    """
    counts = [
        (len(outcome.finished), "ran"),
        (len(outcome.restored), "restored from DVC's cache"),
        (len(outcome.unchanged), "up to date"),
        (len(outcome.skipped), "not run"),
    ]
    summary = ", ".join(f"{count} {what}" for count, what in counts if count)
    if not outcome.failed:
        up_to_date = not (outcome.finished or outcome.restored)
        click.echo("Everything is up to date." if up_to_date else f"Stages: {summary}.")
        click.echo("\n".join(where_to_look), nl=bool(where_to_look))
        return
    from hypnos_pipeline.errors import StagesFailed

    count = len(outcome.failed)
    said: dict[str, list[Failure]] = {}
    for failure in outcome.failed:
        said.setdefault(_reason(failure), []).append(failure)
    lines = [f"{count} stage{'s' * (count > 1)} failed" + (f"; {summary}." if summary else ".")]
    for reason, failures in said.items():
        lines += [
            ", ".join(failure.stage for failure in failures),
            *(f"  {line}" for line in reason.splitlines()),
        ]
        lines += [f"  log: {failure.log}" for failure in failures if failure.log]
    raise StagesFailed("\n".join([*lines, "Then run `kedro repro` again: it goes on from here."]))


def _reason(failure: Failure) -> str:
    """Returns why a stage failed, with what its command printed last."""
    if failure.log is None or not failure.log.is_file():
        return failure.why
    printed = failure.log.read_text(encoding="utf-8", errors="replace").splitlines()
    last = next((number for number, line in enumerate(printed) if line.startswith("Error: ")), -TAIL)
    return "\n".join([failure.why, *printed[last:]])
