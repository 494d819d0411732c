"""``kedro dvc``: dvc.yaml filled in from the pipelines, or compared with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hypnos_pipeline.commands.options import project_root
from hypnos_pipeline.commands.plain import PlainGroup

if TYPE_CHECKING:
    from hypnos_pipeline.stages import Comparison, Conventions

HEADLINES = "headlines"
"""The dataset that ``dvc metrics`` shows; every mean is in ``metrics.json``, too many for a screen."""
FURTHER = "_further"
"""What the names of further trainings' stages end with."""
NETWORK = "models."
"""What the keys of single networks' parameters begin with."""


@click.group(cls=PlainGroup)
def dvc() -> None:
    """dvc.yaml, filled in from the pipelines or compared with them."""


@dvc.command()
def write() -> None:
    """Fills in what every stage runs, reads and writes.

    What a person wrote stays: stages and their order, what they iterate, comments, settings of plots. Exit
    status 1 if something remains that only a person can fix.
    """
    from hypnos_pipeline.storage.replacing import replaced_file

    compared, environments = _compared(None)
    with replaced_file(project_root() / "dvc.yaml") as partial:
        partial.write_text(compared.text, encoding="utf-8")
    _report(compared.problems, f"dvc.yaml is filled in from the pipelines of {environments}.")


@dvc.command()
@click.option("--env", "-e", default=None, help="Only this environment (default: every one with a study).")
def check(env: str | None) -> None:
    """Prints every difference between dvc.yaml and the pipelines.

    Exit status 1 if there is any.
    """
    compared, environments = _compared(env)
    differences = [f"{line}; run `kedro dvc write`" for line in compared.differences]
    _report(compared.problems + differences, f"dvc.yaml agrees with the pipelines of {environments}.")


@dvc.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def draw(file: Path) -> None:
    """Draws the stages of dvc.yaml as an SVG picture.

    Every stage stands once, whatever it iterates; those of further trainings, which are alike, are left out.
    """
    from hypnos_pipeline.stages.drawing import stages_svg
    from hypnos_pipeline.storage.replacing import replaced_file

    with replaced_file(file) as partial:
        partial.write_text(
            stages_svg((project_root() / "dvc.yaml").read_text(encoding="utf-8"), FURTHER), "utf-8"
        )
    click.echo(f"The stages of dvc.yaml are drawn in {file}.")


def conventions() -> Conventions:
    """Returns what this project decides about its stages."""
    from hypnos_pipeline.datasets import CurveDataset, PictureDataset, TensorsDataset
    from hypnos_pipeline.stages import Conventions

    def modules_of(dataset: Any) -> list[str]:
        holder = dataset._holder if isinstance(dataset, TensorsDataset) else None  # pyright: ignore[reportPrivateUsage]
        return [holder.rpartition(".")[0]] if holder else []

    def section(name: str, dataset: Any) -> str:
        shown = isinstance(dataset, (CurveDataset, PictureDataset))
        return "metrics" if name == HEADLINES else "plots" if shown else "outs"

    def uncached(dataset: Any) -> bool:
        metadata: dict[str, Any] = getattr(dataset, "metadata", None) or {}
        return metadata.get("dvc") == {"cache": False}

    return Conventions(
        parameter_file=lambda key: "conf/${env}/globals.yml" if key == "env" else "${study}",
        always=("requirements.lock",),
        without_effect=frozenset({"checkpoints"}),  # tests/end_to_end/test_resume.py
        files_of=lambda key: [f"${{{key}.folder}}"] if key.startswith(NETWORK) else [],
        modules_of=modules_of,
        section=section,
        uncached=uncached,
    )


def _compared(env: str | None) -> tuple[Comparison, str]:
    """Compares in this environment or in all that have a study; returns their names too."""
    from hypnos_pipeline.stages import FrameError, compare
    from hypnos_pipeline.study.environments import known, require

    root = project_root()
    if env:
        require(root, env)
    environments = [env] if env else known(root)
    try:
        return compare(root, environments, conventions()), ", ".join(environments)
    except FrameError as error:
        raise click.ClickException(str(error)) from error


def _report(lines: list[str], success: str) -> None:
    click.echo("\n".join(lines) or success)
    if lines:
        raise SystemExit(1)
