"""The study itself: its configuration, and the photos and masks of its subjects."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hypnos_pipeline.checks import preflight
from hypnos_pipeline.checks.check import Check, fail, fails, ok, warn
from hypnos_pipeline.checks.hooks import JUDGE, PHOTOS
from hypnos_pipeline.checks.photo_use import NETWORKS
from hypnos_pipeline.models.lock import LOCK_FILE
from hypnos_pipeline.storage.settings import CheckpointSettings
from hypnos_pipeline.study import environments
from hypnos_pipeline.study.environments import STUDY_FILE
from hypnos_pipeline.study.loading import loader_of, read_parameters
from hypnos_pipeline.study.model import Study, StudyError
from hypnos_pipeline.study.parts import SoundParts

CONFIGURATION = "configuration"


@dataclass(frozen=True)
class Examined:
    """A study as it lies there, however faulty.

    Attributes:
        root: The project's folder.
        env: The environment's name.
        parameters: As Kedro merges them; empty where they cannot be read.
        catalog: Kedro's, likewise.
        unreadable: Why there are no parameters; empty if there are.
    """

    root: Path
    env: str
    parameters: dict[str, Any]
    catalog: dict[str, Any]
    unreadable: list[str]

    @classmethod
    def read(cls, root: Path, env: str) -> Examined:
        """Reads the configuration without a Kedro session, which a faulty one would not open."""
        folder = root / "conf" / env
        if not folder.is_dir():
            known = environments.known(root)
            return cls(root, env, {}, {}, [f"no folder conf/{env}; expected one of {', '.join(known)}"])
        if not (folder / STUDY_FILE).is_file():
            missing = f"conf/{env}/{STUDY_FILE} is missing; write the study there, as conf/mini shows"
            return cls(root, env, {}, {}, [missing])
        loader = loader_of(root, env)
        try:
            return cls(root, env, read_parameters(loader), loader["catalog"], [])
        except StudyError as error:
            faults = [line for lines in error.faults.values() for line in lines]
            return cls(root, env, {}, {}, [f"{fault}; mend conf/{env}/{STUDY_FILE}" for fault in faults])

    @property
    def lock_file(self) -> Path:
        """The environment's record of its networks; there once any was fetched."""
        return self.root / "conf" / self.env / LOCK_FILE

    @cached_property
    def faults(self) -> list[str]:
        """What is wrong with the parameters."""
        return self.unreadable or Study.faults(self.parameters)

    @property
    def checkpoints(self) -> CheckpointSettings:
        """How runs can be resumed; the default where that is faulty."""
        try:
            return CheckpointSettings.model_validate(self.parameters.get("checkpoints", {}))
        except ValidationError:  # told of the configuration
            return CheckpointSettings()

    @cached_property
    def parts(self) -> SoundParts:
        """What of the study can be understood."""
        return SoundParts.of(Study, self.parameters)


def configuration_checks(study: Examined) -> list[Check]:
    """Names every faulty key of the study's file."""
    if study.faults:
        return fails(CONFIGURATION, study.faults)
    parts = study.parts
    counts = {
        "subject": len(parts.subjects),
        "method": sum(map(len, parts.methods.values())),
        "prompt set": len(parts.prompt_sets),
    }
    text = ", ".join(f"{count} {what}{'s' if count > 1 else ''}" for what, count in counts.items())
    return [ok(CONFIGURATION, f"conf/{study.env}/{STUDY_FILE}: {text}")]


def photo_checks(study: Examined) -> tuple[list[Check], int]:
    """Reads the photos and masks of every subject, and the user's own class images.

    Returns:
        The checks, and how many photos there are in all.
    """
    checks, removal, count, pattern = [], {}, 0, study.catalog[PHOTOS]["filepath"]
    owners = dict.fromkeys(subject.photos or name for name, subject in study.parts.subjects.items())
    for owner in (owner for owner in owners if owner in study.parts.names["subjects"]):
        found, photos = _photos(owner, study, study.root / pattern.format(subject=owner), removal)
        checks += found
        count += photos
    checks += fails("background removal", removal)
    for place, faults in preflight.class_prior_faults(study.parts).items():
        checks += fails("class prior", [f"{place}: {fault}" for fault in faults])
    return checks, count


def _photos(owner: str, study: Examined, folder: Path, removal: dict[str, None]) -> tuple[list[Check], int]:
    """Checks one folder of photos; what background removal lacks is added to ``removal``, as all share it."""
    from hypnos_pipeline.imaging.photos import PHOTO_SUFFIXES

    name = f"photos.{owner}"
    known = preflight.true_mask_folders(owner, study.parts, study.root / study.catalog[JUDGE]["filepath"])
    with _warnings_of("hypnos_pipeline.imaging") as warned:
        found = preflight.photo_faults(folder, study.parts, known)
    removal |= dict.fromkeys(found.pop(NETWORKS, []))
    faults = [f"{place}: {line}" for place, lines in found.items() for line in lines]
    files = folder.iterdir() if folder.is_dir() else ()
    photos = sum(file.suffix.lower() in PHOTO_SUFFIXES for file in files)
    if faults:
        return fails(name, faults), photos
    masks = len(list(folder.glob("masks/*.png")))
    beside = f"{masks or 'no'} mask{'' if masks == 1 else 's'} beside them"
    text = f"{preflight.shown(folder)}: {photos} photos, {beside}{', true masks known' if known else ''}"
    return [*(warn(name, line) for line in warned), ok(name, text)], photos


@contextmanager
def _warnings_of(name: str) -> Iterator[list[str]]:
    """Collects what a package's loggers warn of, in place of its showing between the lines."""
    logger, messages = logging.getLogger(name), []

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


def unexpected(name: str, problem: Exception) -> Check:
    """Returns the line for a check that could not be made: an installation may be broken in any way."""
    words = (str(problem).splitlines() or [""])[0]
    return fail(name, f"could not be checked ({type(problem).__name__}: {words}); see the lines above")
