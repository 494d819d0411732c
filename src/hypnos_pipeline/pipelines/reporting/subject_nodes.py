"""Nodes of reporting that work within one subject.

Kedro resolves the annotations of a node while pipelines are read; those that would import pandas there are
left to the docstrings.
"""

from __future__ import annotations

from collections import defaultdict

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.settings import AugmentationSettings
from hypnos_pipeline.pipelines.reporting.collected import (
    CHECK,
    CURVE,
    CURVES_FIGURE,
    CUT_OUTS,
    EVALUATION,
    PAIRS,
    PREVIEWS,
    SAMPLES,
    SHEET,
    TRAINING,
    by_label,
    by_training,
    comparisons_of,
    labelled_trainings,
    labels_of,
    own_prompt_sets,
    training_of,
)
from hypnos_pipeline.reporting.labels import subject_label

OF_TRAININGS = (CHECK, EVALUATION, TRAINING, CURVE)
"""What the subject's part of pages reads of all trainings; of the first one the samples and pairs too."""

SECTIONS = {
    "Background removal": ("subject_photos", "matte_sheet", "matte_report"),
    "Augmentation": ("pool_sheet",),
    "Class prior": ("class_prior_sheet", "class_prior_report"),
    "Latent discriminator": ("discriminator_attention", "discriminator_curve", "discriminator_report"),
    "Figures of the paper (5, 8 to 12, 7b)": (
        *("comparison_grid", "first_samples", "ablation_grid", "flagged_failures"),
        CURVES_FIGURE,
    ),
}
"""The stages on the subject's page: headings, and the datasets below each."""


def collect_subject_scores(**scores):
    """Joins one subject's scores, so that nothing outside its namespace reads many leaves.

    Args:
        scores: ``<method>_scores`` to a data frame, of all trainings.

    Returns:
        A data frame, see ``reporting.cells.join_scores``.
    """
    from hypnos_pipeline.reporting.cells import join_scores

    return join_scores(frame.assign(training=training_of(key)) for key, frame in scores.items())


def compare_backgrounds(methods: dict, seed: int, *, subject: str, **of_methods):
    """Takes intervals of one subject's metrics of requested colours, and of HYPNOS's lead over DreamBooth.

    Args:
        methods: The study's; the first entry of HYPNOS is compared with every DreamBooth.
        seed: The study's.
        subject: Its name.
        of_methods: ``<method>_pairs`` to a data frame, ``<method>_evaluation_report``.

    Returns:
        A data frame, see ``reporting.intervals.background_intervals``.
    """
    from hypnos_pipeline.randomness import numpy_generator
    from hypnos_pipeline.reporting.intervals import background_intervals

    names = [method.name for method in labels_of(methods)]
    sources = {source for name in names for source in of_methods[name + EVALUATION]["truth"].values()}
    return background_intervals(
        {name: of_methods[name + PAIRS] for name in names},
        comparisons_of(methods),
        ", ".join(sorted(sources)),
        numpy_generator(seed, f"reporting/backgrounds/{subject}"),
    )


def collect_image_values(methods: dict, **pairs):
    """Collects one subject's values of single images, of which intervals over trainings are made.

    Args:
        methods: The study's.
        pairs: ``<method>_pairs`` to a data frame, of all trainings.

    Returns:
        A data frame, see ``reporting.expectations.image_values``.
    """
    import pandas

    from hypnos_pipeline.reporting.expectations import image_values

    of_training: dict[int, dict] = defaultdict(dict)
    for method in labels_of(methods):
        for training, frame in by_training(method.name, pairs, PAIRS).items():
            of_training[training][method.name] = frame
    frames = [image_values(read, training) for training, read in of_training.items()]
    return pandas.concat(frames, ignore_index=True)


def gather_subject(
    working_photos: ImageSet,
    mattes: ImageSet,
    matte_report: list,
    true_mattes: ImageSet,
    true_foregrounds: ImageSet,
    methods: dict,
    seed: int,
    *,
    subject: str,
    **of_methods,
) -> dict:
    """Gathers what one subject gives to its own page and to the study's, as JSON.

    Args:
        working_photos: The subject's.
        mattes: Theirs.
        matte_report: A row for each photo's matte.
        true_mattes: Theirs, as far as they are known.
        true_foregrounds: Under these mattes.
        methods: The study's, for labels and order.
        seed: The study's.
        subject: Its name.
        of_methods: ``<method>_samples``, ``_pairs``, ``_sample_check``, ``_evaluation_report`` and, if
            trained, ``_training_report`` and ``_learning_curve``; of further trainings, whose health is
            looked at too, those without samples and pairs.
    """
    from hypnos_pipeline.imaging.constant_backgrounds import beside_base
    from hypnos_pipeline.metrics.foreground import CutOuts
    from hypnos_pipeline.randomness import numpy_generator
    from hypnos_pipeline.reporting import subject_part as part
    from hypnos_pipeline.reporting.drawers import worst_and_best
    from hypnos_pipeline.reporting.failures import flagged_failures
    from hypnos_pipeline.reporting.headline import HEADLINE
    from hypnos_pipeline.reporting.health import checks_of
    from hypnos_pipeline.reporting.intervals import paired_differences
    from hypnos_pipeline.reporting.origins import origins

    labelled = {kind: by_label(methods, of_methods, kind) for kind in (SAMPLES, PAIRS, CHECK)}
    names = [method.name for method in labels_of(methods)]
    samples, pairs = ({name: of_methods[name + kind] for name in names} for kind in (SAMPLES, PAIRS))
    base = next((method.label for method in labels_of(methods) if method.reference), None)
    of_all = {kind: labelled_trainings(methods, of_methods, kind) for kind in OF_TRAININGS}
    backgrounds = beside_base(of_all[CHECK], base)
    failures = flagged_failures(
        working_photos, mattes, matte_report, labelled[SAMPLES], labelled[CHECK], labelled[PAIRS]
    )
    measures = [(each.prompt_set, each.name) for each in HEADLINE if not each.metric.requested_colour]
    rng = numpy_generator(seed, f"reporting/differences/{subject}")
    return {
        "photos": part.photo_pictures(working_photos),
        "rows": part.same_prompts(labelled[SAMPLES]),
        "failures": part.failure_pictures(failures),
        "curves": part.loss_charts(subject, [of_methods.get(name + CURVE) for name in names]),
        "health": checks_of(matte_report, of_all[TRAINING], of_all[CURVE], backgrounds),
        "differences": paired_differences(pairs, comparisons_of(methods), measures, rng),
        "origins": origins([*of_all[TRAINING].values(), *of_all[EVALUATION].values()]),
        **worst_and_best(working_photos, CutOuts.of(true_mattes, true_foregrounds), samples, pairs),
    }


def write_subject_page(
    subject_figures: dict,
    subject_scores,
    subject_backgrounds,
    subject_image_values,
    methods: dict,
    prompt_sets: dict,
    augmentation: AugmentationSettings,
    seed: int,
    env: str,
    image_size: int,
    *,
    subject: str,
    **read,
) -> str:
    """Writes one subject's page: the study's page of this subject alone, and below it what each stage made.

    Args:
        subject_figures: The subject's part of pages.
        subject_scores: Of all its methods and trainings, a data frame.
        subject_backgrounds: Its intervals of requested colours, a data frame.
        subject_image_values: Its values of single images, a data frame.
        methods: The study's, for labels and order.
        prompt_sets: The study's.
        augmentation: Of the pool, whose prompts HYPNOS trains on.
        seed: The study's.
        env: The study's environment.
        image_size: Working size in pixels.
        subject: Its name.
        read: The datasets of ``SECTIONS`` (no learning curves if no method is trained);
            ``<method>_sample_sheet``, ``_cut_out_sheet``, ``_pairs``, ``_evaluation_report`` and, if trained,
            ``_preview_strip`` and ``_training_report``.
    """
    from hypnos_pipeline.reporting.cells import over_trainings
    from hypnos_pipeline.reporting.page import Page
    from hypnos_pipeline.reporting.stage_sections import matte_rows, spread, stage_sections, thinned_curve

    shown = read | {
        "matte_report": matte_rows(read["matte_report"]),
        "discriminator_curve": thinned_curve(read["discriminator_curve"]),
    }
    sections = [
        (heading, [shown[name] for name in names if name in shown]) for heading, names in SECTIONS.items()
    ]
    for method in labels_of(methods):
        of_method = [
            read[method.name + kind]
            for kind in (SHEET, CUT_OUTS, PREVIEWS, TRAINING)
            if method.name + kind in read
        ]
        evaluation = read[method.name + EVALUATION]
        evaluated = [spread(read[method.name + PAIRS])]
        if replicates := evaluation.get("replicates"):
            evaluated.append(replicates)
        sections.append((method.label, [*of_method, *evaluated]))
    return Page(
        title=subject_label(subject),
        env=env,
        image_size=image_size,
        cells=over_trainings(subject_scores),
        methods=labels_of(methods),
        parts={subject: subject_figures},
        backgrounds={subject: subject_backgrounds},
        values={subject: subject_image_values},
        comparisons=comparisons_of(methods),
        own_prompts=own_prompt_sets(prompt_sets, augmentation, seed),
        stages=stage_sections(sections),
        home="../../index.html",
    ).html()
