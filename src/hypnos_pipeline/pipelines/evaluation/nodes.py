"""Nodes of the pipeline ``evaluation``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.settings import EvaluationSettings
from hypnos_pipeline.models.settings import ModelReference, RuntimeSettings

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.prompt_encoder import PromptEncoder


# No return annotation: Kedro resolves all of a node's at runtime, where pandas is not imported.
def evaluate(
    samples: ImageSet,
    working_photos: ImageSet,
    true_mattes: ImageSet,
    true_foregrounds: ImageSet,
    unseen_photos: ImageSet,
    class_prior: ImageSet,
    evaluation: EvaluationSettings,
    runtime: RuntimeSettings,
    matting: ModelReference,
    finetuned: Path | None = None,
    *,
    subject: str,
    method: str,
    **networks,
):
    """Takes every metric of one subject and method over all its prompt sets.

    Args:
        samples: Generated images with prompts in their manifest.
        working_photos: The subject's photos at working size.
        true_mattes: Their mattes, as far as they are known; the manifest says where they come from.
        true_foregrounds: Their foregrounds under these mattes.
        unseen_photos: Views of the subject that nothing learns from; often none.
        class_prior: Images of the class, which show other places.
        evaluation: Which metrics, in which batches, and what cuts samples out.
        runtime: Device and threads.
        matting: The folder of the backends' networks.
        finetuned: Folder of the finetuned model; None for ``base``, where the base model stands for it.
        subject: Name for the scores.
        method: Name for the scores.
        networks: The base model, ``text_to_image``, and the metrics' networks by name.

    Returns:
        The data frames ``pairs`` and ``scores`` of the first replicate, see
        ``metrics.evaluate.evaluate_samples``, and a report of the networks, the truth and the machine that
        gave them, and of how far replicates' means lie apart; a sheet of the cut-outs.
    """
    from hypnos_pipeline.metrics.cut_out import OtherPlaces, cut_out_samples, cut_out_sheet
    from hypnos_pipeline.metrics.evaluate import evaluate_samples
    from hypnos_pipeline.metrics.features import load_metric_networks
    from hypnos_pipeline.metrics.foreground import CutOuts
    from hypnos_pipeline.metrics.replicates import replicate_spread, replicates_of
    from hypnos_pipeline.models.machine import describe_origin
    from hypnos_pipeline.models.runtime import configure

    device = configure(runtime, keep_networks=True)
    references = {name: ModelReference.model_validate(network) for name, network in networks.items()}
    model = None
    if "clip_t_paper" in evaluation.metrics:
        model = _finetuned_or_base(finetuned, references["text_to_image"], device)
    loaded = load_metric_networks(references, evaluation.metrics, device)
    cut_outs = CutOuts.of(true_mattes, true_foregrounds)
    cutting = evaluation.cut_out, Path(matting.folder)
    sample_mattes, other_places = cut_out_samples(samples, *cutting), OtherPlaces.of(class_prior, *cutting)
    (pairs, scores), *others = (
        evaluate_samples(
            replicate,
            working_photos,
            loaded,
            metrics=evaluation.metrics,
            batch=evaluation.batch,
            subject=subject,
            method=method,
            model=model,
            cut_outs=cut_outs,
            sample_mattes=sample_mattes,
            other_places=other_places,
            unseen=unseen_photos,
        )
        for replicate in replicates_of(samples)
    )
    spread = replicate_spread([scores, *(of_replicate for _, of_replicate in others)])
    truth = {row["name"]: row["source"] for row in true_mattes.manifest}
    report = describe_origin(references, runtime) | {"truth": truth}
    if evaluation.cut_out is not None:
        report["cut_out"] = evaluation.cut_out.model_dump()
    report |= {"replicates": spread} if others else {}
    return pairs, scores, report, cut_out_sheet(samples, sample_mattes)


def _finetuned_or_base(
    finetuned: Path | None, text_to_image: ModelReference, device: torch.device
) -> PromptEncoder:
    from hypnos_pipeline.models.finetuned import load_finetuned_prompts
    from hypnos_pipeline.models.prompt_encoder import load_prompt_encoder
    from hypnos_pipeline.models.reference import locate

    if finetuned is None:
        return load_prompt_encoder(locate(text_to_image), device)
    return load_finetuned_prompts(finetuned, text_to_image, device)
