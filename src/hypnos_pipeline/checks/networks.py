"""Each network by its id: here, pinned, verified; then the words and prompts, by its tokenizer."""

from __future__ import annotations

from pathlib import Path

from hypnos_pipeline.checks import preflight
from hypnos_pipeline.checks.check import Check, fails, ok, warn
from hypnos_pipeline.errors import LockError
from hypnos_pipeline.models.integrity import HASHED_SUFFIXES
from hypnos_pipeline.models.lock import LOCK_FILE, Lock, read_lock
from hypnos_pipeline.models.reference import fetch_command, is_present
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.models.status import model_status
from hypnos_pipeline.running.out_of_memory import shown_bytes
from hypnos_pipeline.study.parts import SoundParts

WORDS = "words, prompts"


def network_checks(parts: SoundParts, lock_file: Path) -> list[Check]:
    """Looks at every network whose reference is sound.

    Args:
        parts: The study.
        lock_file: The environment's ``models.lock``, in its own folder.
    """
    try:
        lock = read_lock(lock_file)
    except LockError as problem:
        return fails(LOCK_FILE, [problem.message])
    return [check for key in parts.models for check in _network(key, parts, lock, lock_file)]


def _network(key: str, parts: SoundParts, lock: Lock, lock_file: Path) -> list[Check]:
    name, reference = f"models.{key}", parts.models[key]
    faults = preflight.network_faults(parts, [key], lock_file)["networks"]
    if faults:
        pinned = "" if is_present(reference) else f"; {_pin(model_status(key, reference, lock).pinned)}"
        return fails(name, [fault.removeprefix(f"{name}: ") + pinned for fault in faults])
    return [_sound(name, key, reference, lock, lock_file.parent.name)]


def _pin(pinned: bool) -> str:
    return "pinned" if pinned else "unpinned"


def _sound(name: str, key: str, reference: ModelReference, lock: Lock, env: str) -> Check:
    status = model_status(key, reference, lock)
    if not status.present:  # the run makes it
        return ok(name, f"{status.id}: not made yet; the first run makes it")
    if not any(file.suffix in HASHED_SUFFIXES for file in Path(status.folder).rglob("*")):
        return ok(name, f"{status.id}: no network in it, and none is needed")
    verified = {True: "verified", None: "not verified", False: "altered"}[status.verified]
    text = f"{status.id}: present ({shown_bytes(status.bytes)}), {_pin(status.pinned)}, {verified}"
    if status.pinned and status.verified:
        return ok(name, text)
    if reference.fetched:
        return warn(name, f"{text}; `{fetch_command(env)}` records what it is in {LOCK_FILE}")
    return warn(
        name, f"{text}: no list of its files' sha256 beside it, so a changed file would not be noticed"
    )


def word_checks(parts: SoundParts, lock_file: Path, told: list[str]) -> list[Check]:
    """Checks rare words and prompts with the text-to-image model's tokenizer, where that is here.

    Args:
        parts: The study.
        lock_file: The environment's ``models.lock``.
        told: Faults of the configuration, which are not told twice.
    """
    found = preflight.network_faults(parts, ["text_to_image"], lock_file)
    judged = [lines for place, lines in found.items() if place != "networks"]
    if not judged:
        return [
            warn(WORDS, "not checked: their tokenizer comes with models.text_to_image, which is not here")
        ]
    if faults := [line for line in judged[0] if line not in told]:
        return fails(WORDS, faults)
    words = {word for each in parts.subjects.values() for word in (each.instance_word, each.background_word)}
    return [ok(WORDS, f"{', '.join(sorted(words))} are one token each; every prompt fits")]
