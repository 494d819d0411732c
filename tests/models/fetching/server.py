"""A server on this machine with files by address, and the few routes of the hub that fetching uses."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "c0ffee" + "0" * 34


class FileServer(ThreadingHTTPServer):
    """Serves files, knows ranges, and can cut connections.

    Attributes:
        files: Path to content; those of a repository as ``/owner/name/resolve/<commit>/<file>``.
        cuts: Path to the number of bytes after which one connection ends.
        requests: Every method, path and range that was requested.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.cuts: dict[str, int] = {}
        self.requests: list[tuple[str, str, str | None]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def publish(self, repository: str, files: dict[str, bytes]) -> None:
        """Puts files into a repository of the hub."""
        self.files |= {f"/{repository}/resolve/{COMMIT}/{name}": content for name, content in files.items()}

    def info(self, repository: str) -> bytes | None:
        """Returns the hub's description of a repository."""
        prefix = f"/{repository}/resolve/{COMMIT}/"
        names = [path.removeprefix(prefix) for path in self.files if path.startswith(prefix)]
        siblings = [
            {"rfilename": name, "size": len(content), "blobId": "0" * 40} | _large_file(name, content)
            for name in names
            for content in [self.files[prefix + name]]
        ]
        described = {"_id": "1", "id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings}
        described |= {"private": False, "tags": [], "downloads": 0, "likes": 0}
        return json.dumps(described).encode() if names else None


def _large_file(name: str, content: bytes) -> dict:
    if name.endswith((".json", ".txt")):
        return {}
    sha256 = hashlib.sha256(content).hexdigest()
    return {"lfs": {"sha256": sha256, "size": len(content), "pointerSize": 130}}


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path, requested = urlsplit(self.path).path, self.headers.get("Range")
        self.server.requests.append((self.command, path, requested))
        if path.startswith("/api/models/"):
            content = self.server.info(path.removeprefix("/api/models/").partition("/revision/")[0])
        else:
            content = self.server.files.get(path)
        if content is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        start = int(requested.removeprefix("bytes=").partition("-")[0]) if requested else 0
        if self.headers.get("If-Range", etag) != etag:
            start = 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        for name, value in (("ETag", etag), ("X-Repo-Commit", COMMIT), ("Accept-Ranges", "bytes")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if body:
            end = self.server.cuts.pop(path, len(content))
            self.wfile.write(content[start:end])
            self.close_connection = end < len(content)

    def log_message(self, *_: object) -> None:
        pass
