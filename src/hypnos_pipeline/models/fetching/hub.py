"""The files of a network in a hub repository: at which commit, which of them are needed, and where."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from hypnos_pipeline.errors import FetchError, Refused
from hypnos_pipeline.models.fetching.choice import needed_files
from hypnos_pipeline.models.fetching.remote import RemoteFile, RemoteNetwork
from hypnos_pipeline.models.fetching.web import answer, unreachable


def find(key: str, repository: str, revision: str | None) -> RemoteNetwork:
    """Asks the hub for the commit (the newest unless ``revision`` names one) and the files of a network.

    Which files those are, the network's key below ``models`` says; see :func:`needed_files`. ``HF_ENDPOINT``
    names another hub, ``HF_TOKEN`` who asks.

    Raises:
        Unreachable: If the hub does not answer, or must not be used (``HF_HUB_OFFLINE``).
        FetchError: If there is no such repository or commit, or it lacks a file.
    """
    from huggingface_hub import constants, get_token

    if constants.is_offline_mode():
        raise unreachable(constants.ENDPOINT, "the environment variable HF_HUB_OFFLINE is set")
    token = get_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    suffix = f"/revision/{quote(revision, safe='')}" if revision else ""
    with refusals_explained(repository, revision):
        described = _json(f"{constants.ENDPOINT}/api/models/{repository}{suffix}?blobs=true", headers)
    try:
        commit, listed = str(described["sha"]), {file["rfilename"]: file for file in described["siblings"]}
    except (KeyError, TypeError) as error:
        raise FetchError(f"{repository}: {constants.ENDPOINT} is no hub; correct HF_ENDPOINT") from error
    try:
        names = needed_files(key, listed)
    except FetchError as error:
        raise FetchError(f"{repository} at {commit} {error.message}") from error
    content = f"{constants.ENDPOINT}/{repository}/resolve/{commit}"
    files = {
        name: RemoteFile(
            f"{content}/{quote(name)}", listed[name].get("size"), _digests(listed[name]), headers
        )
        for name in names
    }
    return RemoteNetwork(commit, files)


@contextmanager
def refusals_explained(repository: str, revision: str | None) -> Generator[None]:
    """Turns the hub's refusals into what to do about them.

    Raises:
        Refused: With the fix.
    """
    from huggingface_hub import constants

    try:
        yield
    except Refused as error:
        page = f"{constants.ENDPOINT}/{repository}"
        if error.code == "GatedRepo":
            what = f"{repository} is gated: accept its licence at {page}, then set HF_TOKEN to a token of"
            raise Refused(f"{what} that account, in the environment", error.status, error.code) from error
        if error.code == "RevisionNotFound":
            what = f"{repository} has no commit {revision}; correct the key revision"
            raise Refused(what, error.status, error.code) from error
        if error.code == "RepoNotFound":
            what = f"{page}: no such repository, or a private one; correct the key hub, or set HF_TOKEN to a"
            raise Refused(f"{what} token that may read it", error.status, error.code) from error
        raise


def _json(url: str, headers: Mapping[str, str]) -> Any:
    """Returns what an address answers in JSON, None if it is no JSON."""
    with answer(url, headers) as found:
        try:
            return found.json()
        except ValueError:
            return None


def _digests(listed: Mapping[str, Any]) -> dict[str, str]:
    """Returns the digests that the hub lists for a file: of a large one sha256, of a small one git's id."""
    large, small = listed.get("lfs") or {}, listed.get("blobId")
    if large:
        return {"sha256": str(large["sha256"])}
    return {"git": str(small)} if small else {}
