"""Seconds a step of diffusers' own ``train_dreambooth.py``, at the study's batch, precision and optimiser."""

from __future__ import annotations

import os
import runpy
import sys
import time
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from benchmarks.diffusers_dreambooth import script_options
from benchmarks.gpu.steps import WARM, Turns
from benchmarks.program import ROOT
from benchmarks.subject import write_photos

if TYPE_CHECKING:
    from benchmarks.gpu.bench import Bench

PRECISIONS = {torch.bfloat16: "bf16", torch.float16: "fp16", torch.float32: "no"}


class Enough(BaseException):
    """Ends the script when it has made the steps that count: saving the model is not measured."""


def run(bench: Bench, script: Path) -> None:
    """Runs the script in this process and measures its steps, loading of photos included."""
    turns = Turns.of(bench)
    last = WARM + turns.rounds * turns.steps
    ends: list[float] = []

    def clock(*_: Any) -> None:
        bench.synchronise()
        ends.append(time.perf_counter())
        done = len(ends) - 1 - WARM
        if done > 0 and done % turns.steps == 0:
            marks = ends[WARM :: turns.steps]
            rounds = [(end - start) / turns.steps for start, end in pairwise(marks)]
            bench.add(what="step", of="train_dreambooth.py", seconds=rounds)
        if len(ends) > last:
            raise Enough

    hook = register_optimizer_step_post_hook(clock)
    with TemporaryDirectory() as folder:
        sys.argv = [str(script), *prepare(bench, Path(folder), last + 1)]
        _, peak = bench.measure(lambda: _to_the_end(script))
    hook.remove()
    bench.add_memory("train_dreambooth.py", {"step": peak})


def _to_the_end(script: Path) -> None:
    try:
        runpy.run_path(str(script), run_name="__main__")
    except Enough:
        return
    raise RuntimeError(f"{script} ended before the steps that were asked of it")


def prepare(bench: Bench, folder: Path, steps: int) -> list[str]:
    """Writes what the script reads; returns its options."""
    from hypnos_pipeline.models.runtime import precision
    from hypnos_pipeline.models.text_to_image import save_text_to_image

    write_photos(folder, bench.whole)
    if bench.small:  # its files are in half precision, and the script wants float32
        save_text_to_image(bench.model(), folder / "model")
        os.environ["ACCELERATE_USE_CPU"] = "true"
    else:
        (folder / "model").symlink_to((ROOT / bench.whole.models.text_to_image.folder).resolve())
    method = next(iter(bench.whole.methods.dreambooth.values()))
    options = script_options(bench.whole, method, folder, steps)
    options += ["--report_to", "tensorboard" if find_spec("tensorboard") else "all"]
    options += ["--set_grads_to_none", "--mixed_precision"]
    device = torch.device("cpu" if bench.small else "cuda")  # not as our pipelines configure it
    options += [PRECISIONS[precision(bench.runtime, device)]]
    options += ["--use_8bit_adam"] * (method.optimiser.kind == "adamw_8bit")
    recomputed = bench.runtime.recomputes("unet", method.optimiser.gradient_checkpointing)
    return options + ["--gradient_checkpointing"] * recomputed
