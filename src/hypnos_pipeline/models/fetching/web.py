"""Requests over http with patience, and refusals in words that say what to do.

A place that is busy or has trouble (429, 5xx) is asked again after the wait that it names. One that does not
answer at all is given up at once, and one that refuses is not asked again.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hypnos_pipeline.errors import FetchError, Refused, Unreachable

if TYPE_CHECKING:
    import requests

CONNECTING, WAITING = 5, 30
"""Seconds until a host counts as out of reach, and until one that stopped sending counts as gone."""
TRIES = 5
"""How often one thing is tried in a row without any success."""
PATIENCE = 300
"""The longest wait in seconds that a host may ask for; with more, the command ends and says so."""
GO_ON = "run the command again, it goes on from there"
_BUSY = (408, 429, 500, 502, 503, 504)
_log = logging.getLogger(__name__)


@contextmanager
def answer(url: str, headers: Mapping[str, str] | None = None) -> Generator[requests.Response]:
    """Requests an http or https address and yields what answers, its content not yet read.

    Args:
        url: The address; redirects are followed, and only the first host is sent an ``Authorization``.
        headers: Of the request.

    Raises:
        Unreachable: If the host does not answer.
        Refused: If it refuses.
        FetchError: If it is still busy or in trouble after several tries, or asks for a long wait.
    """
    trouble = ""
    for number in range(TRIES):
        with _asked(url, dict(headers or {})) as found:
            if found.status_code not in _BUSY:
                if not found.ok:
                    raise _refused(url, found)
                yield found
                return
            trouble = f"{url}: HTTP {found.status_code} {found.reason}"
            wait = _requested_wait(found.headers)
        if wait is not None and wait > PATIENCE:
            raise FetchError(f"{trouble}, and asks to wait {wait} seconds; {GO_ON} after that")
        if number + 1 < TRIES:
            seconds = 2**number if wait is None else wait
            _log.warning("%s; trying again in %d seconds", trouble, seconds)
            time.sleep(seconds)
    raise FetchError(f"{trouble}, {TRIES} times in a row; {GO_ON} when the place is well again")


def unreachable(host: str, reason: object) -> Unreachable:
    """Returns the error of a host that does not answer."""
    return Unreachable(f"{host} cannot be reached ({reason}); run the command again with network")


def innermost(error: BaseException) -> str:
    """Returns the innermost reason of an error, without the library's own wrapping."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__


@contextmanager
def _asked(url: str, headers: Mapping[str, str]) -> Generator[requests.Response]:
    """Requests an address once.

    Raises:
        Unreachable: If the host does not answer.
    """
    import requests

    try:
        found = requests.get(url, headers=headers, stream=True, timeout=(CONNECTING, WAITING))
    except (requests.ConnectionError, requests.Timeout) as error:
        raise unreachable(urlsplit(url).netloc, innermost(error)) from error
    except requests.RequestException as error:
        raise FetchError(f"{url}: {innermost(error)}; correct the address") from error
    with found:
        yield found


def _refused(url: str, found: requests.Response) -> Refused:
    """Returns the error of a refusal; the hub gives its reason in a header."""
    code = found.headers.get("X-Error-Code", "")
    return Refused(
        f"{url}: HTTP {found.status_code} {found.reason}; correct the address", found.status_code, code
    )


def _requested_wait(headers: Mapping[str, str]) -> int | None:
    """Returns the seconds that a host asks to wait: by ``Retry-After``, or by the hub's ``RateLimit``."""
    after = headers.get("Retry-After", "")
    limit = re.search(r";\s*r=0;\s*t=(\d+)", headers.get("RateLimit", ""))
    return int(after) if after.isdigit() else int(limit[1]) + 1 if limit else None
