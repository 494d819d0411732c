"""The benchmark programs run at their smallest setting and print ratios; no test asks how large those are."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from math import isfinite
from pathlib import Path

import pytest
from benchmarks import (
    catalogue,
    diffusers_dreambooth,
    evaluation_cell,
    makespan,
    miniature,
    mutants,
    one_photo,
    peak_memory,
    registry_list,
    sampling_batches,
    training_steps,
    workers,
)
from benchmarks.measuring import Cost, compare, run_child, slope, take_turns
from benchmarks.program import as_markdown

IN_THIS_PROCESS = [training_steps, sampling_batches, evaluation_cell]
IN_CHILDREN = [registry_list, catalogue, peak_memory]


@pytest.fixture
def torch_left_as_it_was() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


def printed(program, capsys) -> dict:
    program.main(["--smallest", "--json"])
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("torch_left_as_it_was")
@pytest.mark.parametrize("program", IN_THIS_PROCESS, ids=lambda program: program.__name__)
def test_a_program_prints_every_ratio_it_promises(program, capsys) -> None:
    report = printed(program, capsys)
    assert [row["what"] for row in report["ratios"]] == [pair.what for pair in program.PAIRS]
    assert all(isfinite(row["value"]) and row["value"] > 0 for row in report["ratios"])
    assert report["threads"] == 1
    assert {"torch", "diffusers"} <= report["machine"]["libraries"].keys()
    assert all(row["what"] in as_markdown(report) for row in report["ratios"])


@pytest.mark.parametrize("program", IN_CHILDREN, ids=lambda program: program.__name__)
def test_a_program_of_child_processes_prints_a_ratio(program, capsys) -> None:
    (row,) = printed(program, capsys)["ratios"]
    # The project's own modules come on top of Kedro's, and torch, which would be the larger part, does not.
    assert 1 < row["value"] < 5


@pytest.mark.usefixtures("torch_left_as_it_was")
@pytest.mark.long
def test_more_workers_and_a_busy_process_are_compared(capsys) -> None:
    report = printed(workers, capsys)
    assert [row["what"] for row in report["ratios"]] == [what for what, *_ in workers.RATIOS]


@pytest.mark.long
def test_one_changed_photo_is_compared_with_the_whole_study(capsys) -> None:
    (row,) = printed(one_photo, capsys)["ratios"]
    assert isfinite(row["value"])
    assert row["value"] > 0


def test_a_simulated_run_gains_no_more_than_its_workers_nor_its_longest_path(capsys) -> None:
    makespan.main(["--smallest"])
    lines = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if "`" in line]
    assert len(lines) == len(makespan.ENVIRONMENTS) + 1
    for cells, counts in zip(lines, [makespan.WORKERS] * 4 + [makespan.GPUS], strict=True):
        *gains, most = map(float, cells[2:-1])
        assert gains == sorted(gains)
        assert all(1 <= gain <= min(count, most) for gain, count in zip(gains, counts, strict=True))


def test_our_half_of_the_comparison_with_diffusers_trains_from_photos_to_a_model(tmp_path: Path) -> None:
    from PIL import Image

    diffusers_dreambooth.prepare(tmp_path)
    sizes = [Image.open(file).size for file in sorted((tmp_path / "photos").iterdir())]
    assert sorted(max(size) for size in sizes) == list(diffusers_dreambooth.LONG_SIDES)
    assert len(list((tmp_path / "class").iterdir())) == miniature.study().class_prior.count
    diffusers_dreambooth.train_ours(tmp_path, steps=1, threads=1)
    assert (tmp_path / "ours_1/unet/diffusion_pytorch_model.safetensors").is_file()


def test_without_a_checkout_the_comparison_with_diffusers_says_what_it_needs(tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit):
        diffusers_dreambooth.main(["--diffusers", str(tmp_path)])
    assert "examples/dreambooth/train_dreambooth.py" in capsys.readouterr().err


def test_a_ratio_is_the_median_of_the_rounds_own() -> None:
    above = [Cost(cpu=2.0, wall=3.0), Cost(cpu=40.0, wall=60.0), Cost(cpu=9.0, wall=9.0)]
    below = [Cost(cpu=1.0, wall=1.0), Cost(cpu=10.0, wall=10.0), Cost(cpu=3.0, wall=3.0)]
    ratio = compare("a : b", above, below)
    assert (ratio.value, ratio.lowest, ratio.highest, ratio.wall) == (3.0, 2.0, 4.0, 3.0)


def test_start_up_falls_out_of_the_slope() -> None:
    step = slope(Cost(cpu=10.0 + 5 * 0.5, wall=20.0 + 5 * 1.0), Cost(cpu=10.0 + 25 * 0.5, wall=45.0), (5, 25))
    assert step == Cost(cpu=0.5, wall=1.0)


def test_contestants_take_turns_and_the_first_turns_do_not_count() -> None:
    turns: list[str] = []

    def contestant(name: str):
        return lambda: turns.append(name) or 2

    costs = take_turns({name: contestant(name) for name in "ab"}, rounds=2)
    assert turns == ["a", "b", "a", "b", "b", "a"]
    assert [len(each) for each in costs.values()] == [2, 2]


def test_a_childs_whole_cost_is_measured(tmp_path: Path) -> None:
    def child(code: str) -> Cost:
        return run_child([sys.executable, "-S", "-c", code], threads=1, cwd=tmp_path)

    small, large = child("pass"), child("held = bytes(range(256)) * 800_000; sum(held[:20_000_000])")
    assert compare("large : small", [large], [small], of="memory").value > 1
    assert large.peak >= 200_000_000
    assert large.cpu > small.cpu
    with pytest.raises(RuntimeError, match=r"exit code 1\n(?s:.)*no such thing"):
        child("raise SystemExit('no such thing')")


def test_mutants_are_drawn_by_seed_and_tried_in_a_copy(monkeypatch) -> None:
    module = "training/table_3.py"
    drawn = mutants.draw(40, 0, [module])
    assert [each.change for each in drawn] == [each.change for each in mutants.draw(40, 0, [module])]
    original = (mutants.ROOT / mutants.PACKAGE / module).read_text(encoding="utf-8")
    assert all(each.code != original and compile(each.code, module, "exec") for each in drawn)
    tried = []

    def passes(folder: Path, of: str) -> bool:
        tried.append((folder / mutants.PACKAGE.name / of).read_text(encoding="utf-8"))
        return tried[-1] in (original, drawn[1].code)

    monkeypatch.setattr(mutants, "passes", passes)
    assert list(mutants.survivors(drawn[:3], workers=1)) == [drawn[1]]
    assert tried == [original, *(each.code for each in drawn[:3])]
    assert (mutants.ROOT / mutants.PACKAGE / module).read_text(encoding="utf-8") == original
    assert all(
        (mutants.ROOT / "tests" / name).is_file() for names in mutants.TESTS.values() for name in names
    )
