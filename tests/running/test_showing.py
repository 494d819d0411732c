"""What a person sees of a run: the table on a terminal, lines without one, and where to look at its end."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
from rich.console import Console

from hypnos_pipeline.progress import Event
from hypnos_pipeline.running import lines as lines_module
from hypnos_pipeline.running.board import Board, Row
from hypnos_pipeline.running.lines import Lines
from hypnos_pipeline.running.made import where_to_look
from hypnos_pipeline.running.table import table
from hypnos_pipeline.running.words import clock_time, duration, roughly
from tests.end_to_end.shrunken import make_project, run

TRAINING, SAMPLING = "lego_robot.hypnos.finetune", "rattan_chair.dreambooth_high_lr.sample_finetuned"


class Scripted:
    """A board that receives scripted events, by a clock of its own."""

    def __init__(self, **expected: float) -> None:
        self.now = 0.0
        self.board = Board(expected | {TRAINING: 60.0, SAMPLING: 20.0}, lambda: self.now)

    def begin(self, work: str) -> None:
        self.board.receive({"kind": "begin", "work": work})

    def steps(self, work: str, done: int, total: int, unit: str = "step", **figures: float) -> None:
        own: Event = {"kind": "steps", "work": work, "what": "HYPNOS", "unit": unit}
        self.board.receive(own | {"done": done, "total": total, **figures})

    def end(self, work: str, failed: bool = False) -> None:
        self.board.receive({"kind": "end", "work": work, "seconds": self.now, "failed": failed})

    def shown(self, width: int = 80, height: int = 24) -> list[str]:
        console = Console(width=width, file=io.StringIO())
        console.print(table(self.board, height))
        return [line.rstrip() for line in console.file.getvalue().splitlines()]


def half_way() -> Scripted:
    told = Scripted(write_tables=20.0)
    told.begin("write_tables")
    told.end("write_tables")
    told.begin(TRAINING)
    told.begin(SAMPLING)
    told.steps(TRAINING, 0, 360)
    told.steps(SAMPLING, 0, 76, "image")
    told.now = 60.0
    told.steps(TRAINING, 120, 360, loss=0.0234)
    told.steps(SAMPLING, 24, 76, "image")
    return told


def test_the_table_fits_eighty_columns_and_says_how_far_everything_is():
    assert half_way().shown() == [
        "stage             subject       method                 step    loss   rate  left",
        "finetune          lego_robot    hypnos              120/360  0.0234    2/s  2:00",
        "sample finetuned  rattan_chair  dreambooth_high_lr    24/76          0.4/s  2:10",
        "1 of 3 nodes, 1:00 elapsed, about 1:10 left",
    ]


def test_a_further_training_is_named_by_its_number():
    named = {
        name: Row(name, 0.0).names[2] for name in ("mug.hypnos.finetune", "mug.hypnos.training_2.finetune")
    }
    assert [*named.values()] == ["hypnos", "hypnos, training 2"]
    assert Row("mug.training_2.pretrain_discriminator", 0.0).names[1:] == ("mug", "training 2")


def test_nodes_that_need_not_run_say_nothing_about_the_time_left():
    told = Scripted(made_before=900.0)
    told.end("made_before")
    told.begin(TRAINING)
    told.now = 60.0
    told.steps(TRAINING, 1, 2)
    assert told.shown()[-1] == "0 of 2 nodes, 1:00 elapsed, about 1:40 left"


def test_a_narrow_or_low_terminal_shows_less_and_no_line_wraps():
    told = half_way()
    for width in (50, 60, 80, 120):
        assert max(map(len, told.shown(width))) <= width
    assert len(told.shown(50)) == 4
    assert told.shown(height=5)[1:] == [
        "finetune  lego_robot  hypnos  120/360  0.0234   2/s  2:00",
        "and 1 more",
        "1 of 3 nodes, 1:00 elapsed, about 1:10 left",
    ]


def test_a_node_that_begins_again_and_one_that_went_on_from_a_checkpoint():
    told = Scripted()
    told.begin(TRAINING)
    told.steps(TRAINING, 300, 360)
    told.now = 10.0
    told.begin(TRAINING)  # its process was killed
    told.steps(TRAINING, 310, 360)
    told.now = 20.0
    told.steps(TRAINING, 330, 360)
    (row,) = told.board.rows()
    assert (row.rate(told.now), row.left(told.now)) == (2.0, 15.0)
    told.end(TRAINING)
    assert told.board.resumed == {TRAINING}  # which says nothing of how long a training takes
    assert told.board.rows() == []


def test_a_node_that_went_on_from_a_saved_state_is_named_however_quick(monkeypatch, capsys):
    monkeypatch.setattr(lines_module.time, "strftime", lambda _: "12:00:00")
    told = Scripted()
    Lines(told.board)
    told.begin(TRAINING)
    told.steps(TRAINING, 300, 360)
    told.now = 1.0
    told.end(TRAINING)
    said = "12:00:00 lego_robot, hypnos, finetune: done in 1 s, going on from a saved state\n"
    assert capsys.readouterr().err == said


def test_without_a_terminal_there_is_a_line_every_thirty_seconds(monkeypatch, capsys):
    monkeypatch.setattr(lines_module.time, "strftime", lambda _: "12:00:00")
    told = Scripted()
    lines = Lines(told.board)
    told.begin(TRAINING)
    told.begin("mug.cut_truth")
    told.end("mug.cut_truth")
    told.steps(TRAINING, 0, 360)
    for second in range(1, 64):
        told.now = float(second)
        told.steps(TRAINING, 2 * second, 360, loss=1 / second)
        lines.tick()
    told.end(TRAINING)
    assert capsys.readouterr().err.splitlines() == [
        "12:00:00 lego_robot, hypnos, finetune: step 10 of 360, loss 0.2, 2/s, 2:55 left",
        "12:00:00 lego_robot, hypnos, finetune: step 70 of 360, loss 0.02857, 2/s, 2:25 left",
        "12:00:00 lego_robot, hypnos, finetune: done in 1 min 3 s",
    ]


def test_durations_read_as_people_write_them():
    assert [clock_time(each) for each in (29, 725, 3723)] == ["0:29", "12:05", "1:02:03"]
    assert [duration(each) for each in (0.2, 29, 60, 725, 3723)] == [
        *("0 s", "29 s", "1 min", "12 min 5 s", "1 h 2 min"),
    ]
    assert [roughly(each) for each in (20, 720, 4 * 3600, 3 * 86400)] == [
        *("1 minute", "12 minutes", "4 hours", "3 days"),
    ]


class Files(dict):
    """A catalog of files: names to where they are."""

    def __init__(self, folder: Path, **paths: str) -> None:
        super().__init__({name.replace("__", "."): folder / path for name, path in paths.items()})

    def __getitem__(self, name: str) -> SimpleNamespace:
        path = super().__getitem__(name)
        return SimpleNamespace(_describe=lambda: {"filepath": path})


def test_the_end_names_what_the_run_made_and_what_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subjects = [f"mug_{number}" for number in range(5)]
    paths = {"study_page": "index.html", "table_1_md": "one.md", "table_2_md": "never_written.md"}
    paths |= {f"{each}__matte_sheet": f"{each}.png" for each in subjects}
    for path in paths.values():
        (tmp_path / path).touch()
    (tmp_path / "never_written.md").unlink()
    catalog = Files(tmp_path, **paths)
    assert where_to_look(set(catalog), catalog) == [
        "  page    index.html",
        "  tables  one.md",
        "  mattes  mug_0.png",
        "          mug_1.png",
        "          mug_2.png and 2 more",
    ]
    assert where_to_look({"mug_4.matte_sheet", "mug_4.mattes"}, catalog) == ["  mattes  mug_4.png"]
    assert where_to_look({"mug_4.mattes"}, catalog) == []


def test_a_run_without_a_terminal_is_a_few_plain_lines_and_a_log(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lines_module, "FIRST", 0.0)
    project = make_project(tmp_path / "project")
    with click.Context(click.Command("run")).scope():
        run(project, pipeline_names=["background_removal"])
    *lines, last, sheet = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"Finished in \d+ s\.", last)
    assert sheet == "  mattes  data/02_intermediate/mini/figurine/matte_sheet.png"
    done = re.compile(r"\d\d:\d\d:\d\d figurine, remove background: done in \d+ s")
    assert sum(bool(done.fullmatch(line)) for line in lines) == 1
    assert [line for line in lines if "INFO" in line or "Running node" in line] == []
    (log,) = (project / "data/logs").glob("mini_*.log")
    assert "Running node: remove_background" in log.read_text()


LIVE = """
import logging, sys, time
from hypnos_pipeline.progress import counted
from hypnos_pipeline.running.showing import shown
logging.basicConfig(stream=sys.stderr, format="%(message)s")
with shown():
    for number in counted(range(3), "mattes", "photo"):
        logging.warning("photo %d is small", number)
        time.sleep(0.3)
    print("printed")
print("after")
"""


def test_on_a_terminal_messages_stay_and_the_table_goes():
    leader, follower = pty.openpty()
    environment = os.environ | {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    program = subprocess.Popen(
        [sys.executable, "-c", LIVE], stdout=follower, stderr=follower, env=environment
    )
    os.close(follower)
    written = b""
    try:
        while part := os.read(leader, 65536):
            written += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(leader)
    assert program.wait(60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())
    for line in ("photo 0 is small", "photo 2 is small", "printed", "after"):
        assert f"{line}\r\n" in text
    assert re.search(r"mattes +[0-3]/3", text)
    assert written.rstrip().endswith(b"after")
    assert written.count(b"\x1b[?25l") <= written.count(b"\x1b[?25h")  # the cursor is not hidden
