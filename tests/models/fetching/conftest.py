"""A hub on this machine to fetch from."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from huggingface_hub import constants

from hypnos_pipeline.models.fetching import address, web
from tests.hub.server import Hub, serving


@pytest.fixture
def server() -> Iterator[Hub]:
    with serving() as hub:
        yield hub


@pytest.fixture
def hub(server: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The server as the hub that this process asks, as ``HF_ENDPOINT`` does for a command."""
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "no token here")
    return server


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited between tries, without waiting."""
    waited: list[float] = []
    for module in (web, address):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=waited.append))
    return waited
