"""One finished method of a study, for what is done with it afterwards: samples, exports."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.errors import RequestError, nearest

if TYPE_CHECKING:
    from hypnos_pipeline.study.model import Study

# The layers that pipelines write; DVC takes a file of ours inside one of their folders for a change.
_LAYERS = re.compile(r"0[1-8]_[a-z_]+")


@dataclass(frozen=True)
class MethodRequest:
    """What every request for a finished method names.

    Attributes:
        env: Environment of the study.
        subject: A subject of it.
        method: A method of it.
    """

    env: str
    subject: str
    method: str


@dataclass(frozen=True)
class FinishedMethod:
    """A method, finetuned on a subject.

    Attributes:
        study: The study that it belongs to.
        subject: A subject of the study.
        method: A method of the study.
        family: The method's.
        folder: Its finetuned model, relative to the project's folder; None for the base model.
        report: Its training's report; empty for the base model, or where there is none.
        parameters: All of Kedro's, those beside the study too.
    """

    study: Study
    subject: str
    method: str
    family: str
    folder: Path | None
    report: dict[str, Any]
    parameters: dict[str, Any]

    @property
    def token(self) -> str:
        """The token that Textual Inversion learned; empty for other families."""
        methods = self.study.methods.textual_inversion
        return methods[self.method].token if self.method in methods else ""

    @property
    def phrase(self) -> str:
        """What the method calls the subject: rare word and noun, the learned token, of the base the noun."""
        from hypnos_pipeline.prompting.templates import instance_phrase

        subject = self.study.subjects[self.subject]
        if self.family == "base":
            return subject.noun
        if self.family == "textual_inversion":
            return self.study.methods.textual_inversion[self.method].learned_phrase(subject.noun)
        return instance_phrase(subject)


@contextmanager
def finished_method(root: Path, request: MethodRequest, purpose: str) -> Generator[FinishedMethod]:
    """Opens a finished method and keeps runs off it meanwhile.

    Args:
        root: The project's folder and working directory.
        request: Names it.
        purpose: What is made of it; a run that is refused meanwhile names it.

    Raises:
        RequestError: If the study has no such subject or method, it has not been finetuned, or it learned
            another token than the study names.
        StudyError: If the study's configuration is wrong.
        Busy: If a run is at work on the model.
    """
    from kedro.framework.session import KedroSession

    from hypnos_pipeline.running.run_lock import FOLDER, RunLock
    from hypnos_pipeline.study.environments import require
    from hypnos_pipeline.study.model import Study

    env, subject, method = request.env, request.subject, request.method
    require(root, env)
    with (session := KedroSession.create(project_path=root, env=env)):
        context = session.load_context()
        study = Study.from_parameters(context.params)
        family = _family_of(study, env, subject, method)
        name = f"{subject}.{method}.finetuned"
        if family != "base" and not context.catalog.exists(name):  # pyright: ignore[reportUnknownMemberType]
            raise RequestError(
                f"{method} has not been finetuned on {subject} yet; everything of that subject:\n"
                f"  kedro run --env={env} --pipelines=full --namespaces={subject}"
            )
        lock = RunLock(root / FOLDER / env, {name}, {purpose})
        try:
            folder, report = None, dict[str, Any]()
            if family != "base":
                folder = context.catalog.load(name)  # pyright: ignore[reportUnknownMemberType]
                report = _report(context.catalog, f"{subject}.{method}.training_report")  # pyright: ignore[reportUnknownMemberType]
            if folder and folder.is_relative_to(root):  # Kedro's paths are whole
                folder = folder.relative_to(root)
            if folder and family == "textual_inversion":
                _check_token(folder, method, study.methods.textual_inversion[method].token)
            yield FinishedMethod(study, subject, method, family, folder, report, context.params)
        finally:
            lock.release()


def of_a_layer(root: Path, place: Path, own: str) -> bool:
    """Returns whether a place lies among the files of the pipeline or of DVC.

    Args:
        root: The project's folder.
        place: Relative to it, or absolute.
        own: Name of folders in the layers that no stage reads or writes.
    """
    place, data = (root / place).resolve(), (root / "data").resolve()
    parts = place.relative_to(data).parts if place.is_relative_to(data) else ()
    return bool(parts) and bool(_LAYERS.fullmatch(parts[0])) and own not in parts[:-1]


def _family_of(study: Study, env: str, subject: str, method: str) -> str:
    """Returns the family of a method.

    Raises:
        RequestError: Naming the subjects or methods that there are.
    """
    families = {name: family for family, name in study.entries()}
    names = (("subject", subject, study.subjects), ("method", method, families))
    wrong = [
        f"no {kind} {name!r} in the study {env!r}; {nearest(name, known)}"
        for kind, name, known in names
        if name not in known
    ]
    if wrong:
        raise RequestError("\n".join(wrong))
    return families[method]


def _check_token(folder: Path, method: str, token: str) -> None:
    """Refuses a learned token that is not the one which the study names.

    Raises:
        RequestError: If it is another.
    """
    from hypnos_pipeline.models.finetuned import load_learned_token

    if load_learned_token(folder).token != token:
        raise RequestError(
            f"{method} was finetuned with another token than {token!r}, which the study names now; "
            "finetune it anew"
        )


def _report(catalog: Any, name: str) -> dict[str, Any]:
    return catalog.load(name) if catalog.exists(name) else {}
