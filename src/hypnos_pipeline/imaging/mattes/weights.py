"""The file of weights that a backend reads, from the folder that a study names in ``models.matting``."""

from __future__ import annotations

from pathlib import Path

from hypnos_pipeline.errors import Problem

NETWORKS = "networks of background removal"
"""Where a problem with a backend's network lies."""
_FIX = "put it there; options.file names another file, models.matting another folder or a source to fetch"


def missing_file(network: Path) -> list[Problem]:
    """Returns that a file of weights is missing, and which others are there; empty if it is not missing."""
    if network.is_file():
        return []
    others = sorted(file.name for file in network.parent.glob(f"*{network.suffix}"))
    there = f" (there: {', '.join(others)})" if others else ""
    return [Problem(NETWORKS, f"{network} is missing{there}", _FIX)]
