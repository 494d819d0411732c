"""The paper's networks with random weights, made in two processes while the GPU has other work."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.program import ROOT

if TYPE_CHECKING:
    from benchmarks.gpu.bench import Bench


def run(bench: Bench) -> None:
    """Makes every network of the study that has random weights; the largest is begun first."""
    wanted = {name: each for name, each in bench.whole.models if each is not None and each.random}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        done = {
            name: pool.submit(make, ROOT / each.folder, each.random.architecture, each.random.seed)
            for name, each in wanted.items()
        }
        for each in done.values():
            each.result()


def make(folder: Path, architecture: str, seed: int) -> None:
    """Makes one network's folder."""
    from hypnos_pipeline.models.random.folder import MAKERS

    MAKERS[architecture](folder, seed)
