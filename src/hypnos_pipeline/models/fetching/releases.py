"""Where a release file comes from: its own address, or a copy that ``HYPNOS_RELEASES`` names.

The variable holds the address of a mirror or the path of a folder, in which a file lies below its host and
path, as ``wget --mirror`` keeps it, or plainly under its name.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from hypnos_pipeline.errors import FetchError, Refused
from hypnos_pipeline.models.fetching.web import answer

VARIABLE = "HYPNOS_RELEASES"
_NOT_FOUND = 404


def file_name(url: str) -> str:
    """Returns the name of the file at an address."""
    return Path(urlsplit(url).path).name or "download"


def is_address(location: str) -> bool:
    """Returns whether a location is an http or https address; else it is a path."""
    return location.startswith(("http://", "https://"))


def find(url: str) -> tuple[str, int | None]:
    """Returns where a release file lies, an address or a path, and its size in bytes where it is known.

    Raises:
        FetchError: If it lies nowhere, or its host refuses or does not answer.
    """
    base = os.environ.get(VARIABLE, "").rstrip("/")
    if not base:
        return url, _size(url)
    places = [f"{base}/{urlsplit(url).netloc}{urlsplit(url).path}", f"{base}/{file_name(url)}"]
    for place in places:
        try:
            return place, _size(place) if is_address(place) else Path(place).stat().st_size
        except FileNotFoundError:
            continue
        except Refused as error:
            if error.status != _NOT_FOUND:
                raise
    neither = f"neither {places[0]} nor {places[1]} is there"
    raise FetchError(f"{neither}; put the file there, or unset the environment variable {VARIABLE}")


def _size(url: str) -> int | None:
    """Asks for a file and reads the headers alone; not every host answers HEAD."""
    with answer(url, {"Accept-Encoding": "identity"}) as found:
        length = found.headers.get("Content-Length")
    return int(length) if length else None
