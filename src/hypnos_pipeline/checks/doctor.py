"""All checks in the order in which a person would fix things: libraries, machine, configuration, files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hypnos_pipeline.checks.duration import duration_finding
from hypnos_pipeline.checks.findings import Finding, Passed, warning
from hypnos_pipeline.checks.installation import installation_findings
from hypnos_pipeline.checks.loading import loading_findings
from hypnos_pipeline.checks.machine import machine_findings, tracking_problems
from hypnos_pipeline.checks.metrics import metric_warnings
from hypnos_pipeline.checks.networks import network_findings
from hypnos_pipeline.checks.photos import class_prior_problems, cut_out_problems, photo_problems
from hypnos_pipeline.checks.read_once import read_once
from hypnos_pipeline.checks.resources import disk_finding, memory_findings, priors_finding
from hypnos_pipeline.checks.sizes import network_sizes
from hypnos_pipeline.checks.study_files import StudyFiles
from hypnos_pipeline.checks.words import word_findings
from hypnos_pipeline.configuration.messages import shown
from hypnos_pipeline.errors import Problem
from hypnos_pipeline.imaging.photo_files import PhotoFiles, find_photo_files


def examine(root: Path, env: str) -> list[Finding]:
    """Makes every check; none ends the others.

    Args:
        root: The project's folder, which is the working directory too.
        env: The environment.
    """
    study = StudyFiles.read(root, env)
    checks: dict[str, Callable[[], Iterable[Finding]]] = {
        "libraries": lambda: installation_findings(root),
        "machine": lambda: [*machine_findings(study.parts), *tracking_problems(study.parameters)],
        "configuration": lambda: _configuration(study),
    }
    if study.catalog:
        sizes = network_sizes(study.parts)
        checks |= {
            "memory": lambda: memory_findings(study.parts, sizes),
            "disk": lambda: [disk_finding(study, sizes, _photo_count(study)), *priors_finding(root)],
            "time": lambda: duration_finding(study),
            "photos": lambda: _photos(study),
            "networks": lambda: network_findings(study.parts, study.parts.models, study.lock_file),
            "loading": lambda: loading_findings(study.parts, study.lock_file),
            "words": lambda: word_findings(study.parts),
        }
    found = [finding for name, check in checks.items() for finding in _guarded(name, check)]
    # Background removal is the same for all subjects, and some words are checked with the configuration too.
    seen = {str(problem) for problem in study.problems}
    words = [each for each in found if each in study.problems or str(each) not in seen]
    return list(dict.fromkeys(words))


def _guarded(name: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except Exception as problem:  # a broken library raises what it likes; the other lines still help
        words = (str(problem).splitlines() or [""])[0]
        return [
            Problem(name, f"could not be checked ({type(problem).__name__}: {words})", "see the lines above")
        ]


def _configuration(study: StudyFiles) -> list[Finding]:
    """Names every wrong key of the study's file, or says what the study has."""
    if study.problems:
        return [*study.problems]
    parts = study.parts
    counts = {
        "subject": len(parts.subjects),
        "method": sum(map(len, parts.methods.values())),
        "prompt set": len(parts.prompt_sets),
    }
    text = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items())
    trainings = parts.trainings
    text += f", {trainings} trainings of each method" if trainings > 1 else ""
    return [Passed(f"conf/{study.env}", text), *metric_warnings(parts)]


def _photo_count(study: StudyFiles) -> int:
    return sum(len(_found_files(folder).photos) for folder in study.photo_folders().values())


def _found_files(folder: Path) -> PhotoFiles:
    return find_photo_files(folder) if folder.is_dir() else PhotoFiles()


def _photos(study: StudyFiles) -> Iterator[Finding]:
    """Reads the photos and masks of every subject, and the user's own class images."""
    with read_once(study.root) as known:
        for folder in study.photo_folders().values():
            with _warnings_of("hypnos_pipeline.imaging") as warned:
                problems = photo_problems(folder, study.parts, study.truth, known=known)
            yield from problems
            if not problems:
                yield from (warning(shown(folder), line) for line in warned)
                files = _found_files(folder)
                masks = len(files.masks)
                beside = f"{masks or 'no'} mask{'' if masks == 1 else 's'} beside them"
                yield Passed(shown(folder), f"{len(files.photos)} photos, {beside}")
    yield from class_prior_problems(study.parts) + cut_out_problems(study.parts)


@contextmanager
def _warnings_of(name: str) -> Generator[list[str]]:
    """Collects what a package's loggers warn of, in place of its showing between the lines."""
    logger, messages = logging.getLogger(name), list[str]()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    collector, passes_on = Collector(logging.WARNING), logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield messages
    finally:
        logger.removeHandler(collector)
        logger.propagate = passes_on
