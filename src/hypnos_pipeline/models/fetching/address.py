"""One file from an address, going on where an earlier attempt was cut off."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.errors import FetchError, Refused
from hypnos_pipeline.models.fetching.web import GO_ON, TRIES, answer, innermost
from hypnos_pipeline.progress import Bar

if TYPE_CHECKING:
    import requests

_CHUNK = 1 << 16
"""Bytes read at a time; what has come of the last ones is lost when a connection is cut."""
_PARTIAL, _BEYOND_THE_END = 206, 416
_log = logging.getLogger(__name__)


def download(url: str, target: Path, headers: Mapping[str, str] | None = None) -> None:
    """Downloads a file from an http or https address to ``target``, with a bar of its progress.

    What has come so far lies beside the target until the rest is there. A connection that is cut is taken up
    again as long as more comes; so does the next call. A server that knows ranges then sends only the rest,
    unless the file has become another since.

    Args:
        url: The address.
        target: Where the file goes, once it is whole.
        headers: Of the request.

    Raises:
        Unreachable: If the host does not answer.
        Refused: If it refuses.
        FetchError: If it is busy, or stops in the middle again and again.
    """
    part, mark = part_of(target), target.with_name(f"{target.name}.etag")
    failures = 0
    while cut := _continued(url, part, mark, headers or {}):
        failures = 0 if cut.came else failures + 1
        if failures == TRIES:
            raise FetchError(f"{url}: {cut.reason}; {GO_ON}")
        _log.warning("%s: %s; going on from there", url, cut.reason)
        time.sleep(min(failures, 3))
    os.replace(part, target)
    mark.unlink(missing_ok=True)


def part_of(target: Path) -> Path:
    """Returns where what has come of a file lies until the rest is there."""
    return target.with_name(f"{target.name}.part")


class _Cut:
    """A download that ended too early.

    Attributes:
        came: Whether anything had come.
        reason: After how much, and why.
    """

    def __init__(self, came: bool, reason: str) -> None:
        self.came, self.reason = came, reason


def _continued(url: str, part: Path, mark: Path, headers: Mapping[str, str]) -> _Cut | None:
    """Receives what is missing in one connection; returns how it was cut, None if the file is whole."""
    start = part.stat().st_size if part.is_file() and mark.is_file() else 0
    wanted = {"Accept-Encoding": "identity", **headers}
    if start:
        wanted |= {"Range": f"bytes={start}-", "If-Range": mark.read_text(encoding="utf-8")}
    try:
        with answer(url, wanted) as found:
            part.parent.mkdir(parents=True, exist_ok=True)
            if etag := found.headers.get("ETag"):
                mark.write_text(etag, encoding="utf-8")
            else:
                mark.unlink(missing_ok=True)
            return _receive(found, part, start if found.status_code == _PARTIAL else 0)
    except Refused as error:
        if error.status != _BEYOND_THE_END or not start:
            raise
        part.unlink()
        return _Cut(True, "the file has become shorter")


def _receive(found: requests.Response, part: Path, start: int) -> _Cut | None:
    """Writes what comes after ``start``."""
    import requests

    announced = found.headers.get("Content-Length")
    total = start + int(announced) if announced else None
    bar = Bar(part.stem, total or 0, "byte", start)
    reason = ""
    with part.open("ab" if start else "wb") as file, bar:
        try:
            for chunk in found.iter_content(_CHUNK):
                file.write(chunk)
                bar.advance(len(chunk))
        except requests.RequestException as error:
            reason = innermost(error)
    received = part.stat().st_size
    if not reason and received == (total or received):
        return None
    why = reason or "the connection ended"
    return _Cut(received > start, f"cut off after {received} of {total or 'unknown'} bytes ({why})")
