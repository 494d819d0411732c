"""A server and a place to fetch to."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.models.fetching.server import FileServer


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
