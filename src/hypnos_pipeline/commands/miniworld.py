"""``kedro miniworld``: the embedded miniature models, promoted, and what a study learned with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hypnos_pipeline.commands.options import env_option
from hypnos_pipeline.commands.plain import PlainGroup
from hypnos_pipeline.commands.tables import show_table


@click.group(cls=PlainGroup)
def miniworld() -> None:
    """The embedded miniature models."""


@miniworld.command()
def promote() -> None:
    """Replaces the tracked models by those rebuilt by `kedro run --pipelines=miniworld`."""
    from hypnos_pipeline.miniworld.config import MiniworldConfig
    from hypnos_pipeline.miniworld.train.promote import promote as promote_models
    from hypnos_pipeline.study.loading import current_parameters

    config = MiniworldConfig.model_validate(current_parameters()["miniworld"])
    names = promote_models(Path(config.output) / "models", Path(config.promoted))
    click.echo(f"Replaced in {config.promoted}: {', '.join(names)}")


@miniworld.command()
@env_option
@click.option(
    "--subject", "-s", multiple=True, help="Only these subjects (default: all with unseen renders)."
)
@click.option("--json", "as_json", is_flag=True, help="Every figure, as one JSON object.")
def evaluate(env: str, subject: tuple[str, ...], as_json: bool) -> None:
    """Measures how well a finished study learned its subjects, by renders that no stage reads."""
    from kedro.framework.session import KedroSession

    root = Path.cwd()
    with (session := KedroSession.create(project_path=root, env=env)):
        context = session.load_context()
        measured = evaluate_study(root, context.catalog, context.params, subject)  # pyright: ignore[reportUnknownMemberType]
    if as_json:
        click.echo(json.dumps(measured, indent=1))
        return
    for name, figures in measured.items():
        show_learning(name, figures)


def show_learning(subject: str, measured: dict[str, Any]) -> None:
    """Prints what one subject's methods and discriminator learned, as ``evaluate_study`` measured it."""
    click.echo(
        f"{subject}: mean DINO of invariant samples; learned from {measured['bar']:.3f} on, halfway between "
        f"the class prior ({measured['prior']:.3f}) and the photos ({measured['leave_one_out']:.3f})"
    )
    rows = [
        (method, f"{found['photos']:.3f}", f"{found['unseen']:.3f}", "yes" if found["reaches"] else "no")
        for method, found in measured["methods"].items()
    ]
    numbers = ("to the photos", "to unseen renders")
    show_table(("method", *numbers, "learned"), rows, numbers)
    right = ", ".join(f"{kind} {share:.0%}" for kind, share in measured["discriminator"].items())
    click.echo(f"discriminator right on: {right}\n")


def evaluate_study(
    root: Path, catalog: Any, parameters: dict[str, Any], subjects: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Measures every subject that has unseen renders.

    Args:
        root: The project's folder.
        catalog: Kedro's, of an environment whose study has run.
        parameters: The environment's.
        subjects: Only these; all if empty.

    Returns:
        Per subject, what ``miniworld.learning`` measures.
    """
    from hypnos_pipeline.imaging.unseen import read_unseen
    from hypnos_pipeline.miniworld import learning
    from hypnos_pipeline.models.networks import load_vit
    from hypnos_pipeline.models.reference import locate
    from hypnos_pipeline.models.runtime import configure
    from hypnos_pipeline.models.text_to_image import load_text_to_image
    from hypnos_pipeline.study.model import Study

    study = Study.from_parameters(parameters)
    configure(study.runtime)
    encoder = load_vit(locate(study.models.dino))
    vae = load_text_to_image(locate(study.models.text_to_image)).vae
    measured: dict[str, Any] = {}
    for subject in subjects or tuple(study.subjects):
        if (truth := study.subjects[subject].unseen) is None:
            continue
        unseen = read_unseen(root / "data/01_raw/truth" / truth, study.image_size)

        def load(name: str, subject: str = subject) -> Any:
            return catalog.load(f"{subject}.{name}")

        samples = {method: load(f"{method}.samples") for _, method in study.entries()}
        measured[subject] = learning.measure_methods(
            encoder, load("class_prior"), load("working_photos"), unseen, samples
        )
        measured[subject]["discriminator"] = learning.measure_discriminator(
            load("discriminator_weights"), study.discriminator, load("latents"), vae, unseen, study.seed
        )
    return measured
