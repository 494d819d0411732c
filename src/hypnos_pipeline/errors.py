"""The errors that a user can cause, as one tree, and the problem that such an error names.

Every command ends such an error with its message and exit status 1, never with a traceback, wherever it was
raised; everything else is a mistake of ours and shows its traceback.

    HypnosError
    ├── ProblemsError            lists every problem found, not only the first
    │   ├── StudyError           keys, photos, words or networks that a run cannot use
    │   ├── PhotoError           photos or masks of one folder
    │   ├── ClaimsError          claims that a study cannot measure
    │   └── MissingModels        networks that are not on this machine
    ├── ModelError
    │   ├── LockError            models.lock cannot be read, or does not fit the study
    │   ├── FetchError           a network could not be fetched
    │   │   ├── Unreachable      the place that it comes from does not answer
    │   │   └── Refused          that place answers, and refuses
    │   ├── UnusableNetwork      a network's file is not what its loader reads
    │   ├── NotFinite            weights or images hold NaN or infinity
    │   └── UnsupportedModel     a kind of model that the method does not cover
    │       └── UnsupportedSchedule  a noise schedule or prediction type likewise
    ├── TrainingError
    │   ├── DivergedError        a loss or gradient is not finite
    │   └── PoolError            the pool lacks images that a method draws
    ├── RunError
    │   ├── Busy                 another run is at work on the same artefacts
    │   ├── UnusableLock         the folder of run locks cannot be written or locked
    │   ├── OutOfMemory          a stage needs more memory than there is
    │   ├── NodesFailed          nodes of a run failed, and the others are finished
    │   ├── WorkerDied           a worker process was killed in the middle of its task, again and again
    │   ├── ClusterError         a Dask scheduler is out of reach, or its workers cannot take part
    │   ├── StagesFailed         stages of dvc.yaml that did not end well
    │   └── StorageFull          no room for what was to be saved
    ├── FindingsError            the file of recorded findings cannot be read
    ├── RequestError             a request about a finished method that cannot be met
    │   ├── SampleError          of `kedro sample`
    │   └── ExportError          of `kedro export`
    └── ProvenanceError          a cell that cannot be listed, traced or reproduced
        ├── UnknownWord          no such subject, method, metric …
        ├── UndefinedCell        all words are known, yet the study has no such cell
        ├── StudyNotRun          the study has not run, or is not recorded
        │   └── Unrecorded       dvc.lock lacks a stage behind the cell
        ├── RecordError          dvc.lock cannot be read
        └── MissingInputs        inputs found neither in the working tree nor in git's history
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and how to fix it.

    Attributes:
        where: The file, folder or group of keys to look at.
        what: What is wrong, beginning with the key or the file's name.
        fix: What to do, or what was expected; empty where ``what`` already says it.
        severity: ``error`` where a run would be refused or end badly, ``warning`` where it may go on.
    """

    where: str
    what: str
    fix: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.what}; {self.fix}" if self.fix else self.what


def nearest(word: str, known: Iterable[object]) -> str:
    """Returns what was expected in place of an unknown word: the nearest known one first, then all."""
    return f"expected {choice(word, known)}"


def choice(word: str, known: Iterable[object]) -> str:
    """Returns what :func:`nearest` does, without the verb."""
    names = [str(each) for each in known]
    every = f"one of {', '.join(names)}" if names else "none"
    close = get_close_matches(word, names, 1)
    return f"{close[0]}, or another {every}" if close else every


def listed(problems: Iterable[Problem]) -> str:
    """Returns the problems as text: each place once, what is wrong there below it, each line once."""
    places: dict[str, dict[str, None]] = {}
    for problem in problems:
        places.setdefault(problem.where, {})[str(problem)] = None
    return "\n".join(
        line for place, lines in places.items() for line in [place, *(f"  - {x}" for x in lines)]
    )


class HypnosError(Exception):
    """Anything that a user can cause; the message says what is wrong and how to fix it."""

    @property
    def message(self) -> str:
        """The same as ``str()``."""
        return str(self)


class ProblemsError(HypnosError):
    """Several problems at once.

    Attributes:
        problems: All that were found, in the order in which they are best fixed.
    """

    head = "{count} to fix"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(dict.fromkeys(problems))
        count = len(self.problems)
        head = self.head.format(count=f"{count} problem{'s' * (count != 1)}")
        super().__init__(f"{head}\n{listed(self.problems)}")


class StudyError(ProblemsError):
    """A study that cannot be run."""

    head = "Nothing was run: {count} to fix."


class PhotoError(ProblemsError):
    """Photos or masks of one folder that cannot be used."""

    head = "Photos: {count} to fix."


class ClaimsError(ProblemsError):
    """Claims that are unreadable, or that a study cannot measure."""

    head = "Claims: {count} to fix."


class MissingModels(ProblemsError):
    """Networks that the study names and that are not on this machine."""

    head = "Networks: {count} to fix."


class ModelError(HypnosError):
    """A network that cannot be used."""


class LockError(ModelError):
    """``models.lock`` cannot be read, or does not fit the study."""


class FetchError(ModelError):
    """A network could not be fetched."""


class Unreachable(FetchError):
    """The place that a network comes from does not answer."""


class Refused(FetchError):
    """The place that a network comes from answers, and refuses.

    Attributes:
        status: Of the answer, e.g. 404.
        code: The hub's reason, e.g. ``GatedRepo``; empty where none was given.
    """

    def __init__(self, message: str, status: int = 0, code: str = "") -> None:
        self.status, self.code = status, code
        super().__init__(message)


class UnusableNetwork(ModelError):
    """A network's file is not what its loader reads."""


class NotFinite(ModelError):
    """Weights, or a network's output, hold NaN or infinity."""


class UnsupportedModel(ModelError):
    """A kind of text-to-image model that the method does not cover."""


class UnsupportedSchedule(UnsupportedModel):
    """A noise schedule or prediction type that the method does not cover."""


class TrainingError(HypnosError):
    """A training that cannot start or go on."""


class DivergedError(TrainingError):
    """A loss or a gradient is not finite."""


class PoolError(TrainingError):
    """The pool lacks images that a method's probabilities call for."""


class RunError(HypnosError):
    """A run that this machine cannot do now."""


class Busy(RunError):
    """Another run is at work on the same artefacts."""


class UnusableLock(RunError):
    """The folder of run locks cannot be written, or its disk knows no file locks."""


class OutOfMemory(RunError):
    """A stage needed more memory than there is."""


class NodesFailed(RunError):
    """Nodes of a run failed; those that do not need them are finished."""


class WorkerDied(RunError):
    """A worker process was killed in the middle of its task, again and again.

    Attributes:
        here: Whether that was on this machine, the last time with nothing beside it.
    """

    def __init__(self, task: str, times: int, *, here: bool = True) -> None:
        self.here = here
        super().__init__(f"{task}: its process was killed {times} times")


class ClusterError(RunError):
    """A Dask scheduler does not answer or was lost, or none of its workers can take part in a run."""


class StagesFailed(RunError):
    """Stages of ``dvc.yaml`` that did not end well; the message names each, why, and its log."""


class StorageFull(RunError):
    """There is no room for what was to be saved; what was there before is untouched."""


class FindingsError(HypnosError):
    """Findings or records of trainings that cannot be read, kept or written."""


class RequestError(HypnosError):
    """A request about a finished method that cannot be met; the message says what can."""


class SampleError(RequestError):
    """A request for samples."""


class ExportError(RequestError):
    """A request for a finetuned model in another format."""


class ProvenanceError(HypnosError):
    """A cell cannot be listed, traced or reproduced; the message says why and what to do."""


class UnknownWord(ProvenanceError):
    """A word that names no subject, method, metric …; the message lists the known ones.

    Attributes:
        kind: What the word should have named.
        word: As typed.
    """

    def __init__(self, kind: str, word: str, known: Sequence[str]) -> None:
        self.kind, self.word = kind, word
        super().__init__(f"unknown {kind.replace('_', ' ')} '{word}'; {nearest(word, known)}")


class UndefinedCell(ProvenanceError):
    """All words are known, yet the study has no such cell."""


class StudyNotRun(ProvenanceError):
    """The study has not run or is not recorded; the message says what to run."""


class Unrecorded(StudyNotRun):
    """The record lacks a stage behind the cell."""


class RecordError(ProvenanceError):
    """The record, ``dvc.lock``, cannot be read."""


class MissingInputs(ProvenanceError):
    """Inputs that neither the working tree nor git's history has as recorded."""
