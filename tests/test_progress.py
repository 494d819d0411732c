"""What works reports how far it is, in few events; without anyone who listens it reports nothing."""

from __future__ import annotations

import os

import pytest

from hypnos_pipeline import progress
from hypnos_pipeline.progress import Bar, Event, counted


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """All events of this process; the clock stands still."""
    monkeypatch.setattr(progress.time, "monotonic", lambda: 100.0)
    found: list[Event] = []
    with progress.sent_to(found.append):
        yield found


def test_a_bar_within_a_node_is_the_nodes(events):
    progress.begin("mug.hypnos.finetune")
    with Bar("HYPNOS", 2, "step", done=1) as bar:
        bar.advance(loss=0.5)
    progress.end("mug.hypnos.finetune")
    own = {"work": "mug.hypnos.finetune", "what": "HYPNOS", "unit": "step", "total": 2}
    assert events == [
        {"kind": "begin", "work": "mug.hypnos.finetune"},
        {"kind": "steps", **own, "done": 1},
        {"kind": "steps", **own, "done": 2, "loss": 0.5},
        {"kind": "end", "work": "mug.hypnos.finetune", "seconds": 0.0, "failed": False},
    ]


def test_a_bar_outside_a_node_stands_for_itself_until_it_is_closed(events):
    assert list(counted("ab", "LoRA", "weight")) == ["a", "b"]
    assert [(event["kind"], event["work"]) for event in events] == [
        ("steps", "LoRA"),
        ("steps", "LoRA"),
        ("end", "LoRA"),
    ]


def test_fast_steps_are_reported_twice_a_second_at_most(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    found: list[Event] = []
    with progress.sent_to(found.append), Bar("training", 10_000, "step") as bar:
        for _ in range(10_000):
            now[0] += 0.001
            bar.advance()
    done = [event["done"] for event in found if event["kind"] == "steps"]
    assert len(done) <= 22
    assert done[-1] == 10_000


def test_a_forked_process_reports_nothing_into_its_parents_table(events):
    child = os.fork()
    if not child:
        os._exit(progress.is_sent())
    assert os.waitpid(child, 0)[1] == 0
    assert progress.is_sent()
