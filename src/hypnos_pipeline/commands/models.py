"""``kedro models``: the networks of a study, fetched once and verified ever after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hypnos_pipeline.commands.options import env_option, project_root
from hypnos_pipeline.commands.plain import PlainGroup
from hypnos_pipeline.commands.tables import show_table
from hypnos_pipeline.errors import FetchError, StudyError, nearest

if TYPE_CHECKING:
    from hypnos_pipeline.models.settings import ModelReference


@click.group(cls=PlainGroup)
def models() -> None:
    """The networks that a study reads: get them, list them."""


@models.command()
@env_option
def fetch(env: str) -> None:
    """Gets every network of the study that is not here, and verifies the others."""
    references, lock = _study_models(project_root(), env)
    from hypnos_pipeline.models.fetching.fetch import fetch_all
    from hypnos_pipeline.running.showing import shown

    with shown():
        problems = fetch_all(references, lock, click.echo)
    if problems:
        lines = [f"  models.{key}: {problem}" for key, problem in problems.items()]
        lines.append(
            f"`kedro models adopt KEY PATH --env {env}` takes a network that was copied here by hand."
        )
        raise FetchError("\n".join([f"{len(problems)} of {len(references)} networks are not here:", *lines]))
    click.echo(f"All {len(references)} networks of {env} are here.")


@models.command()
@click.argument("key")
@click.argument("path", type=click.Path(path_type=Path))
@env_option
def adopt(key: str, path: Path, env: str) -> None:
    """Takes a network from a file or folder that was filled by hand, as if it had been fetched.

    KEY is the network's below `models`, PATH a copy of what its source publishes, or a folder that
    `kedro models fetch` filled elsewhere.
    """
    references, lock = _study_models(project_root(), env)
    from hypnos_pipeline.models.fetching.adoption import adopt as take

    if key not in references:
        raise FetchError(f"no network {key!r} in this study; {nearest(key, references)}")
    take(key, references[key], path, lock, click.echo)


@models.command("list")
@env_option
def list_models(env: str) -> None:
    """Lists the study's networks: source, version, whether it is here and verified, size and folder."""
    references, lock_file = _study_models(project_root(), env)
    from hypnos_pipeline.models.lock import read_lock
    from hypnos_pipeline.models.status import model_status

    lock = read_lock(lock_file)
    rows, problems = list[tuple[str, ...]](), list[str]()
    for key, reference in references.items():
        status = model_status(key, reference, lock)
        here = {True: "verified", False: "altered", None: "present"}[status.verified]
        size = f"{status.bytes / 1e6:,.1f} MB" if status.bytes else "-"
        pin = _pin(reference, status.pinned, lock.get(key))
        source = "local" if status.id == status.folder else _short_address(status.id)
        rows.append((key, source, pin, here if status.present else "absent", size, status.folder))
        problems += [f"models.{key}: {problem}" for problem in status.problems]
    show_table(("network", "source", "version", "files", "size", "folder"), rows, numbers=("size",))
    for problem in problems:
        click.secho(problem, fg="red", err=True)


def _short_address(source: str) -> str:
    """Returns a web address without what lies between host and file; another source as it is."""
    scheme, slashes, rest = source.partition("://")
    host, *folders = rest.split("/")
    return f"{scheme}{slashes}{host}/…/{folders[-1]}" if slashes and len(folders) > 1 else source


def _pin(reference: ModelReference, pinned: bool, record: object) -> str:
    """Says in one word what fixes a network's content."""
    revision = reference.revision or getattr(record, "revision", None)
    if revision:
        return revision[:12]
    return "pinned" if pinned else "unpinned"


def _study_models(root: Path, env: str) -> tuple[dict[str, ModelReference], Path]:
    """Reads the networks of an environment's study, and where its ``models.lock`` belongs.

    Raises:
        StudyError: If there is no such study, or one of its networks is named wrongly.
    """
    from hypnos_pipeline.checks.study_files import StudyFiles

    study = StudyFiles.read(root, env)
    if set(study.parts.models) != set(study.parameters.get("models", ())) or not study.catalog:
        raise StudyError(study.problems)
    return study.parts.models, study.lock_file
