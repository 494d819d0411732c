"""The GPU benchmark is tried without a GPU: every section on the miniature, and what a cut run leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
from benchmarks.gpu import __main__ as command
from benchmarks.gpu import bench, pack, section, theirs
from benchmarks.gpu.report import as_markdown
from benchmarks.program import ROOT


@pytest.mark.long
def test_every_section_runs_on_the_miniature(tmp_path: Path) -> None:
    options = ["--small", "--output", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "benchmarks.gpu", *options], cwd=ROOT, check=True)
    report = json.loads((tmp_path / "gpu.json").read_text())
    done = {name: end.partition(" ")[0] for name, end in report["sections"].items()}
    expected = dict.fromkeys(["machine", "tests", "steps", "sampling", "evaluation"], "done")
    assert done == expected | {"theirs": "left"}  # without diffusers' script
    assert set(report["tests"].values()) == {"passed"}
    steps = {row["of"] for row in report["rows"] if row["what"] == "step"}
    assert steps == {"bare", "dreambooth", "hypnos_early", "hypnos_late", "textual_inversion"}
    text = (tmp_path / "gpu.md").read_text()
    assert "None of these numbers is a figure" in text
    assert "| our DreamBooth step : train_dreambooth.py's step | not measured" in text


def test_the_study_is_conf_paper_with_nothing_switched_off(tmp_path: Path) -> None:
    whole, paper = bench.make_study(tmp_path, small=False), bench._parameters("paper")
    kept = whole.model_dump(mode="json")
    same = bench.Study.from_parameters(paper).model_dump(mode="json")
    for name in same.keys() - {"models"}:
        assert kept[name] == same[name], name
    made = {name: each for name, each in whole.models if each.random}
    assert made.keys() == paper["models"].keys() - {"matting"}
    assert all(Path(each.folder).parent == tmp_path for each in made.values())


def test_without_a_gpu_it_says_so_and_how_to_try_it(tmp_path: Path, monkeypatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    options = ["machine", "--networks", str(tmp_path), "--report", str(tmp_path / "rows.jsonl")]
    with pytest.raises(SystemExit, match=r"torch sees no CUDA GPU.*--small"):
        section.main(options)
    monkeypatch.setattr(section, "NEEDED", ("torch", "no_such_package"))
    with pytest.raises(SystemExit, match="missing here: no_such_package; --pack"):
        section.main(options)


@pytest.fixture
def proof(tmp_path: Path):
    """A run of one second, whose sections are Python programs."""
    settings = Namespace(pack=None, diffusers=None, output=tmp_path / "out", minutes=1 / 60, small=True)
    (tmp_path / "scratch").mkdir()
    made = command.Proof(settings, tmp_path / "scratch")
    yield made
    made.stop()


def test_a_section_is_cut_at_its_end_and_what_it_measured_is_kept(proof, monkeypatch) -> None:
    row = {"what": "step", "of": "bare", "seconds": [0.1]}
    code = f"import time; open({str(proof.rows)!r}, 'a').write({json.dumps(row)!r} + '\\n'); time.sleep(60)"
    ordinary = subprocess.Popen
    monkeypatch.setattr(
        command.subprocess,
        "Popen",
        lambda _command, **others: ordinary([sys.executable, "-S", "-c", code], **others),
    )
    assert not proof.section("evaluation")
    assert proof.ends["evaluation"].startswith("cut after")
    assert "| the bare step | 100.0 |" in (proof.output / "gpu.md").read_text()


def test_the_log_names_the_tests_that_ended() -> None:
    ended = ["test_a.py::test_b[x] PASSED [ 50%]", "test_a.py::test_c FAILED [99%]", "test_a.py::test_d "]
    found = command.tests_in("\n".join(["collected", *(f"tests/cuda/{line}" for line in ended)]))
    assert found == {"tests/cuda/test_a.py::test_b[x]": "passed", "tests/cuda/test_a.py::test_c": "failed"}


def test_the_report_says_which_goals_are_met() -> None:
    seconds = {"dreambooth": 0.2, "bare": 0.19, "hypnos_early": 0.4, "train_dreambooth.py": 0.25}
    rows = [{"what": "step", "of": name, "seconds": [taken]} for name, taken in seconds.items()]
    rows.append({"what": "machine", "card": "Some Card", "bytes": 80e9, "cuda": "13.0", "libraries": {}})
    moments = {"step": 10.0e9, "step without L_p": 9.0e9}
    kinds = {"weights": 4e9, "gradients": 3.9e9, "optimiser": 2e9}
    counted = {"step": {"weights": 4.1e9, "gradients": 3.9e9, "optimiser": 2e9, "activations": 0.4e9}}
    memory = {"kinds": kinds, "moments": moments, "counted": counted}
    rows.append({"what": "memory", "of": "hypnos"} | memory)
    sections = {"tests": "done in 9 s", "steps": "cut after 99 s"}
    text = as_markdown(
        {"date": "2026-11-30", "small": False, "sections": sections, "tests": {"a": "failed"}, "rows": rows}
    )
    assert "### Some Card, 2026-11-30" in text
    assert "| steps | cut after 99 s |" in text
    assert "Failed: `a`." in text
    assert "| our DreamBooth step : the bare step | 1.05 | 1.05–1.05 | ≤ 1.05 **missed** |" in text
    assert "| HYPNOS step while L_p acts : DreamBooth step | 2.00 | 2.00–2.00 | ≤ 1.60 **missed** |" in text
    assert "train_dreambooth.py's step | 0.80 | 0.80–0.80 | ≤ 0.70 **missed** |" in text
    assert "| HYPNOS step after that : DreamBooth step | not measured |" in text
    assert "| hypnos | step | 10.00 | 10.40 |" in text
    assert "| hypnos | step without L_p | 9.00 | |" in text
    assert "| hypnos | 4.00 : 4.10 | 3.90 : 3.90 | 2.00 : 2.00 |" in text


def test_their_script_is_clocked_step_by_step_and_ended(tmp_path: Path, monkeypatch) -> None:
    script, saved = tmp_path / "script.py", tmp_path / "saved"
    script.write_text(
        "import sys, torch\n"
        "weight = torch.nn.Parameter(torch.zeros(1))\n"
        "optimiser = torch.optim.SGD([weight], lr=1.0)\n"
        "for _ in range(int(sys.argv[1])):\n"
        "    optimiser.step()\n"
        f"open({str(saved)!r}, 'w')\n"
    )
    rows = []
    small = SimpleNamespace(
        small=True,
        synchronise=lambda: None,
        add=lambda **row: rows.append(row),
        add_memory=lambda stage, moments: rows.append({"what": "memory", "of": stage}),
        measure=lambda work: (work(), 0),
    )
    monkeypatch.setattr(theirs, "prepare", lambda _bench, _folder, steps: [str(steps)])
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    theirs.run(small, script)
    assert [row["what"] for row in rows] == ["step", "memory"]
    assert len(rows[0]["seconds"]) == theirs.Turns.of(small).rounds
    assert not saved.exists()


def test_the_pack_holds_what_is_needed_and_is_refused_when_too_large(
    tmp_path: Path, monkeypatch, capsys
) -> None:
    def install(folder: Path, _python: str) -> None:
        for name in (
            "diffusers/__init__.py",
            "diffusers/__pycache__/__init__.cpython-312.pyc",
            "bitsandbytes/libbitsandbytes_cuda130.so",
            "bitsandbytes/libbitsandbytes_cuda128.so",
            "bitsandbytes/libbitsandbytes_cpu.so",
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"0" * 1000)

    monkeypatch.setattr(pack, "install", install)
    script = tmp_path / pack.SCRIPT
    script.parent.mkdir(parents=True)
    script.write_text("pass")
    output = tmp_path / "pack.zip"
    pack.main([str(output), "--diffusers", str(tmp_path)])
    with ZipFile(output) as archive:
        assert set(archive.namelist()) == {
            "diffusers/__init__.py",
            "bitsandbytes/libbitsandbytes_cuda130.so",
            "bitsandbytes/libbitsandbytes_cpu.so",
            "train_dreambooth.py",
        }
    assert "MB  in all" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"more than the 0.00 MB that may travel"):
        pack.main([str(output), "--limit", "1000"])
    assert not output.exists()
    with pytest.raises(SystemExit, match=r"has no libbitsandbytes_cuda99.so"):
        pack.main([str(output), "--cuda", "99"])


def test_the_project_and_a_pack_of_the_size_of_today_s_may_travel() -> None:
    assert pack.tracked() + 16e6 < pack.LIMIT
