"""Nodes of reporting that draw one subject's figures, each under the paper's number of its own."""

from __future__ import annotations

from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.pipelines.reporting.collected import CHECK, CURVE, PAIRS, SAMPLES, by_label
from hypnos_pipeline.reporting.labels import subject_label
from hypnos_pipeline.training.settings import Methods


def compare_methods(
    working_photos: ImageSet, methods: dict, *, subject: str, **samples: ImageSet
) -> tuple[Image.Image, Image.Image]:
    """Draws one subject's photos above every method's images of the same prompts.

    Args:
        working_photos: The subject's.
        methods: The study's, for labels and order.
        subject: Its name.
        samples: ``<method>_samples`` to the method's images.

    Returns:
        Some prompts of every set (Fig. 5), and the first seeds in order, none chosen (Figs. 9 to 11).
    """
    from hypnos_pipeline.reporting.comparison_grid import COMPARED, UNCURATED, comparison_grid

    labelled, title = by_label(methods, samples, SAMPLES), subject_label(subject)
    first = comparison_grid(working_photos, labelled, f"{title}: the first seeds in order", UNCURATED)
    return comparison_grid(working_photos, labelled, title, COMPARED), first


def draw_ablation_grid(
    working_photos: ImageSet, methods: dict, *, subject: str, **samples: ImageSet
) -> Image.Image:
    """Draws HYPNOS and its ablations on the same prompts and noise (Fig. 12); without ablations, a notice.

    Args:
        working_photos: The subject's.
        methods: The study's; every entry of HYPNOS behind the first is an ablation.
        subject: Its name.
        samples: ``<method>_samples`` to the method's images.
    """
    from hypnos_pipeline.reporting.comparison_grid import ABLATED, comparison_grid
    from hypnos_pipeline.reporting.lettering import notice

    entries = Methods.model_validate(methods).hypnos
    title = f"{subject_label(subject)}: HYPNOS and its ablations"
    if len(entries) < 2:
        return notice(title, "This study has no ablations: HYPNOS has no second entry.")
    labelled = by_label(methods, {name + SAMPLES: samples[name + SAMPLES] for name in entries}, SAMPLES)
    return comparison_grid(working_photos, labelled, title, ABLATED)


def draw_flagged_failures(
    working_photos: ImageSet,
    mattes: ImageSet,
    matte_report: list,
    methods: dict,
    *,
    subject: str,
    **of_methods,
) -> Image.Image:
    """Draws what the study's own checks flag, each with its reason (Fig. 8).

    Args:
        working_photos: The subject's.
        mattes: Theirs.
        matte_report: A row for each photo's matte.
        methods: The study's, for labels and order.
        subject: Its name.
        of_methods: ``<method>_samples``, ``_sample_check`` and ``_pairs``.
    """
    from hypnos_pipeline.reporting.captioned import captioned_sheet
    from hypnos_pipeline.reporting.failures import flagged_failures

    samples, checks, pairs = (by_label(methods, of_methods, kind) for kind in (SAMPLES, CHECK, PAIRS))
    title = f"{subject_label(subject)}: flagged failures"
    sections = flagged_failures(working_photos, mattes, matte_report, samples, checks, pairs)
    return captioned_sheet(title, sections)


def draw_photos(working_photos: ImageSet, *, subject: str) -> Image.Image:
    """Draws one subject's working photos in a row, for the picture of all subjects (Fig. 6)."""
    from hypnos_pipeline.imaging.sheets import contact_sheet

    names = sorted(working_photos.images)
    images = [working_photos.images[name] for name in names]
    return contact_sheet([images], [subject_label(subject)], names)


def draw_learning_curves(methods: dict, *, subject: str, **curves) -> Image.Image:
    """Draws one subject's learning curves (Fig. 7b); ``<method>_learning_curve`` to a data frame."""
    from hypnos_pipeline.reporting.figures import learning_curves

    return learning_curves(by_label(methods, curves, CURVE), subject_label(subject))
