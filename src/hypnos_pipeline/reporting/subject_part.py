"""What one subject gives to the pages, its own and the study's, as JSON.

Nothing but this and its scores leaves the subject for the study's page, which so need not read any method's
images itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.reporting.charts import curves, without_end
from hypnos_pipeline.reporting.comparison_grid import grid_columns
from hypnos_pipeline.reporting.pages import thumbnail

if TYPE_CHECKING:
    import pandas

    from hypnos_pipeline.imaging.image_set import ImageSet
    from hypnos_pipeline.reporting.captioned import CaptionedSection

SIDE = 224
"""Pixels of a picture's longer side, so that a study of a few subjects at 512 px fits on one page."""

LOSSES = {
    "loss": "Total (Eq. 1)",
    "loss_reconstruction": "Reconstruction (Eq. 2; MSE in baselines)",
    "loss_prior": "Prior preservation (Eq. 4)",
    "loss_perceptual": "Perceptual (Eq. 6)",
    "loss_discriminator": "Latent discriminator (Eq. 7)",
    "loss_discriminator_training": "The discriminator's own",
}


def photo_pictures(photos: ImageSet) -> list[dict[str, str]]:
    """Returns ``caption`` and ``source`` of each of the subject's working photos."""
    return [
        {"caption": f"photo {name}", "source": thumbnail(photos.images[name], SIDE)}
        for name in sorted(photos.images)
    ]


def same_prompts(samples: Mapping[str, ImageSet]) -> list[dict[str, Any]]:
    """Returns the first prompts of every prompt set with each method's image from the same noise.

    Args:
        samples: Printed method label to its images.

    Returns:
        Rows of ``prompt_set``, ``prompt`` and ``images`` (``method`` and ``source``; an image that a method
        lacks is left out).
    """
    return [
        {
            "prompt_set": column["prompt_set"],
            "prompt": column["prompt"],
            "images": [
                {"method": label, "source": thumbnail(images.images[column["name"]], SIDE)}
                for label, images in samples.items()
                if column["name"] in images.images
            ],
        }
        for block in grid_columns(samples)
        for column in block
    ]


def failure_pictures(sections: Iterable[CaptionedSection]) -> list[dict[str, Any]]:
    """Returns ``title``, ``text`` and ``images`` (``caption``, ``source``) of each section of failures."""
    return [
        {
            "title": section.title,
            "text": section.text,
            "images": [{"caption": text, "source": thumbnail(image, SIDE)} for image, text in section.images],
        }
        for section in sections
    ]


def loss_charts(subject: str, learning_curves: Sequence[pandas.DataFrame | None]) -> list[str]:
    """Returns an SVG of each loss that any training has.

    Args:
        subject: Its name, which tells the charts from those of others.
        learning_curves: Of each of the study's methods in printed order; None of one that is not trained.
    """
    charts = []
    steps = max((int(curve["step"].max()) for curve in learning_curves if curve is not None), default=0)
    for column, title in LOSSES.items():
        lines = {
            method: without_end(curve.set_index("step")[column].astype(float))
            for method, curve in enumerate(learning_curves)
            if curve is not None and column in curve.columns
        }
        if lines := {method: values for method, values in lines.items() if len(values)}:
            charts.append(curves(f"{subject} {column}", lines, steps, title))
    return charts
