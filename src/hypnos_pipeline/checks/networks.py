"""Networks: whether each one's files are here, whole, as recorded, and of a kind that can be used."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from hypnos_pipeline.checks.findings import Finding, Passed, errors, warning
from hypnos_pipeline.errors import LockError, Problem
from hypnos_pipeline.models.integrity import HASHED_SUFFIXES, unread_weights
from hypnos_pipeline.models.landmarks import landmark_problems
from hypnos_pipeline.models.loaded_weights import FROM_ONE_PLACE
from hypnos_pipeline.models.lock import LOCK_FILE, Lock, read_lock
from hypnos_pipeline.models.reference import absence, fetch_command, is_present
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.models.status import ModelStatus, model_status
from hypnos_pipeline.models.supported import unsupported
from hypnos_pipeline.running.out_of_memory import shown_bytes
from hypnos_pipeline.study.parts import ValidParts

_log = logging.getLogger(__name__)
_PINNED = {True: "pinned", False: "unpinned"}
_VERIFIED = {True: "verified", None: "not verified", False: "altered"}


def network_problems(parts: ValidParts, keys: Iterable[str], lock_file: Path | None = None) -> list[Problem]:
    """Looks at networks' files. Random networks that are not here yet are no problem: the run makes them.

    Args:
        parts: The study.
        keys: Below ``models``; those whose reference is wrong are skipped.
        lock_file: The environment's ``models.lock``, in its own folder; not looked for if not given.
    """
    return errors(network_findings(parts, keys, lock_file))


def network_findings(parts: ValidParts, keys: Iterable[str], lock_file: Path | None = None) -> list[Finding]:
    """Looks at networks' files, and says what each network is; see :func:`network_problems`."""
    try:
        lock = read_lock(lock_file) if lock_file else {}
    except LockError as error:
        return [Problem(LOCK_FILE, error.message)]
    env = lock_file.parent.name if lock_file else None
    return [
        finding
        for key in keys
        if key in parts.models
        for finding in _network(key, parts.models[key], lock, env)
    ]


def _network(key: str, reference: ModelReference, lock: Lock, env: str | None) -> list[Finding]:
    where, status = f"models.{key}", model_status(key, reference, lock, env)
    if status.problems:
        return [*status.problems]
    if status.present:
        folder = Path(reference.folder)
        return [*_unusable(where, key, folder)] or [
            _whole(where, reference, status, env),
            *_unread(where, key, folder),
        ]
    if reference.random is not None:
        return [Passed(where, f"{status.id}: not made yet; the first run makes it")]
    missing = absence(where, reference, env)
    pinned = f" ({_PINNED[status.pinned]})" if reference.fetched else ""
    return [replace(missing, what=f"{missing.what}{pinned}")]


def _unusable(where: str, key: str, folder: Path) -> list[Problem]:
    """Returns why a network whose files are whole cannot be used, as far as its files' headers say."""
    if key == "text_to_image" and (found := unsupported(folder)):
        return [replace(problem, where=where) for problem in found]
    return [Problem(where, line, FROM_ONE_PLACE) for line in landmark_problems(key, folder)]


def _unread(where: str, key: str, folder: Path) -> list[Finding]:
    """Warns of weights' files that nothing reads: who changes one of them changes nothing."""
    if not (names := unread_weights(key, folder)):
        return []
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    what = f"{folder / names[0]}{more}: weights that no run reads"
    return [warning(where, what, "remove what is of no use elsewhere")]


def _whole(where: str, reference: ModelReference, status: ModelStatus, env: str | None) -> Finding:
    if not any(file.suffix in HASHED_SUFFIXES for file in Path(status.folder).rglob("*")):
        return Passed(where, f"{status.id}: no network in it, and none is needed")
    size, pinned, verified = shown_bytes(status.bytes), _PINNED[status.pinned], _VERIFIED[status.verified]
    text = f"{status.id}: present ({size}), {pinned}, {verified}"
    if status.pinned and status.verified:
        return Passed(where, text)
    if reference.fetched:
        return warning(where, text, f"`{fetch_command(env)}` records what it is in {LOCK_FILE}")
    return warning(where, f"{text}: no list of its files' sha256 is beside it, so changes go unnoticed")


def make_random_networks(parts: ValidParts, keys: Iterable[str]) -> None:
    """Makes the random networks that are not here yet, which takes no network."""
    from hypnos_pipeline.models.random.folder import make_random_folder

    for key in keys:
        reference = parts.models[key]
        if reference.random is not None and not is_present(reference):
            _log.info("Making %s in %s, once", reference.id, reference.folder)
            make_random_folder(reference)
