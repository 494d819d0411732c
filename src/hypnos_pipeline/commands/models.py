"""``kedro models``: the networks of a study, fetched once and verified ever after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hypnos_pipeline.commands.options import environment, project_root

if TYPE_CHECKING:
    from hypnos_pipeline.models.settings import ModelReference

_env = click.option("--env", "-e", default=None, help="The study's environment (default: as kedro run).")


@click.group()
def models() -> None:
    """The networks that a study reads: get them, list them."""


@models.command()
@_env
def fetch(env: str | None) -> None:
    """Gets every network of the study that is not here, and verifies the others."""
    root, env = project_root(), environment(env)
    references, lock_file = _study_models(root, env)
    from hypnos_pipeline.models.fetching.fetch import fetch_all

    faults = fetch_all(references, lock_file, click.echo)
    if faults:
        lines = [f"  models.{key}: {fault}" for key, fault in faults.items()]
        raise click.ClickException(
            "\n".join([f"{len(faults)} of {len(references)} networks are not here:", *lines])
        )
    click.echo(f"All {len(references)} networks of {env} are here.")


@models.command("list")
@_env
def list_models(env: str | None) -> None:
    """Lists the study's networks: what, which revision, whether it is here and verified, size and folder."""
    root, env = project_root(), environment(env)
    references, lock_file = _study_models(root, env)
    from hypnos_pipeline.models.lock import read_lock
    from hypnos_pipeline.models.status import model_status

    lock = read_lock(lock_file)
    rows, faults = [], []
    for key, reference in references.items():
        status = model_status(key, reference, lock, env)
        here = (
            "absent"
            if not status.present
            else {True: "verified", False: "faulty", None: "present"}[status.verified]
        )
        size = f"{status.bytes / 1e6:,.1f} MB" if status.bytes else "-"
        rows.append(
            (key, status.id, _pin(reference, status.pinned, lock.get(key)), here, size, status.folder)
        )
        faults += status.problems
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for fault in faults:
        click.secho(str(fault), fg="red", err=True)


def _pin(reference: ModelReference, pinned: bool, record: object) -> str:
    """Says in one word what fixes a network's content."""
    revision = reference.revision or getattr(record, "revision", None)
    if revision:
        return revision[:12]
    return "pinned" if pinned else "unpinned"


def _study_models(root: Path, env: str) -> tuple[dict[str, ModelReference], Path]:
    """Reads the networks of an environment's study.

    Raises:
        click.ClickException: If there is no such study, or one of its networks is named wrongly.
    """
    from hypnos_pipeline.study.environments import STUDY_FILE, absence
    from hypnos_pipeline.study.loading import loader_of, lock_file, read_parameters
    from hypnos_pipeline.study.model import Study, StudyError

    if problem := absence(root, env):
        raise click.ClickException(problem)
    loader = loader_of(root, env)
    parameters = read_parameters(loader)
    faults = [fault for fault in Study.faults(parameters) if fault.startswith("models")]
    if faults:
        raise StudyError({f"conf/{env}/{STUDY_FILE}": faults})
    from hypnos_pipeline.study.parts import SoundParts

    return SoundParts.of(Study, parameters).models, lock_file(loader)
