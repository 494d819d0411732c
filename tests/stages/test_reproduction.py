"""Stages side by side give the record, caches and artefacts that ``dvc repro`` gives one after the other."""

from __future__ import annotations

import pytest

from tests.stages.toys import random_project


@pytest.mark.parametrize("seed", range(6))
def test_the_record_and_the_caches_are_those_of_dvc_repro(seed, tmp_path):
    """Made at first, after each of several changes, after taking one back, and with nothing to do."""
    theirs = random_project(seed, tmp_path / "theirs")
    ours = theirs.copied(tmp_path / "ours")
    for name, text in [
        ("params.yaml", "x: 1\ny: {z: 2}\n"),
        ("data/a.txt", "another a\nof two lines\n"),
        ("params.yaml", "x: 3\ny: {z: 2}\n"),
        ("data/a.txt", f"a of {seed}\n"),
        ("data/a.txt", f"a of {seed}\n"),
    ]:
        for project in (theirs, ours):
            project.write(name, text)
        theirs.by_dvc()
        outcome = ours.side_by_side()
        assert outcome.failed == []
        assert ours.contents() == theirs.contents()
    assert (outcome.finished, outcome.restored) == ([], [])
