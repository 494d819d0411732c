"""Where to look after a run: what a person opens, of what the run made."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from kedro.io import CatalogProtocol

from hypnos_pipeline.configuration.messages import shown

FIRST = {
    "page": ("study_page",),
    "tables": ("table_1_md", "table_2_md"),
    "mattes": ("matte_sheet",),
}
"""What is opened after a whole study: the names of datasets without their namespaces."""
ALL = {
    "page": ("subject_page",),
    "mattes": ("matte_sheet",),
    "pool": ("pool_sheet",),
    "class prior": ("class_prior_sheet",),
    "attention": ("discriminator_attention",),
    "previews": ("preview_strip",),
    "samples": ("sample_sheet",),
}
"""What is opened after a part of one."""
SHOWN = 3
"""Files of one kind that are named; the others are counted."""


def where_to_look(written: Collection[str], catalog: CatalogProtocol[Any, Any]) -> list[str]:
    """Returns lines that name files.

    Args:
        written: Names of the datasets that the run wrote.
        catalog: Says where they are; what is not there is left out.
    """
    kinds = FIRST if "study_page" in written else ALL
    found = {label: _files(names, written, catalog) for label, names in kinds.items()}
    width = max((len(label) for label, files in found.items() if files), default=0)
    lines: list[str] = []
    for label, files in found.items():
        more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
        for number, file in enumerate(files[:SHOWN], 1):
            last = more if number == SHOWN else ""
            lines.append(f"  {label if number == 1 else '':{width}}  {shown(file)}{last}")
    return lines


def _files(
    names: Collection[str], written: Collection[str], catalog: CatalogProtocol[Any, Any]
) -> list[Path]:
    wanted = sorted(name for name in written if name.rpartition(".")[2] in names)
    paths = [Path(catalog[name]._describe()["filepath"]) for name in wanted]
    return [path for path in paths if path.exists()]
