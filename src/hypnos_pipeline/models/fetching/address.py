"""One file from an address, going on where an earlier attempt was cut off."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hypnos_pipeline.errors import FetchError, Unreachable

if TYPE_CHECKING:
    import requests

CONNECTING, WAITING = 5, 30
"""Seconds until a host counts as out of reach, and until one that stopped sending counts as gone."""
GO_ON = "run the command again, it goes on from there"
_CHUNK = 1 << 20


def file_name(url: str) -> str:
    """Returns the name of the file at an address."""
    return Path(urlsplit(url).path).name or "download"


def download(url: str, target: Path) -> None:
    """Downloads a file from an http or https address to ``target``, with a bar of its progress.

    What has come so far lies beside the target until the rest is there; a server that knows ranges then sends
    only the rest, unless the file has become another since.

    Raises:
        Unreachable: If the host does not answer.
        FetchError: If it refuses, or stops in the middle.
    """
    import requests

    part, mark = target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.etag")
    start = part.stat().st_size if part.is_file() and mark.is_file() else 0
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": mark.read_text(encoding="utf-8")}
    try:
        answer = requests.get(url, headers=headers, stream=True, timeout=(CONNECTING, WAITING))
    except (requests.ConnectionError, requests.Timeout) as error:
        raise unreachable(urlsplit(url).netloc, _cause(error)) from error
    with answer:
        if not answer.ok:
            part.unlink(missing_ok=True)
            raise FetchError(f"{url}: HTTP {answer.status_code} {answer.reason}; correct the address")
        target.parent.mkdir(parents=True, exist_ok=True)
        start = start if answer.status_code == requests.codes.partial_content else 0
        if etag := answer.headers.get("ETag"):
            mark.write_text(etag, encoding="utf-8")
        else:
            mark.unlink(missing_ok=True)
        _receive(answer, part, start)
    os.replace(part, target)
    mark.unlink(missing_ok=True)


def _receive(answer: requests.Response, part: Path, start: int) -> None:
    """Writes what comes after ``start``.

    Raises:
        FetchError: If less comes than was announced.
    """
    import requests
    from tqdm import tqdm

    announced = answer.headers.get("Content-Length")
    total = start + int(announced) if announced else None
    size = {"total": total, "initial": start, "unit": "B", "unit_scale": True, "unit_divisor": 1024}
    bar = tqdm(desc=file_name(answer.url), disable=None, **size)
    ended = reason = "the connection ended"
    with part.open("ab" if start else "wb") as file, bar:
        try:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        except requests.RequestException as error:
            reason = _cause(error)
    received = part.stat().st_size
    if (total is not None and received != total) or reason != ended:
        cut = f"{answer.url}: cut off after {received} of {total or 'unknown'} bytes ({reason})"
        raise FetchError(f"{cut}; {GO_ON}")


def unreachable(host: str, reason: object) -> Unreachable:
    """Returns the error of a host that does not answer."""
    return Unreachable(f"{host} cannot be reached ({reason}); run the command again with network")


def _cause(error: BaseException) -> str:
    """Returns the innermost reason, without the library's own wrapping."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__
