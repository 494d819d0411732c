"""What many stages read is hashed once in a run, and again once it has changed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from dvc.output import Output

from tests.stages.toys import Toy

STAGES = {
    name: {"cmd": f"cat code.txt data/one.txt > {name}", "deps": ["code.txt", "data"], "outs": [name]}
    for name in ("a", "b", "c")
}


def counted(monkeypatch) -> Counter[str]:
    hashed: Counter[str] = Counter()
    take = Output._get_hash_meta

    def count(self: Output):
        hashed[Path(self.fs_path).name] += 1
        return take(self)

    monkeypatch.setattr(Output, "_get_hash_meta", count)
    return hashed


def test_a_file_and_a_folder_that_three_stages_read_are_hashed_once(tmp_path, monkeypatch):
    toy = Toy(tmp_path / "toy", STAGES, {"code.txt": "code", "data/one.txt": "1"})
    toy.side_by_side()
    hashed = counted(monkeypatch)
    assert len(toy.side_by_side().unchanged) == 3
    assert hashed == {"code.txt": 1, "data": 1, "a": 1, "b": 1, "c": 1}
    hashed.clear()
    toy.write("data/one.txt", "2")
    assert len(toy.side_by_side().finished) == 3


def test_what_a_stage_changes_is_hashed_again(tmp_path):
    """The second stage's folder is looked at before and after the first one has written into it."""
    stages = {
        "a": {"cmd": "mkdir -p made && cat code.txt > made/one", "deps": ["code.txt"], "outs": ["made"]},
        "b": {"cmd": "cat made/one > b", "deps": ["made"], "outs": ["b"]},
    }
    toy = Toy(tmp_path / "toy", stages, {"code.txt": "1"})
    toy.side_by_side()
    toy.write("code.txt", "2")
    assert sorted(toy.side_by_side().finished) == ["a", "b"]
    assert (toy.folder / "b").read_text() == "2"
