"""The paper's study, from an empty folder through fetching, the doctor and the run to its tables."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end import paper_path
from tests.hub.networks import SMALL
from tests.hub.server import serving


def test_the_papers_study_runs_from_the_hub_to_its_tables(tmp_path: Path) -> None:
    project = paper_path.empty_project(tmp_path / "project", 64)
    with serving() as hub:
        paper_path.publish(project, hub, SMALL, tmp_path / "hub")
        fetched = paper_path.kedro(project, hub, "models", "fetch")
        assert "All 8 networks of paper are here." in fetched
        hub.requests.clear()
        paper_path.kedro(project, hub, "doctor")
        paper_path.kedro(project, hub, "run", "--pipelines", "full")
    assert hub.requests == []  # only fetching reaches for the network
    paper_path.check_tables(project)
