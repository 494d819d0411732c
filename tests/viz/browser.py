"""What a page is once its scripts have run, in a headless Chromium."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from html.parser import HTMLParser

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Returns the browser's path, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Shown:
    """What a reader sees of a kedro-viz page.

    Attributes:
        nodes: Kind (``data``, ``task``, ``parameters``, ``modularPipeline``) to the labels drawn.
        layers: Names at the side, from top to bottom.
        pictures: Sources of the pictures in the panel of the chosen node.
        tables: Number of tables there.
    """

    nodes: dict[str, set[str]] = field(default_factory=dict)
    layers: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    tables: int = 0


def look_at(url: str) -> Shown:
    """Opens a kedro-viz page in a fresh profile and reads what it draws."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            find_chromium(),
            "--headless=new",
            "--no-sandbox",  # which root, in a container, cannot have
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={profile}",
            "--virtual-time-budget=20000",
            "--dump-dom",
            url,
        ]
        page = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    reader = _Reader()
    reader.feed(page)
    return reader.shown


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.shown = Shown()
        self._kind = ""
        self._next: set[str] | list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        classes = values.get("class", "").split()
        if "pipeline-node" in classes:
            kinds = [name.partition("--")[2] for name in classes if name.startswith("pipeline-node--")]
            self._kind = kinds[0]
        elif "pipeline-node__text" in classes:
            self._next = self.shown.nodes.setdefault(self._kind, set())
        elif "pipeline-layer-name" in classes:
            self._next = self.shown.layers
        elif tag == "img" and "pipeline-metadata__plot-image" in classes:
            self.shown.pictures.append(values["src"])
        elif tag == "table":
            self.shown.tables += 1

    def handle_data(self, data: str) -> None:
        if isinstance(self._next, set):
            self._next.add(data)
        elif self._next is not None:
            self._next.append(data)
        self._next = None
