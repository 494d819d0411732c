"""Memory and disk against what the study needs, as far as that is known beforehand."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterable
from pathlib import Path

from hypnos_pipeline.checks.findings import Finding, Passed, warning
from hypnos_pipeline.checks.machine import computes_on_gpu
from hypnos_pipeline.checks.memory_settings import savings
from hypnos_pipeline.checks.needs import Need, disk_need, host_need, memory_need
from hypnos_pipeline.checks.sizes import NetworkSizes, absent_bytes
from hypnos_pipeline.checks.study_files import StudyFiles
from hypnos_pipeline.errors import Problem
from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.running.out_of_memory import shown_bytes
from hypnos_pipeline.storage.leftovers import size_of
from hypnos_pipeline.storage.made_once import PRIORS, entries
from hypnos_pipeline.study.parts import ValidParts

CACHE = Path(".dvc/cache")
SHARING = ("hardlink", "symlink")
"""Kinds of links that work on every disk; reflinks do on few, so they are not counted on."""


def memory_findings(parts: ValidParts, sizes: NetworkSizes) -> list[Finding]:
    """Compares memory with the largest need of any stage: the GPU's where one computes, and the machine's."""
    import psutil

    machine = psutil.virtual_memory()
    on_gpu = computes_on_gpu(parts.sections.get("runtime", RuntimeSettings()))
    need = memory_need(parts, sizes, on_gpu=on_gpu)
    if not on_gpu:
        return [_memory("memory", need, machine.total, machine.available, parts, sizes, on_gpu=False)]
    import torch

    free, total = torch.cuda.mem_get_info()
    return [
        _memory("GPU memory", need, total, free, parts, sizes, on_gpu=True),
        _memory("memory", host_need(sizes), machine.total, machine.available, None, sizes, on_gpu=False),
    ]


def _memory(
    name: str,
    need: Need,
    total: float,
    free: float,
    parts: ValidParts | None,
    sizes: NetworkSizes,
    *,
    on_gpu: bool,
) -> Finding:
    assumed = " of Stable Diffusion 1.5" if sizes.assumed else ""
    there = f"{shown_bytes(free)} of {shown_bytes(total)} free"
    text = f"{there}; {need.what}{assumed} needs about {shown_bytes(need.about)} (estimate)"
    if free >= need.about:
        return Passed(name, text)
    fix = "end other programs, or use a machine with more"
    if parts is not None and (less := savings(parts, need.reads, on_gpu)):
        fix = f"less with {', '.join(saving.change for saving in less)}; or {fix}"
    if total < need.least:
        return Problem(name, f"{text}, and at least {shown_bytes(need.least)}", fix)
    return warning(name, text, fix)


def disk_finding(study: StudyFiles, sizes: NetworkSizes, photos: int) -> Finding:
    """Compares the free disk with what is still to be written.

    Args:
        study: Where it lies, and its settings.
        sizes: Of its networks.
        photos: Raw photos of all subjects together.
    """
    import psutil

    root, parts = study.root, study.parts
    need = disk_need(parts, sizes, photos, study.checkpoints)
    written = sum(map(_bytes, [*root.glob(f"data/0[2-8]_*/{study.env}"), root / study.checkpoints.folder]))
    copies = 1 if links_to_cache(root) else 2
    absent = absent_bytes(parts, sizes)
    least, about = (max(copies * each - written, 0) + absent for each in (need.least, need.about))
    free = psutil.disk_usage(str(root)).free
    counted = [
        need.what,
        *([f"{shown_bytes(absent)} of networks"] if absent else []),
        "images and checkpoints",
        *(["DVC's copies"] if copies == 2 else []),
    ]
    there = f", less {shown_bytes(written)} that are there" if written else ""
    estimate = f"{shown_bytes(about)} (estimate: {', '.join(counted)}{there})"
    text = f"{shown_bytes(free)} free; needs about {estimate}"
    fix = "make room, or put the project on a larger disk"
    if free < least:
        return Problem("disk", text, fix)
    return Passed("disk", text) if free >= about else warning("disk", text, fix)


def priors_finding(root: Path) -> list[Finding]:
    """Says what class priors take that are kept for other subjects of their nouns, if there are any."""
    folder = root / PRIORS
    kept = entries(folder)
    if not kept:
        return []
    taken = f"{len(kept)} kept for subjects of the same nouns, {shown_bytes(sum(map(size_of, kept)))}"
    return [Passed(PRIORS.as_posix(), f"{taken}; removing the folder costs time, no result")]


def links_to_cache(root: Path) -> bool:
    """Says whether DVC's cache can share its files with the folders, as ``cache.type`` asks for."""
    settings: dict[str, str] = {}
    for name in ("config", "config.local"):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string((root / ".dvc" / name).read_text() if (root / ".dvc" / name).is_file() else "")
        settings |= dict(parser["cache"]) if parser.has_section("cache") else {}
    kinds = [kind.strip() for kind in settings.get("type", "reflink,copy").split(",")]
    folder = root / ".dvc" / settings["dir"] if "dir" in settings else root / CACHE
    while not folder.exists():
        folder = folder.parent
    return any(kind in SHARING for kind in kinds) and os.stat(folder).st_dev == os.stat(root).st_dev


def _bytes(folder: Path) -> int:
    files: Iterable[Path] = folder.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())
