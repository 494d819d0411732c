"""A hub on this machine to fetch from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hub.server import Hub, serving


@pytest.fixture
def server() -> Iterator[Hub]:
    with serving() as hub:
        yield hub
