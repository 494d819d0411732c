"""All checks in the order in which a person would mend: libraries, machine, configuration, files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from hypnos_pipeline.checks.check import Check
from hypnos_pipeline.checks.installation import installation_checks
from hypnos_pipeline.checks.machine import machine_checks
from hypnos_pipeline.checks.networks import network_checks, word_checks
from hypnos_pipeline.checks.resources import disk_check, memory_checks
from hypnos_pipeline.checks.sizes import network_sizes
from hypnos_pipeline.checks.study_parts import (
    Examined,
    configuration_checks,
    photo_checks,
    unexpected,
)


def examine(root: Path, env: str) -> list[Check]:
    """Makes every check; none ends the others.

    Args:
        root: The project's folder, which is the working directory too.
        env: The environment.
    """
    study = Examined.read(root, env)
    checks = [
        *_guarded("libraries", lambda: installation_checks(root)),
        *_guarded("machine", lambda: machine_checks(study.parts)),
        *_guarded("configuration", lambda: configuration_checks(study)),
    ]
    if study.unreadable:
        return checks
    photos, count = photo_checks(study)
    sizes = network_sizes(study.parts)
    return [
        *checks,
        *_guarded("memory", lambda: memory_checks(study.parts, sizes)),
        *_guarded("disk", lambda: [disk_check(study, sizes, count)]),
        *photos,
        *_guarded("networks", lambda: network_checks(study.parts, study.lock_file)),
        *_guarded("words, prompts", lambda: word_checks(study.parts, study.lock_file, study.faults)),
    ]


def _guarded(name: str, check: Callable[[], Iterable[Check]]) -> list[Check]:
    try:
        return list(check())
    except Exception as problem:  # a broken library raises what it likes; the other lines still help
        return [unexpected(name, problem)]
