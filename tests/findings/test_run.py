"""Records of single trainings: a run that was stopped goes on, and what no longer agrees is stale."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from scipy.special import stdtrit

from hypnos_pipeline.commands.dvc import conventions
from hypnos_pipeline.errors import FindingsError, RequestError
from hypnos_pipeline.findings import run as running
from hypnos_pipeline.findings.record import FOLDER, Cost, Record, Training, load, save, values_of_training
from hypnos_pipeline.findings.run import Run, missing
from hypnos_pipeline.findings.state import FindingsStudy, Kept
from hypnos_pipeline.findings.written import write_findings
from hypnos_pipeline.running import timings
from hypnos_pipeline.running.tasks import Here
from tests.end_to_end.shrunken import make_project, shrink

ENV = "mini_findings"
TRAINING = Training("figurine", "hypnos", 2)


def two_trainings(study: dict) -> dict:
    """One set, two methods, two trainings."""
    small = shrink(study) | {"trainings": 2, "further_trainings": [2]}
    del small["methods"]["dreambooth"], small["methods"]["textual_inversion"]
    small["evaluation"]["metrics"] = ["dino", "fid_64", "grain"]
    return small


def opened(project: Path) -> FindingsStudy:
    return FindingsStudy(project, ENV, conventions())


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    return make_project(tmp_path_factory.mktemp("findings") / "study", ENV, two_trainings)


def change(project: Path, **changes: object) -> None:
    file = project / "conf" / ENV / "parameters_study.yml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changes, sort_keys=False))


def test_a_record_is_loaded_as_it_was_saved(tmp_path):
    pairs = pd.DataFrame(
        [("invariant", f"invariant/{n}", "", photo, "dino", n + 0.25 * place)
         for n in range(3) for place, photo in enumerate(("a", "b"))],
        columns=["prompt_set", "image", "colour", "photo", "metric", "value"],
    )  # fmt: skip
    scores = pd.DataFrame(
        [("invariant", "figurine", "hypnos", "dino", 1.125), ("invariant", "figurine", "hypnos", "fid", 7.5)],
        columns=["prompt_set", "subject", "method", "metric", "mean"],
    )
    values = values_of_training(pairs, scores)
    assert values["value"].tolist() == [0.125, 1.125, 2.125, 7.5]
    assert values["image"].tolist() == ["invariant/0", "invariant/1", "invariant/2", ""]
    kept = Record(values, {"code": "1"}, {"finetune": Cost(2.5, 1000)})
    save(tmp_path / TRAINING.file, kept)
    found = load(tmp_path / TRAINING.file)
    assert (found.key, found.costs) == (kept.key, kept.costs)
    assert found.values.astype(str).values.tolist() == values.astype(str).values.tolist()


def test_the_first_trainings_come_first_and_what_they_share_before_them(project, monkeypatch):
    monkeypatch.chdir(project)
    findings = opened(project)
    trainings = findings.trainings()
    assert [str(each) for each in trainings[::2]] == [f"figurine, hypnos, training {n}" for n in (1, 2)]
    works = findings.upstream.works(trainings)
    assert [work.name for work in works] == [
        *("figurine", "figurine.training_1", "figurine.hypnos", "figurine.base"),
        *("figurine.training_2", "figurine.hypnos.training_2", "figurine.base.training_2"),
    ]
    by_name = {work.name: work for work in works}
    assert by_name["figurine.hypnos.training_2"].after == ("figurine", "figurine.training_2")
    assert by_name["figurine.base.training_2"].after == ("figurine",)
    assert {node.name.rpartition(".")[2] for node in by_name["figurine.training_2"].nodes} == {
        "pretrain_discriminator"
    }


def test_sets_and_methods_choose_trainings_and_unknown_ones_are_refused_by_name(project, monkeypatch):
    monkeypatch.chdir(project)
    findings = opened(project)
    assert [str(each) for each in findings.trainings(["figurine"], ["base"])] == [
        "figurine, base, training 1",
        "figurine, base, training 2",
    ]
    with pytest.raises(RequestError, match=r"no set 'figurin' in the study;.*figurine"):
        findings.trainings(["figurin"])
    with pytest.raises(RequestError, match=r"no method 'hypno' in the study;.*hypnos"):
        findings.trainings(methods=["hypno"])


def test_a_record_is_stale_once_its_settings_changed_and_not_for_more_trainings(project, monkeypatch):
    monkeypatch.chdir(project)
    before = (project / "conf" / ENV / "parameters_study.yml").read_text()
    findings = opened(project)
    assert findings.standing(TRAINING).kept is Kept.MISSING
    values = pd.DataFrame(
        [("invariant", "dino", "0", 1.0)], columns=["prompt_set", "metric", "image", "value"]
    )
    findings.save(TRAINING, Record(values, findings.key(TRAINING), {}))
    assert findings.standing(TRAINING).kept is Kept.YES
    change(project, trainings=3, further_trainings=[2, 3])
    assert opened(project).standing(TRAINING).kept is Kept.YES
    change(project, seed=43)
    assert opened(project).standing(TRAINING).changed == ("settings",)
    (project / "conf" / ENV / "parameters_study.yml").write_text(before)
    photo = sorted((project / "data/01_raw/subjects/figurine").glob("*.*"))[0]
    pixels = photo.read_bytes()
    photo.write_bytes(pixels + b"\0")
    assert opened(project).standing(TRAINING).changed == ("inputs",)
    photo.write_bytes(pixels)
    assert opened(project).standing(TRAINING).kept is Kept.YES
    (project / FOLDER / ENV / TRAINING.file).unlink()


def test_findings_are_written_from_records_and_not_from_too_few(project, monkeypatch):
    monkeypatch.chdir(project)
    claim = {"section": "4.1.1", "sentence": "So.", "claim": "it is so", "direction": "higher", "delta": 0.05}
    measured = claim | {"measure": "dino on invariant: hypnos - base", "why": "So."}
    (project / "conf" / ENV / "claims.yml").write_text(yaml.safe_dump({"claims": [measured]}))
    findings, columns = opened(project), ["prompt_set", "metric", "image", "value"]
    before = (project / "docs/findings.csv").read_text()
    for training in findings.trainings():
        value = {"hypnos": 0.75, "base": 0.25}[training.method] + training.number / 64
        values = pd.DataFrame([("invariant", "dino", "invariant/0", value)], columns=columns)
        with pytest.raises(FindingsError, match="Nothing was written"):
            write_findings(findings)
        findings.save(training, Record(values, findings.key(training), {"sample": Cost(2.0, 1000)}))
    assert (project / "docs/findings.csv").read_text() == before
    assert write_findings(findings) == ["docs/findings.csv", "docs/findings.md"]
    written = pd.read_csv(project / "docs/findings.csv", keep_default_na=False)
    assert written["set"].tolist() == ["mean", "figurine"]
    assert written["verdict"].tolist() == ["seen", ""]
    assert written["difference"].tolist() == [0.5, 0.5]
    assert "it is so" in (project / "docs/findings.md").read_text(encoding="utf-8")
    shutil.rmtree(project / FOLDER)


def test_ablations_are_written_where_methods_state_what_the_paper_expects(project, monkeypatch):
    monkeypatch.chdir(project)
    folder = project / "conf" / ENV
    (folder / "claims.yml").unlink()
    study = yaml.safe_load((folder / "parameters_study.yml").read_text())
    stated = {"claim": "it is so", "source": "4.2", "prompt_set": "invariant", "metric": "dino"}
    study["methods"]["base"]["base"]["expectations"] = [stated | {"direction": "lower"}]
    change(project, methods=study["methods"])
    findings, columns = opened(project), ["prompt_set", "metric", "image", "value"]
    for training in findings.trainings():
        few = "Nothing was written: no expectation has two trainings(?s:.)*`kedro findings run` makes them"
        with pytest.raises(FindingsError, match=few):
            write_findings(findings)
        first, step = {"hypnos": (0.75, 1 / 64), "base": (0.25, 1 / 32)}[training.method]
        value = first + training.number * step
        values = pd.DataFrame([("invariant", "dino", "invariant/0", value)], columns=columns)
        findings.save(training, Record(values, findings.key(training), {}))
    assert write_findings(findings) == ["docs/ablation_findings.csv", "docs/ablation_findings.md"]
    (row,) = pd.read_csv(project / "docs/ablation_findings.csv").itertuples(index=False)
    assert (row.claim, row.set, row.measure) == ("it is so", "figurine", "dino on invariant: base - hypnos")
    assert (row.delta, row.difference, row.trainings, row.verdict) == (0.05, -0.476562, 2, "seen")
    text = (project / "docs/ablation_findings.md").read_text(encoding="utf-8")
    assert (
        "- **Seen**, 1 of 1\n    - Base model: it is so (DINO ↑, invariant; 4.2)\n- **Opposite**, 0 of 1\n"
        in text
    )
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    entries = [line[2] for line in cells if len(line) == 3][-2:]
    # two differences 1/64 apart: a variance of (1/64)² / 2, one degree of freedom, and the mean of the two
    assert entries == ["0.773", f"−0.477 ± {stdtrit(1, 0.975) / 64 / 2:.3f}"]
    shutil.rmtree(project / FOLDER)
    change(project, methods={**study["methods"], "base": {"base": {}}})


def made(project: Path, **options) -> FindingsStudy:
    findings = opened(project)
    Run(findings, missing(findings, findings.trainings()), workers=1, **options).make()
    return findings


@pytest.mark.long
def test_a_stopped_run_goes_on_and_ends_as_an_undisturbed_one(project, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "Pool", lambda workers, **_: Here())
    monkeypatch.setattr(timings, "LEAST", 0)  # the shrunken study's nodes cost less
    other = make_project(tmp_path / "study", ENV, two_trainings)
    monkeypatch.chdir(other)
    undisturbed = made(other)
    monkeypatch.chdir(project)
    made(project, seconds=0)  # too short for anything
    assert not (project / FOLDER).exists() or not list((project / FOLDER).rglob("*.parquet"))

    def stop(training: Training) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(project, listener=stop)
    assert (project / timings.FOLDER / f"{ENV}.json").is_file()
    assert [
        str(each) for each in opened(project).trainings() if each not in missing(opened(project), [each])
    ] == ["figurine, hypnos, training 1"]
    stopped = made(project)
    records, others = dict(stopped.records()), dict(undisturbed.records())
    assert [*records] == stopped.trainings()
    for training, ours in records.items():
        theirs = others[training]
        assert ours.values.equals(theirs.values)
        assert ours.key == theirs.key
        assert {"sample", "evaluate"} <= {*ours.costs}
        assert all(cost.seconds > 0 and cost.memory > 1e8 for cost in ours.costs.values())
    assert {"finetune", "pretrain_discriminator"} <= {*records[TRAINING].costs}
    assert (project / f"data/06_models/{ENV}/figurine/hypnos/finetuned").is_dir()
    assert not (project / f"data/06_models/{ENV}/figurine/hypnos.training_2/finetuned").exists()
    assert missing(stopped, stopped.trainings()) == []
