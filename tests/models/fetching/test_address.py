"""One file from an address: whole or refused, going on after a cut, patient with a busy host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hypnos_pipeline.errors import FetchError, Refused, Unreachable
from hypnos_pipeline.models.fetching import web
from hypnos_pipeline.models.fetching.address import download
from hypnos_pipeline.models.fetching.releases import file_name
from hypnos_pipeline.models.fetching.web import TRIES
from tests.hub.server import Fault, Hub

CONTENT = os.urandom(5_000_000)
PATH = "/net.pth"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "new" / "net.pth"


@pytest.fixture
def url(server: Hub) -> str:
    server.files[PATH] = CONTENT
    return server.address + PATH


def cut_download(server: Hub, url: str, target: Path) -> int:
    """Begins a download that ends in the middle and gets no further; returns how much has come."""
    server.fail(PATH, Fault(cut=3_000_000), *[Fault(cut=0)] * TRIES)
    with pytest.raises(FetchError, match=r"cut off after \d+ of 5000000 bytes .* it goes on from there"):
        download(url, target)
    assert not target.exists()
    come = target.with_name("net.pth.part").stat().st_size
    assert 0 < come <= 3_000_000
    return come


def test_a_cut_connection_is_taken_up_again_and_only_the_rest_is_sent(
    server: Hub, url: str, target: Path
) -> None:
    server.fail(PATH, Fault(cut=2_000_000), Fault(cut=1_000_000))
    download(url, target)
    assert target.read_bytes() == CONTENT
    first, second, third = server.ranges(PATH)
    assert first is None
    assert second is not None
    assert third is not None
    # What was on its way when the connection ended may be sent twice, never the whole.
    assert server.sent[PATH] < len(CONTENT) + 2 * (1 << 16)
    assert [file.name for file in target.parent.iterdir()] == ["net.pth"]


def test_the_next_command_goes_on_where_the_last_one_ended(server: Hub, url: str, target: Path) -> None:
    come = cut_download(server, url, target)
    download(url, target)
    assert target.read_bytes() == CONTENT
    assert server.ranges(PATH)[-1] == f"bytes={come}-"
    assert [file.name for file in target.parent.iterdir()] == ["net.pth"]


def test_a_file_that_changed_in_between_is_begun_anew(server: Hub, url: str, target: Path) -> None:
    cut_download(server, url, target)
    server.files[PATH] = CONTENT[::-1]
    download(url, target)
    assert target.read_bytes() == CONTENT[::-1]


def test_a_file_that_became_shorter_is_begun_anew(server: Hub, url: str, target: Path) -> None:
    cut_download(server, url, target)
    target.with_name("net.pth.etag").unlink()
    server.files[PATH] = b"short"
    (target.with_name("net.pth.part")).write_bytes(b"longer than that")
    download(url, target)
    assert target.read_bytes() == b"short"
    target.with_name("net.pth.etag").write_text('"2ab50b8e6f9b2c2e"')
    server.fail(PATH, Fault(status=416))
    (target.with_name("net.pth.part")).write_bytes(b"longer than that")
    download(url, target)
    assert target.read_bytes() == b"short"


def test_a_busy_host_is_asked_again_after_the_wait_it_names(
    server: Hub, url: str, target: Path, waits: list[float]
) -> None:
    limit = {"RateLimit": '"resolvers";r=0;t=17'}
    server.fail(PATH, Fault(429, {"Retry-After": "7"}), Fault(503), Fault(429, limit))
    download(url, target)
    assert target.read_bytes() == CONTENT
    assert waits == [7, 2, 18]


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ([Fault(500)] * TRIES, r"HTTP 500 Internal Server Error, 5 times in a row; run the command again"),
        (
            [Fault(429, {"Retry-After": "3600"})],
            r"HTTP 429 .*asks to wait 3600 seconds; run the command again",
        ),
    ],
)
def test_patience_ends(
    server: Hub, url: str, target: Path, waits: list[float], faults: list[Fault], message: str
) -> None:
    server.fail(PATH, *faults)
    with pytest.raises(FetchError, match=message):
        download(url, target)
    assert sum(waits) <= 15
    download(url, target)
    assert target.read_bytes() == CONTENT


def test_trouble_in_the_middle_loses_nothing(server: Hub, url: str, target: Path) -> None:
    server.fail(PATH, Fault(cut=3_000_000), *[Fault(500)] * TRIES)
    with pytest.raises(FetchError, match="HTTP 500"):
        download(url, target)
    come = target.with_name("net.pth.part").stat().st_size
    download(url, target)
    assert target.read_bytes() == CONTENT
    assert server.ranges(PATH)[-1] == f"bytes={come}-"


def test_a_host_that_stops_answering_is_given_up(
    server: Hub, url: str, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "WAITING", 0.2)
    server.fail(PATH, Fault(delay=1.0))
    with pytest.raises(Unreachable, match=r"cannot be reached \(.*timed out"):
        download(url, target)
    assert not target.parent.exists()


def test_a_wrong_address_is_named(server: Hub, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"/nothing\.pth: HTTP 404 Not Found; correct the address"):
        download(f"{server.address}/nothing.pth", tmp_path / "net.pth")
    assert list(tmp_path.iterdir()) == []


def test_a_dead_network_is_reported_within_seconds(tmp_path: Path, waits: list[float]) -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 cannot be reached \(.*refused"):
        download("http://127.0.0.1:9/net.pth", tmp_path / "net.pth")
    assert sum(waits) < 5


def test_file_names() -> None:
    assert file_name("https://example.org/a/net.pth?download=true") == "net.pth"
