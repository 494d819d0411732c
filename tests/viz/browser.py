"""What a page is once its scripts have run, in a headless Chromium."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Returns the browser's path, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Quiet(SimpleHTTPRequestHandler):
    """A plain static server without a line to each request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serves a folder on this machine and yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


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
    """Opens a kedro-viz page and reads what it draws."""
    reader = _Reader()
    reader.feed(dumped(url))
    return reader.shown


def dumped(url: str) -> str:
    """Opens a page in a fresh profile and returns it as it is after its scripts have run."""
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
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout


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
