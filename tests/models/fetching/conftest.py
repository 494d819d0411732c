"""A server and a place to fetch to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.models.fetching.server import FileServer, serving


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as server:
        yield server
