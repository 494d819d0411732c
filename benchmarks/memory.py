"""The peak memory of every stage at the paper's sizes, counted without a GPU.

    python -m benchmarks.memory            count, and print the table of docs/memory.md
    python -m benchmarks.memory --write    put it there, and record the counts, which the doctor reads

The counts take about ten minutes of processor time.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import yaml

from benchmarks.program import ROOT
from hypnos_pipeline.checks.peak_memory import stages, table
from hypnos_pipeline.checks.peak_memory.table import Counted
from hypnos_pipeline.checks.peak_memory.tensors import REST
from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.study.model import Study

PAGE = ROOT / "docs/memory.md"
PLACE = re.compile(r"(?<=<!-- counted -->\n).*?(?=<!-- end -->)", re.DOTALL)
UNET, BOTH, DECODER = ("unet",), ("unet", "decoder"), ("decoder",)
RECOMPUTED: dict[str, tuple[tuple[str, ...], ...]] = {
    "hypnos": (BOTH, DECODER, ()),
    "dreambooth": (UNET, ()),
    "textual_inversion": (UNET, ()),
}
LABELS = {"hypnos": "HYPNOS", "dreambooth": "DreamBooth", "textual_inversion": "Textual Inversion"}


def paper() -> Study:
    """Returns the paper's study."""
    return Study.model_validate(yaml.safe_load((ROOT / "conf/paper/parameters_study.yml").read_text()))


Case = tuple[Counted, Callable[[], stages.Moments]]
"""What is counted, without its moments, and what counts them."""


def trainings(study: Study, half: bool, batch: int) -> Iterator[Case]:
    """Returns every training to count.

    Args:
        study: Whose settings they have, but for these:
        half: Whether forward passes run in half precision.
        batch: Instance images, and as many of the class.
    """
    runtime = study.runtime if half else RuntimeSettings(precision="float32", frozen_vae="float32")
    for family, choices in RECOMPUTED.items():
        method = next(iter(getattr(study.methods, family).values()))
        for recomputed in choices:
            changed = _changed(method, recomputed, batch)
            images = batch if family == "textual_inversion" else 2 * batch
            row = Counted(family, recomputed, half, images, {})
            yield row, partial(stages.count_training, changed, runtime, study.image_size)


def _changed(method: Any, recomputed: tuple[str, ...], batch: int) -> Any:
    """Returns a method with other recomputation and batches."""
    unet = {"gradient_checkpointing": "unet" in recomputed}
    if not hasattr(method, "optimiser"):
        return method.model_copy(update={"batch": batch, **unet})
    changes: dict[str, Any] = {"instance_batch": batch, "class_batch": batch}
    changes["optimiser"] = method.optimiser.model_copy(update=unet)
    if hasattr(method, "perceptual"):
        decoder = {"gradient_checkpointing": "decoder" in recomputed}
        changes["perceptual"] = method.perceptual.model_copy(update=decoder)
    return method.model_copy(update=changes)


def others(study: Study) -> Iterator[Case]:
    """Returns every other stage to count."""
    runtime, size = study.runtime, study.image_size
    for half, batches in ((True, (1, 4, 8)), (False, (1, 4))):
        sampled = runtime if half else RuntimeSettings(precision="float32")
        for batch in batches:
            sampling = study.sampling.model_copy(update={"batch": batch})
            row = Counted(table.SAMPLING, (), half, batch, {})
            yield row, partial(stages.count_sampling, sampling, sampled, size)
    for batch in (4, study.evaluation.batch):
        evaluation = study.evaluation.model_copy(update={"batch": batch})
        row = Counted(table.EVALUATION, (), False, batch, {})
        yield row, partial(stages.count_evaluation, evaluation, size)
    yield Counted(table.ENCODING, (), False, 8, {}), partial(stages.count_encoding, size)
    row = Counted(table.PRETRAINING, (), False, study.discriminator.batch, {})
    yield row, partial(stages.count_pretraining, study.discriminator, size)


def cases(study: Study) -> Iterator[Case]:
    """Returns all that is counted."""
    yield from trainings(study, half=True, batch=1)
    yield from others(study)
    yield from trainings(study, half=True, batch=2)
    yield from trainings(study, half=False, batch=1)


def as_table(rows: Sequence[Counted]) -> str:
    """Draws the counts as Markdown, one line for each moment; half precision and the evaluation alone."""
    kinds = ("weights", "optimiser", "gradients", REST)
    lines = ["| stage | recomputed | images a batch | peak | moment | " + " | ".join(kinds) + " |"]
    lines.append("|---|---|---|---|---|" + "---|" * len(kinds))
    for row in rows:
        name, peak = LABELS.get(row.stage, row.stage), max(row.moments, key=lambda each: row.size(each))
        recomputed = ", ".join(row.recomputed) or "–"
        precision = "" if row.half or row.stage not in (*LABELS, table.SAMPLING) else ", float32"
        sizes = [f"{row.moments[peak].get(kind, 0) / 1e9:.2f}" for kind in kinds]
        cells = [name + precision, recomputed, str(row.images), f"**{row.peak / 1e9:.2f}**", peak, *sizes]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def record(rows: Sequence[Counted]) -> None:
    """Writes the counts for the doctor, and their table for the reader."""
    content = ",\n".join(json.dumps(asdict(row)) for row in rows)
    table.FILE.write_text(f"[\n{content}\n]\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(PLACE.sub(lambda _: as_table(rows), page), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Counts, prints, and records if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--write", action="store_true", help="record the counts, and put the table in the docs"
    )
    settings = parser.parse_args(arguments)
    study, rows = paper(), []
    for row, count in cases(study):
        row.moments.update(count())
        rows.append(row)
        print(as_table([row]).splitlines()[-1], flush=True)
    if settings.write:
        record(rows)


if __name__ == "__main__":
    main()
