"""An HTML page, with a note beside it of the commit that it was made at."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

from kedro_datasets._typing import HTMLPreview

from hypnos_pipeline.datasets.folder import PathDataset
from hypnos_pipeline.datasets.previews import page_preview
from hypnos_pipeline.storage.replacing import replaced_file

OWN_DIGEST = "@page@"
"""Stands in a page for the digest of all else in it, by which the page knows its note."""
NOTE = "made.js"


class PageDataset(PathDataset):
    """A page whose bytes depend on what it shows alone.

    The commit is no part of the page: the same artefacts would else give other bytes at every commit, and
    ``dvc.lock`` would change with them. So it stands in ``made.js`` beside the page, which is no artefact and
    which the page's script shows where it was written with this very page.
    """

    def load(self) -> str:
        """Returns the page."""
        return self._filepath.read_text(encoding="utf-8")

    def save(self, data: str) -> None:
        """Replaces the page, then its note."""
        digest = hashlib.sha256(data.encode()).hexdigest()[:16]
        with replaced_file(self._filepath) as unfinished:
            unfinished.write_text(data.replace(OWN_DIGEST, digest), encoding="utf-8")
        with replaced_file(self._filepath.with_name(NOTE)) as unfinished:
            note = json.dumps({"page": digest, "text": commit_text(self._filepath.parent)})
            unfinished.write_text(f"made({note});\n", encoding="utf-8")

    def preview(self) -> HTMLPreview:
        """Returns the page as kedro-viz shows it."""
        return page_preview(self._filepath)


def commit_text(folder: Path) -> str:
    """Returns the commit that is checked out in a folder, and whether tracked files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        commit, changed = git("rev-parse", "--short=10", "HEAD"), git("status", "--porcelain", "-uno")
    except (OSError, subprocess.SubprocessError):
        return "not in git"
    return f"{commit}, with changes since" if changed else commit
