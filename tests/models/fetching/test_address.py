"""One file from an address: whole or refused, going on after a cut, quick where nobody answers."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hypnos_pipeline.errors import FetchError, Unreachable
from hypnos_pipeline.models.fetching.address import download, file_name
from tests.hub.server import Fault, Hub

CONTENT = os.urandom(5_000_000)


def cut_download(server: Hub, target: Path) -> None:
    """Begins a download that ends in the middle."""
    server.files["/net.pth"] = CONTENT
    server.fail("/net.pth", Fault(cut=3_000_000))
    with pytest.raises(FetchError, match=r"cut off after \d+ of 5000000 bytes .* it goes on from there"):
        download(f"{server.address}/net.pth", target)


def test_a_cut_download_goes_on_where_it_ended(server: Hub, tmp_path: Path) -> None:
    target = tmp_path / "new" / "net.pth"
    cut_download(server, target)
    assert not target.exists()
    come = (tmp_path / "new" / "net.pth.part").stat().st_size
    assert 0 < come <= 3_000_000
    download(f"{server.address}/net.pth", target)
    assert target.read_bytes() == CONTENT
    assert server.requests[-1].range == f"bytes={come}-"
    assert [file.name for file in target.parent.iterdir()] == ["net.pth"]


def test_a_file_that_changed_in_between_is_begun_anew(server: Hub, tmp_path: Path) -> None:
    cut_download(server, tmp_path / "net.pth")
    server.files["/net.pth"] = CONTENT[::-1]
    download(f"{server.address}/net.pth", tmp_path / "net.pth")
    assert (tmp_path / "net.pth").read_bytes() == CONTENT[::-1]


def test_a_wrong_address_is_named(server: Hub, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"/nothing\.pth: HTTP 404 Not Found; correct the address"):
        download(f"{server.address}/nothing.pth", tmp_path / "net.pth")
    assert list(tmp_path.iterdir()) == []


def test_a_dead_network_is_reported_within_seconds(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 cannot be reached \(.*refused"):
        download("http://127.0.0.1:9/net.pth", tmp_path / "net.pth")
    assert time.monotonic() - begun < 5


def test_file_names() -> None:
    assert file_name("https://example.org/a/net.pth?download=true") == "net.pth"
