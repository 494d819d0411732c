"""The tree that a person reads."""

from __future__ import annotations

import io
import re
from dataclasses import replace as replaced

from rich.console import Console

from hypnos_pipeline.provenance.cells import read_cells
from hypnos_pipeline.provenance.hashes import on_disk
from hypnos_pipeline.provenance.listing import by_method, by_row
from hypnos_pipeline.provenance.record import Recorded, StageRecord
from hypnos_pipeline.provenance.rendering import PARTS, as_summary, as_tree
from hypnos_pipeline.provenance.summary import summary
from tests.provenance.small_study import CELLS, IMAGING, MEAN, MODEL, PHOTOS, STUDY, git, replace, write


def printed(content, width: int = 1_000_000) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(content)
    return stream.getvalue()


def drawn(trace, parts=PARTS) -> list[str]:
    """The tree's lines, as in a pipe."""
    return [line.rstrip() for line in printed(as_tree(trace, parts)).splitlines()]


def summed_up(trace) -> dict[str, str]:
    """The summary's lines below the number, by their headings; the verdict's heading is empty."""
    _, *lines, verdict = printed(as_summary(trace)).splitlines()
    return dict(re.split(r"  +", line, maxsplit=1) for line in lines) | {"": verdict}


def depth(line: str) -> int:
    return len(re.match(r"[│├└─\s]*", line)[0]) // 4


def bare(lines: list[str]) -> list[str]:
    return [line[4 * depth(line) :] for line in lines]


def test_the_tree_goes_from_the_cell_to_the_photos(traced):
    lines = drawn(traced())
    assert lines[0] == f"table 1 (invariant), lego_robot, hypnos, dino: {MEAN}  (std 0.25, n 8)"
    chain = [
        "evaluation@lego_robot-hypnos",
        "sampling_hypnos@lego_robot-hypnos",
        "finetune_hypnos@lego_robot-hypnos",
        "background_removal@lego_robot",
    ]
    places = [bare(lines).index(name) for name in chain]
    assert places == sorted(places)
    assert [depth(lines[place]) for place in places] == [1, 2, 3, 4]
    assert bare(lines)[-1] == "everything on disk is as recorded"


def test_each_stage_stands_once_and_is_referred_to(traced):
    lines = bare(drawn(traced()))
    for stage in traced().lineage.stages:
        assert lines.count(stage.name) == 1
    working_photos = "data/02_intermediate/mini/lego_robot/working_photos"
    mentions = [
        line.removesuffix("  (files shown above)") for line in lines if line.startswith(working_photos)
    ]
    origins = [line.partition("  from ")[2] for line in mentions]
    assert origins.count("background_removal@lego_robot (above)") == 1  # the class prior's
    assert origins.count("background_removal@lego_robot") == 2  # the evaluation's and the finetuning's


def test_photos_and_models_show_every_file(study, traced):
    lines = bare(drawn(traced()))
    for folder in (PHOTOS, MODEL):
        hashed = on_disk(study, folder)
        assert any(line.startswith(f"{folder}  {hashed.md5}") for line in lines)
        for name, md5 in hashed.files.items():
            assert f"{name}  {md5}" in lines


def test_each_part_is_shown_on_request(study, traced):
    md5 = on_disk(study, IMAGING).files["square.py"]
    file, parameter = f"square.py  {md5}", "methods.hypnos.hypnos.steps = 4"
    photo = f"00.jpg  {on_disk(study, PHOTOS).files['00.jpg']}"
    for part, shown in (("code", file), ("parameters", parameter), ("files", photo)):
        lines = bare(drawn(traced(), [part]))
        assert [each in lines for each in (file, parameter, photo)] == [
            each == shown for each in (file, parameter, photo)
        ]


def test_parameters_commands_and_code_are_shown(study, traced):
    lines = bare(drawn(traced()))
    assert "methods.hypnos.hypnos.learning_rate = 1e-05" in lines
    assert "models.text_to_image.folder = data/01_raw/models/mini/net" in lines
    assert any(line.startswith("command: cp -r data/06_models/mini/lego_robot/hypnos") for line in lines)
    commit = git(study, "rev-parse", "--short=8", "HEAD")
    code = [line for line in lines if line.startswith(f"{IMAGING}  ")]
    assert code
    assert all(f"1 files  commit {commit}" in line for line in code)


def test_code_that_no_commit_has_is_uncommitted(study, traced):
    from dvc.repo import Repo

    write(study, f"{IMAGING}/square.py", "SIDE = 32\n")
    with Repo(str(study)) as repo:
        repo.commit(force=True)
    lines = bare(drawn(traced()))
    assert any(line.startswith(f"{IMAGING}  ") and "uncommitted" in line for line in lines)
    assert lines[-1] == "everything on disk is as recorded"


def test_versions_machine_and_networks_are_shown(traced):
    lines = bare(drawn(traced()))
    assert "runtime: device cpu, threads 1" in lines
    assert "cpu A Processor, device cpu, threads 1" in lines
    assert "libraries: torch 2.14.1, numpy 2.3" in lines
    [network] = [line for line in lines if line.startswith("dino: ")]
    assert network.startswith(f"dino: id data/01_raw/models/mini/net, sha256 {'5a' * 32}")


def test_a_report_that_is_lost_is_not_guessed(study, traced):
    report = "data/07_model_output/mini/lego_robot/evaluation_reports/hypnos.json"
    write(study, report, '{"machine": {"cpu": "Another"}, "networks": {}}')
    # As recorded, the report is still in DVC's cache.
    assert "cpu A Processor, device cpu, threads 1" in bare(drawn(traced()))
    for path in (study / ".dvc/cache").rglob("*"):
        if path.is_file():
            path.unlink()
    lines = bare(drawn(traced()))
    assert "machine and library versions: not recorded" in lines
    assert "networks: not recorded" in lines


def test_changes_are_marked_and_summed_up(study, traced):
    write(study, f"{PHOTOS}/00.jpg", "another")
    write(study, f"{PHOTOS}/02.jpg", "one more")
    replace(study, STUDY, "steps: 4", "steps: 5")
    (study / "requirements.lock").unlink()
    lines = bare(drawn(traced()))
    now = on_disk(study, PHOTOS)
    assert any(line.startswith(f"{PHOTOS}  ") and line.endswith(f"CHANGED: now {now.md5}") for line in lines)
    assert any(line.startswith("00.jpg  ") and line.endswith("  CHANGED") for line in lines)
    assert "02.jpg  NEW, not in the record" in lines
    assert "methods.hypnos.hypnos.steps = 4  CHANGED: now 5" in lines
    assert any(line.startswith("requirements.lock  ") and line.endswith("  MISSING") for line in lines)
    summary = lines[lines.index("no longer as recorded: 3 things") :]
    assert "file requirements.lock: missing" in summary
    assert f"folder {PHOTOS}: changed" in summary
    assert "00.jpg: changed" in summary
    assert any("hypnos.steps: changed, was 4, is 5" in line for line in summary)


def test_a_changed_cell_shows_the_recorded_one(study, traced):
    replace(study, CELLS, "lego_robot,hypnos,dino,0.5", "lego_robot,hypnos,dino,0.9")
    lines = drawn(traced())
    assert MEAN.replace("0.5", "0.9") in lines[0]
    assert lines[0].endswith(f"NOT AS RECORDED: the record has {MEAN}")


def test_words_in_brackets_are_not_taken_for_colours(study, traced):
    replace(study, STUDY, "steps: 4", "steps: '[bold]4'")
    assert any("[bold]4" in line for line in drawn(traced()))


def test_a_narrow_terminal_loses_nothing(traced):
    text = re.sub(r"[│├└─\s]", "", printed(as_tree(traced()), width=80))
    for line in bare(drawn(traced())):
        assert re.sub(r"\s", "", line) in text


def test_the_summary_says_what_made_the_number(study, traced):
    lines = printed(as_summary(traced())).splitlines()
    assert lines[0] == f"table 1 (invariant), lego_robot, hypnos, dino: {MEAN}  (std 0.25, n 8)"
    assert len(lines) <= 20
    found = summed_up(traced())
    assert found["photos"] == f"2 in {PHOTOS}: 00.jpg, 01.jpg, 1 mask"
    assert found["hypnos"] == "learning_rate 1e-05, steps 4"
    assert found["metric"] == "DINO of 8 pairs of image and photo"
    assert found["network dino"] == f"{MODEL}, sha256 {'5a' * 6}"
    assert found["code"].endswith(f"commit {git(study, 'rev-parse', '--short=12', 'HEAD')}")
    assert found["machine"] == "A Processor, device cpu, threads 1, torch 2.14.1, numpy 2.3"
    assert found[""].startswith("matches the record")


def test_doubtful_mattes_and_the_best_image_are_named(traced):
    path, samples = "data/02_intermediate/mini/lego_robot/matte_report.json", "data/07/samples/hypnos"
    contrast = {"what": "low contrast: along 8% of the outline", "fix": "a mask"}
    rows = [
        {"photo": "00", "backend": "grabcut", "area": 0.16, "problems": []},
        {"photo": "01", "backend": "provided", "area": 0.23, "problems": [contrast]},
    ]
    trace = replaced(traced(), reports={path: rows}, extremes=[(f"{samples}/000.png", 0.25)])
    trace.lineage.stages[0].outs[path] = Recorded(path, "0" * 32)
    found = dict(summary(trace))
    assert (
        found["mattes"]
        == "grabcut (1) and provided (1), 16% to 23% of the photo, doubtful: 01 (low contrast)"
    )
    assert found["worst image"] == f"0.25  {samples}/000.png"


def test_a_kind_without_images_has_no_accuracy(traced):
    path = "data/06_models/mini/lego_robot/discriminator/report.json"
    trace = replaced(traced(), reports={path: {"accuracy": {"original": 0.75, "class": None}}})
    finetune = next(stage for stage in trace.lineage.stages if stage.name.startswith("finetune"))
    finetune.deps[path] = Recorded(path, "0" * 32)
    made = StageRecord("discriminator@lego_robot", "", {}, {}, {path: finetune.deps[path]})
    trace.lineage.stages.append(made)
    trace.lineage.inputs[made.name] = []
    assert dict(summary(trace))["discriminator"] == "right on original 75%"


def test_the_summary_names_the_first_stage_that_changed_and_why(study, traced):
    replace(study, STUDY, "steps: 4", "steps: 5")
    changed = "no longer as recorded, first at finetune_hypnos@lego_robot-hypnos: "
    assert summed_up(traced())[""] == changed + "parameter methods.hypnos.hypnos.steps was 4, is 5"
    write(study, f"{PHOTOS}/00.jpg", "another")
    changed = f"no longer as recorded, first at background_removal@lego_robot: photo {PHOTOS} is changed"
    assert summed_up(traced())[""] == f"{changed} (00.jpg changed) (1 more: --all)"


def test_a_narrow_summary_goes_on_below_its_text(traced):
    lines = printed(as_summary(traced(), 60), width=60).splitlines()
    assert max(map(len, lines[1:-1])) <= 60
    assert any(line.startswith(" " * 14) for line in lines)


def test_methods_stand_beside_metrics(study):
    cells = read_cells(study, "mini")
    base = next(cell.mean for cell in cells if (cell.subject, cell.method) == ("chair", "base"))
    text = "".join(printed(each, 100) for each in by_method(cells))
    lines = text.splitlines()
    assert lines[0] == "table 1 (invariant), chair"
    assert lines[1].split() == ["method", "dino", "↑"]
    assert lines[2].split() == ["base", f"{float(base):.4g}"]
    assert lines[3].split() == ["hypnos", "0.5123"]


def test_cells_stand_in_rows(study):
    lines = printed(by_row(read_cells(study, "mini"))).splitlines()
    headings = "table prompt set subject method metric value std n trainings between"
    assert " ".join(lines[0].split()) == headings
    assert " ".join(lines[3].split()) == "1 invariant chair hypnos dino 0.512346 0.25 8 1 -"
    assert lines[2].split()[-5:] == ["98.5", "-", "2", "1", "-"]
    assert len({len(line) for line in lines}) == 1
