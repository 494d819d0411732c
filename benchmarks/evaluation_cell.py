"""One method's whole evaluation against the libraries that its metrics come from, pair by pair.

Both compute every metric of the study over the same images with the same networks (for LPIPS AlexNet with
random weights, because that package cannot take ours), and the means must agree. ``pair_by_pair`` gives each
pair to the library, as its documentation shows. ``remembering`` embeds each image once, but one at a time.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from benchmarks import miniature
from benchmarks.cell import IMAGES_A_PROMPT_SET, PROMPT_SETS, Cell, Scores, make_cell
from benchmarks.program import Build, Pair, run_contest
from benchmarks.reference_metrics import Reference
from hypnos_pipeline.metrics.evaluate import evaluate_samples

TOLERANCE = 1e-3
OTHER_ESTIMATORS = ("kid",)
"""clean-fid averages random subsets where ours takes one unbiased estimate."""
PAIRS = (
    Pair("our evaluation : the libraries, pair by pair", "ours", "pair_by_pair", goal=0.20),
    Pair("our evaluation : the libraries, each image embedded once", "ours", "remembering"),
)


def our_scores(cell: Cell) -> Scores:
    """Returns the means of our evaluation."""
    _, scores = evaluate_samples(
        cell.samples,
        cell.photos,
        cell.networks,
        metrics=cell.metrics,
        batch=miniature.study().evaluation.batch,
        subject="subject",
        method="method",
        model=cell.model,
        cut_outs=cell.cut_outs,
    )
    means = scores[["prompt_set", "metric", "mean"]].itertuples(index=False)
    return {(prompt_set, metric): mean for prompt_set, metric, mean in means}


def disagreements(ours: Scores, theirs: Scores) -> list[str]:
    """Says where two evaluations differ, among the metrics that are the same estimator in both."""
    problems = [f"{key} is in one only" for key in sorted(ours.keys() ^ theirs.keys())]
    for key in sorted(ours.keys() & theirs.keys()):
        if key[1] not in OTHER_ESTIMATORS and not np.isclose(ours[key], theirs[key], TOLERANCE, TOLERANCE):
            problems.append(f"{key}: {ours[key]:.6g}, the library's {theirs[key]:.6g}")
    return problems


def ours(settings: argparse.Namespace) -> Callable[[], int]:
    """Makes our evaluation ready."""
    cell = make_cell(settings)
    return lambda: len([our_scores(cell)])  # one unit of work


def pair_by_pair(settings: argparse.Namespace, remember: bool = False) -> Callable[[], int]:
    """Makes the libraries ready, after checking that their means are ours; ``remember`` embeds images once.

    Raises:
        ValueError: Naming the metrics whose means differ.
    """
    cell = make_cell(settings)
    if not settings.alone:
        problems = disagreements(our_scores(cell), Reference(cell, remember).scores())
        if problems:
            raise ValueError("not the same metrics:\n" + "\n".join(problems))
    return lambda: len([Reference(cell, remember).scores()])


CONTESTANTS: dict[str, Build] = {
    "ours": ours, "pair_by_pair": pair_by_pair, "remembering": partial(pair_by_pair, remember=True),
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratios."""
    images, edge = len(PROMPT_SETS) * IMAGES_A_PROMPT_SET, miniature.study().image_size
    setting = {"images": images, "photos": 4, "edge": edge}
    run_contest("Evaluation of one method", 5, CONTESTANTS, PAIRS, setting, arguments)


if __name__ == "__main__":
    main()
