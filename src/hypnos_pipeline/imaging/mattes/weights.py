"""The file of weights that a backend reads, from the folder that a study names in ``models.matting``."""

from __future__ import annotations

from pathlib import Path


def missing_file(network: Path) -> list[str]:
    """Says that a file of weights is not there, what is, and the mend; empty if it is."""
    if network.is_file():
        return []
    others = sorted(file.name for file in network.parent.glob(f"*{network.suffix}"))
    there = f" (there: {', '.join(others)})" if others else ""
    mend = (
        "`kedro models fetch` gets what models.matting names; options.file names another file of the folder"
    )
    return [f"{network} is missing{there}; {mend}"]
