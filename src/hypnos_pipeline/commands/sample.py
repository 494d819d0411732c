"""``kedro sample``: a finished study's images of one's own prompt."""

from __future__ import annotations

from pathlib import Path

import click

from hypnos_pipeline.commands.options import env_option, project_root
from hypnos_pipeline.commands.plain import PlainCommand


@click.command(cls=PlainCommand)
@click.option("--subject", "-s", required=True, help="A subject of the study.")
@click.option("--method", "-m", required=True, help="A method of the study, e.g. hypnos.")
@click.option("--prompt", "-p", required=True, help="What to sample; {subject} stands for the subject.")
@click.option("--n", "n", type=click.IntRange(1, 1000), default=4, show_default=True, help="Images.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The same gives the same images."
)
@env_option
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the images, outside the pipeline's own (default: own_samples/ beside its samples).",
)
def sample(subject: str, method: str, prompt: str, n: int, seed: int, env: str, output: Path | None) -> None:
    """Samples a finished study's method with your own prompt: images and a grid."""
    root = project_root()
    from hypnos_pipeline.running.own_samples import Request, sample_request
    from hypnos_pipeline.running.showing import shown

    request = Request(env, subject, method, prompt, n, seed)
    with shown():
        folder, warnings = sample_request(root, request, output)
    for warning in warnings:
        click.secho(warning, fg="yellow", err=True)
    click.echo(f"{folder / 'grid.png'}\n{n} image{'s' if n > 1 else ''}, each beside it")
