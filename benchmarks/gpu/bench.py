"""``conf/paper``'s study on one device, with networks of random weights and a tracked subject."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import subject
from benchmarks.program import ROOT
from hypnos_pipeline.study.model import STUDY_FILE, Study

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.imaging.image_set import ImageSet
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.latents import LatentCache

PAPER, RANDOM, SMALL = "paper", "rehearsal", "mini"
"""Environments: the study; its architectures with random weights; the networks that ``--small`` takes."""
SMALL_EDGE = 64


def make_study(folder: Path, small: bool) -> Study:
    """Returns ``conf/paper``'s study with networks that can be had without network.

    Args:
        folder: Where networks with random weights are made.
        small: The embedded miniature networks and few steps instead, for the CPU.
    """
    whole = _parameters(PAPER)
    models = _parameters(SMALL if small else RANDOM)["models"]
    if not small:
        models = {key: each | {"folder": str(folder / key)} for key, each in models.items()}
    whole["models"] |= models
    if small:
        _shrink(whole)
    return Study.from_parameters(whole)


def _parameters(env: str) -> dict[str, Any]:
    import yaml

    return yaml.safe_load((ROOT / "conf" / env / STUDY_FILE).read_text(encoding="utf-8"))


def _shrink(whole: dict[str, Any]) -> None:
    """Leaves the study's precision, optimiser and terms as they are, and takes few small pictures."""
    whole["image_size"] = SMALL_EDGE
    whole["runtime"] |= {"device": "cpu", "threads": int(os.environ.get("OMP_NUM_THREADS", "1"))}
    whole["augmentation"] |= {"recoloured": 1, "resized": 1, "altered": 1}
    whole["class_prior"]["count"] = 4
    whole["sampling"]["steps"] = 2
    for family in whole["methods"].values():
        for method in family.values():
            if "previews" in method:
                method["previews"] = method["previews"] | {"steps": 2}
    # Its tokenizer knows the words of its own prompts.
    whole["prompt_sets"] = _parameters(SMALL)["prompt_sets"]
    for prompt_set in whole["prompt_sets"].values():
        prompt_set["images"] = 6


class Bench:
    """One device, and everything that the sections' contestants start from.

    Args:
        networks: Where the random networks lie.
        small: See :func:`make_study`.
        report: File to which rows are added, one JSON object a line, as they are measured.
    """

    def __init__(self, networks: Path, small: bool, report: Path) -> None:
        self.whole, self.small, self.report = make_study(networks, small), small, report
        self.runtime = self.whole.runtime

    @cached_property
    def device(self) -> torch.device:
        """Where to compute; this process is configured as the pipelines' are when it is first asked for."""
        from hypnos_pipeline.models.runtime import configure

        return configure(self.runtime)

    def add(self, **row: Any) -> None:
        """Adds one measurement to the report."""
        with self.report.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    @cached_property
    def sections(self) -> dict[str, ImageSet]:
        """The subject's pool, altered images and class prior, in the study's numbers."""
        return subject.sections(self.whole)

    @cached_property
    def latents(self) -> LatentCache:
        """Their posteriors, encoded once."""
        from hypnos_pipeline.training.latents import LatentCache

        vae, made = self.model().vae, []
        seconds, peak = self.measure(lambda: made.append(LatentCache.encode(vae, self.sections)))
        count = sum(len(each.images) for each in self.sections.values())
        self.add(what="encode", seconds=seconds / count)
        self.add_memory("encoding", {"encoding": peak}, images=8, half=False)
        return made[0]

    def add_memory(
        self,
        stage: str,
        moments: dict[str, int],
        kinds: dict[str, int] | None = None,
        *,
        images: int = 0,
        half: bool = True,
        recomputed: Sequence[str] = (),
    ) -> None:
        """Adds the peaks of a stage's moments to the report, and what was counted of them on fake tensors.

        Args:
            stage: As in the counts (``checks.peak_memory.table``).
            moments: Moment to bytes; where it has been counted it has the count's name.
            kinds: What a training holds between steps, by kind.
            images: In a batch.
            half: Whether forward passes run in half precision.
            recomputed: Networks whose activations are recomputed.
        """
        counted: dict[str, dict[str, int]] = {}
        if not self.small:
            from hypnos_pipeline.checks.peak_memory import table

            wanted = (stage, tuple(recomputed), half, images)
            for each in table.read():
                if (each.stage, each.recomputed, each.half, each.images) == wanted:
                    counted = each.moments
        self.add(what="memory", of=stage, moments=moments, kinds=kinds or {}, counted=counted)

    def model(self) -> TextToImage:
        """Returns a fresh text-to-image model on the device."""
        from hypnos_pipeline.models.text_to_image import load_text_to_image

        return load_text_to_image(ROOT / self.whole.models.text_to_image.folder, self.device)

    def synchronise(self) -> None:
        """Waits until the GPU has done what it was given."""
        import torch

        if not self.small:
            torch.cuda.synchronize()

    def seconds(self, work: Callable[[], Any]) -> float:
        """Returns the seconds of some work, which the GPU then has done."""
        self.synchronise()
        begun = time.perf_counter()
        work()
        self.synchronise()
        return time.perf_counter() - begun

    def measure(self, work: Callable[[], Any]) -> tuple[float, int]:
        """Returns the seconds of some work, and the most bytes that tensors took; 0 with ``--small``."""
        import torch

        if self.small:
            return self.seconds(work), 0
        torch.cuda.reset_peak_memory_stats()
        return self.seconds(work), torch.cuda.max_memory_allocated()

    def release(self) -> None:
        """Gives back what is no longer needed, before the next contestant is built."""
        import gc

        import torch

        gc.collect()
        torch.cuda.empty_cache()  # does nothing where CUDA was never used


def size_of(tensors: Iterable[torch.Tensor]) -> int:
    """Returns the bytes of tensors."""
    return sum(each.numel() * each.element_size() for each in tensors)
