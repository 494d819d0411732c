"""The hub and a host of release files on this machine, as fetching needs them, and how both misbehave.

It answers what ``huggingface_hub`` 2.4 asks for (read in its ``hf_api.py``, ``file_download.py`` and
``utils/_http.py``): the description of a repository, its tree, and ``resolve``, which redirects a large file
to another host (302, with ``X-Linked-Etag`` and ``X-Linked-Size``) and a small one to a path of the hub (307,
``/api/resolve-cache``). A release file redirects to another host like GitHub's. Ranges are understood.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.hub.contents import Content, git_id, is_large, pieces, sha256_of, sibling, size_of, tree

COMMIT = "c0ffee" + "0" * 34
"""Of every repository, unless another is given."""


@dataclass(frozen=True)
class Fault:
    """How the answer to one path goes wrong.

    Attributes:
        status: The answer instead of the right one; 0 for the right one.
        headers: Sent along.
        cut: Bytes of content after which the connection ends.
        delay: Seconds before anything is sent.
        content: Sent instead of the right content, under the right one's name, size and digest.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    delay: float = 0.0
    content: bytes | None = None


@dataclass(frozen=True)
class Request:
    """What was requested, and how much of its content was sent."""

    method: str
    host: str
    path: str
    range: str | None
    authorization: str | None


@dataclass(frozen=True)
class Repository:
    """One repository of the hub.

    Attributes:
        files: Name to content, or to a file that is streamed from disk.
        commit: The only one it has.
        gated: Whether its files need a token of someone who has accepted its licence.
    """

    files: dict[str, Content]
    commit: str
    gated: bool


class Hub(ThreadingHTTPServer):
    """Serves repositories, release files and files by path; see the module.

    Attributes:
        files: Path to content, served as it is.
        repositories: By id.
        requests: Everything that was requested, in order.
        sent: Path to the bytes of content that were sent for it, all requests together.
        token: The one that may read gated repositories.
    """

    daemon_threads = True
    token = "hf_accepted"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, Content] = {}
        self.repositories: dict[str, Repository] = {}
        self.requests: list[Request] = []
        self.sent: Counter[str] = Counter()
        self._releases: set[str] = set()
        self._faults: dict[str, list[Fault]] = {}

    @property
    def address(self) -> str:
        """For ``HF_ENDPOINT``."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def other_host(self) -> str:
        """The same server by another name: clients must not send it the hub's token."""
        return f"http://localhost:{self.server_address[1]}"

    def publish(
        self, repository: str, files: Mapping[str, Content], commit: str = COMMIT, gated: bool = False
    ) -> None:
        """Puts files into a repository, which may exist already."""
        known = self.repositories.get(repository)
        self.repositories[repository] = Repository({**(known.files if known else {}), **files}, commit, gated)

    def release(self, path: str, content: Content) -> str:
        """Publishes a release file, which redirects to another host; returns its address."""
        self.files[path] = content
        self._releases.add(path)
        return f"{self.address}{path}"

    def fail(self, path: str, *faults: Fault) -> None:
        """Lets the next GET requests of a path fail, one fault each; then it works again.

        A large file of a repository comes from :meth:`content_path`, and so does a release file, which is
        asked for twice: for its size, and for its content.
        """
        self._faults.setdefault(path, []).extend(faults)

    def content_path(self, content: Content) -> str:
        """Returns where a large file's content comes from at last, on the other host."""
        return f"/cdn/{sha256_of(content)}"

    def ranges(self, path: str) -> list[str | None]:
        """Returns the range of each GET request of a path, in order."""
        return [each.range for each in self.requests if (each.method, each.path) == ("GET", path)]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Reports an error, but not that a client has hung up, as one that asks for a size alone does."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def next_fault(self, path: str, method: str) -> Fault:
        """Takes the next fault of a path; the one without any if there is none."""
        waiting = self._faults.get(path)
        return waiting.pop(0) if waiting and method == "GET" else Fault()

    def is_release(self, path: str) -> bool:
        """Whether a path is a release file's published one."""
        return path in self._releases

    def stored(self, digest: str) -> Content | None:
        """Returns the published content with a sha256."""
        everything = [
            *self.files.values(),
            *(c for r in self.repositories.values() for c in r.files.values()),
        ]
        return next((each for each in everything if sha256_of(each) == digest), None)


@contextmanager
def serving() -> Iterator[Hub]:
    """Yields a hub that answers."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.server, unquote(urlsplit(self.path).path)
        headers = self.headers
        hub.requests.append(
            Request(self.command, headers["Host"], path, headers.get("Range"), headers.get("Authorization"))
        )
        fault = hub.next_fault(path, self.command)
        time.sleep(fault.delay)
        if fault.status:
            self._send(fault.status, fault.headers)
        elif path.startswith("/api/models/"):
            self._describe(path.removeprefix("/api/models/"))
        elif path.startswith("/api/resolve-cache/models/"):
            owner, name, commit, file = path.removeprefix("/api/resolve-cache/models/").split("/", 3)
            self._resolve(f"{owner}/{name}", commit, file, fault)
        elif path.startswith("/cdn/"):
            self._content(hub.stored(path.removeprefix("/cdn/")), fault)
        elif "/resolve/" in path:
            repository, _, rest = path.strip("/").partition("/resolve/")
            self._resolve(repository, *rest.split("/", 1), None)
        elif hub.is_release(path):
            self._send(302, {"Location": hub.other_host + hub.content_path(hub.files[path])})
        else:
            self._content(hub.files.get(path), fault)

    def _describe(self, rest: str) -> None:
        """Answers ``<id>``, ``<id>/revision/<revision>`` and ``<id>/tree/<revision>[/<folder>]``."""
        owner, name, *more = rest.split("/", 4)
        found = self._permitted(f"{owner}/{name}", more[1] if more else "main")
        if found is None:
            return
        if more[:1] == ["tree"]:
            below = f"{more[2]}/" if more[2:] else ""
            self._json(tree({name: each for name, each in found.files.items() if name.startswith(below)}))
            return
        described = {"_id": "1", "id": f"{owner}/{name}", "modelId": f"{owner}/{name}", "sha": found.commit}
        described |= {"private": False, "gated": "auto" if found.gated else False, "tags": []}
        described |= {"downloads": 0, "likes": 0}
        self._json({**described, "siblings": [sibling(*file) for file in sorted(found.files.items())]})

    def _resolve(self, repository: str, revision: str, name: str, cached: Fault | None) -> None:
        """Redirects to a file's content; from the hub's cache, sends it as the fault wants it."""
        found = self._permitted(repository, revision)
        if found is None:
            return
        authorization = self.headers.get("Authorization")
        if found.gated and authorization != f"Bearer {self.server.token}":
            # 401 without a token and with one the hub does not know, 403 with one that may not.
            status = 403 if authorization and authorization.startswith("Bearer hf_") else 401
            message = f"Access to model {repository} is restricted."
            self._send(status, {"X-Error-Code": "GatedRepo", "X-Error-Message": message})
        elif (content := found.files.get(name)) is None:
            self._send(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
        elif is_large(name):
            location = self.server.other_host + self.server.content_path(content)
            sha256 = sha256_of(content)
            linked = {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(size_of(content))}
            self._send(302, {"Location": location, "X-Repo-Commit": found.commit, **linked})
        elif cached is None:
            location = f"/api/resolve-cache/models/{repository}/{found.commit}/{name}"
            linked = {"X-Linked-Etag": f'"{git_id(name, content)}"', "X-Linked-Size": str(size_of(content))}
            self._send(307, {"Location": location, "X-Repo-Commit": found.commit, **linked})
        else:
            self._content(content, cached, {"X-Repo-Commit": found.commit})

    def _permitted(self, repository: str, revision: str) -> Repository | None:
        """Returns a repository; answers that it, or the revision, does not exist."""
        found = self.server.repositories.get(repository)
        if found is None:
            # The hub does not tell a stranger whether there is such a repository.
            status = 404 if self.headers.get("Authorization") else 401
            self._send(status, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
        elif revision not in ("main", found.commit):
            message = f"Invalid rev id: {revision}"
            self._send(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": message})
            return None
        return found

    def _content(
        self, content: Content | None, fault: Fault, headers: Mapping[str, str] | None = None
    ) -> None:
        """Sends a file or the requested range of it."""
        if content is None:
            self._send(404, {})
            return
        etag = f'"{sha256_of(content)}"'
        start, stop = self._range(size_of(content))
        if self.headers.get("If-Range", etag) != etag:
            start, stop = 0, size_of(content)
        described = {"ETag": etag, "Accept-Ranges": "bytes", **(headers or {})}
        if start >= size_of(content) > 0:
            self._send(416, {"Content-Range": f"bytes */{size_of(content)}"})
            return
        partial = (start, stop) != (0, size_of(content))
        if partial:
            described["Content-Range"] = f"bytes {start}-{stop - 1}/{size_of(content)}"
        body = pieces(fault.content or content, start, stop)
        self._send(206 if partial else 200, described, body, stop - start, fault.cut)

    def _range(self, size: int) -> tuple[int, int]:
        """Returns begin and end of what is requested of a content."""
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        return int(first), min(int(last) + 1 if last else size, size)

    def _json(self, content: object) -> None:
        body = json.dumps(content).encode()
        self._send(200, {"Content-Type": "application/json"}, [body], len(body))

    def _send(
        self,
        status: int,
        headers: Mapping[str, str],
        body: Iterable[bytes] = (),
        size: int = 0,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(size)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            left = size if cut is None else min(cut, size)
            self.close_connection = left < size
            for piece in body:
                self.wfile.write(piece[:left])
                self.server.sent[unquote(urlsplit(self.path).path)] += len(piece[:left])
                left -= len(piece[:left])

    def log_message(self, *_: object) -> None:
        pass
