"""Which records of an environment exist, which are stale and which are missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from hypnos_pipeline.errors import RequestError, nearest
from hypnos_pipeline.findings import DEFAULT
from hypnos_pipeline.findings.keys import Keys
from hypnos_pipeline.findings.record import FOLDER, Record, Training, load, load_key, save
from hypnos_pipeline.findings.upstream import Upstream, Work
from hypnos_pipeline.running import timings
from hypnos_pipeline.stages import Conventions
from hypnos_pipeline.stages.environments import Environment
from hypnos_pipeline.study.loading import current_parameters
from hypnos_pipeline.study.model import Study


class Kept(StrEnum):
    """How it stands with one training's record."""

    YES = "recorded"
    STALE = "stale"
    MISSING = "missing"


@dataclass(frozen=True)
class Standing:
    """How it stands with one training's record, and which parts of its key have changed if it is stale."""

    kept: Kept
    changed: tuple[str, ...] = ()


class FindingsStudy:
    """An environment's study and the records of its trainings.

    Args:
        root: The project's folder.
        name: The environment's.
        conventions: Of the project's stages.

    Attributes:
        study: The study.
        env: The environment.
        upstream: The nodes behind each training.
    """

    def __init__(self, root: Path, name: str, conventions: Conventions) -> None:
        self.root, self.env = root, Environment.read(root, name)
        self.study = Study.from_parameters(current_parameters())
        self.upstream = Upstream(self.env.pipelines["__default__"])
        self._keys = Keys(self.env, self.upstream, conventions)

    def trainings(self, sets: Collection[str] = (), methods: Collection[str] = ()) -> list[Training]:
        """Returns the trainings in the order in which they are made: the first ones of all sets first.

        Args:
            sets: Only these; without any, all.
            methods: Only these; without any, all.

        Raises:
            RequestError: If the study has no such set or method.
        """
        all_methods = [method for _, method in self.study.entries()]
        for what, wanted, known in (("set", sets, self.study.subjects), ("method", methods, all_methods)):
            for name in wanted:
                if name not in known:
                    raise RequestError(f"no {what} {name!r} in the study; {nearest(name, known)}")
        return [
            Training(subject, method, number)
            for number in range(1, self.study.trainings + 1)
            for subject in self.study.subjects
            if not sets or subject in sets
            for method in all_methods
            if not methods or method in methods
        ]

    def key(self, training: Training) -> Mapping[str, str]:
        """Returns what a training's values depend on, as it is now."""
        return self._keys.of(training.namespace)

    def command(self, name: str = "") -> str:
        """Returns how a command of these findings is typed: ``kedro findings run``."""
        words = ["kedro findings", name, "" if self.env.name == DEFAULT else f"--env {self.env.name}"]
        return f"`{' '.join(word for word in words if word)}`"

    @cached_property
    def folder(self) -> Path:
        """The folder of the environment's records."""
        return self.root / FOLDER / self.env.name

    def standing(self, training: Training) -> Standing:
        """Returns how it stands with a training's record."""
        recorded = load_key(self.folder / training.file)
        if recorded is None:
            return Standing(Kept.MISSING)
        changed = tuple(part for part, digest in self.key(training).items() if recorded.get(part) != digest)
        return Standing(Kept.STALE if changed else Kept.YES, changed)

    def records(self) -> Iterator[tuple[Training, Record]]:
        """Yields the records that are up to date."""
        for training in self.trainings():
            if self.standing(training).kept is Kept.YES:
                yield training, load(self.folder / training.file)

    def save(self, training: Training, record: Record) -> None:
        """Keeps a training's record."""
        save(self.folder / training.file, record)

    def seconds(self, works: Collection[Work]) -> dict[str, float]:
        """Returns what each node of some work takes on this machine, by its name: an estimate."""
        from kedro.pipeline import Pipeline

        pipeline = Pipeline([node for work in works for node in work.nodes])
        known = timings.known(self.root, self.env.name)
        return timings.expected(pipeline, self.study, known, 1.0 if known else timings.speed())
