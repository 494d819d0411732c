"""A page's bytes are its content's alone; the commit stands beside it and names the page it was made with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from hypnos_pipeline.datasets import PageDataset
from hypnos_pipeline.datasets.page import NOTE, OWN_DIGEST

PAGE = f'<p id="made" data-page="{OWN_DIGEST}">'


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(
        ["git", "-C", folder, *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def saved(folder: Path, page: str = PAGE) -> tuple[str, dict[str, str]]:
    dataset = PageDataset(filepath=str(folder / "index.html"))
    dataset.save(page)
    note = (folder / NOTE).read_text()
    return dataset.load(), json.loads(note.removeprefix("made(").removesuffix(");\n"))


def test_a_commit_changes_the_note_and_not_the_page(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "code").write_text("1")
    git(tmp_path, "add", "code")
    git(tmp_path, "commit", "-qm", "one")
    first, note = saved(tmp_path)
    assert note == {"page": note["page"], "text": git(tmp_path, "rev-parse", "--short=10", "HEAD")}
    assert f'data-page="{note["page"]}"' in first

    (tmp_path / "code").write_text("2")
    second, changed = saved(tmp_path)
    assert second == first
    assert changed == {"page": note["page"], "text": f"{note['text']}, with changes since"}


def test_another_page_has_another_note_and_without_git_it_says_so(tmp_path):
    (_, one), (_, other) = saved(tmp_path), saved(tmp_path, PAGE + "more")
    assert one["page"] != other["page"]
    assert one["text"] == "not in git"
