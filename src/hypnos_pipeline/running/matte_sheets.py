"""The contact sheets of mattes that ``kedro mattes`` shows: of subjects, and of folders that are none yet."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hypnos_pipeline.errors import Problem, RequestError, nearest

if TYPE_CHECKING:
    from hypnos_pipeline.study.model import Study

PIPELINE = "background_removal"
PHOTOS = Path("data/01_raw/subjects")
_QUIET = ("kedro", "hypnos_pipeline.imaging.mattes")
"""Loggers of what the command itself says."""


@dataclass(frozen=True)
class Sheet:
    """What is shown of one subject.

    Attributes:
        file: The sheet, relative to the project's folder.
        photos: How many photos have a matte.
        problems: What looks wrong, each naming its photo.
    """

    file: Path
    photos: int
    problems: list[Problem]


def make_sheets(root: Path, env: str, names: Sequence[str]) -> Iterator[Sheet]:
    """Runs background removal, and yields a sheet for each subject or folder.

    A subject's artefacts are those of its stage, which runs as it does under ``kedro run``. Of a folder that
    is no subject of the study the sheet alone is written, made as the study would.

    Args:
        root: The project's folder and working directory.
        env: Environment of the study.
        names: Subjects, or folders in ``data/01_raw/subjects``; none for all subjects.

    Raises:
        RequestError: If a name is neither, naming those that are.
        StudyError: If the study's configuration is wrong.
        PhotoError: If photos cannot be used.
        Busy: If a run is at work on the same mattes.
    """
    from kedro.framework.session import KedroSession
    from kedro.runner import SequentialRunner

    from hypnos_pipeline.study.environments import require
    from hypnos_pipeline.study.model import Study

    require(root, env)
    with _quietly(), (session := KedroSession.create(project_path=root, env=env)):
        context = cast("Any", session.load_context())
        study = Study.from_parameters(context.params)
        names = list(dict.fromkeys(names or study.subjects))
        _check_names(root, study, names)
        subjects = [name for name in names if name in study.subjects]
        if subjects:
            session.run(pipeline_names=[PIPELINE], namespaces=subjects, runner=SequentialRunner())
        for name in names:
            if name in study.subjects:
                yield _of_subject(env, context.catalog, name)  # pyright: ignore[reportUnknownMemberType]
            else:
                yield _of_folder(root, env, study, name)


def _check_names(root: Path, study: Study, names: Sequence[str]) -> None:
    folders = [path.name for path in sorted((root / PHOTOS).glob("*/"))]
    known = list(dict.fromkeys([*study.subjects, *folders]))
    if unknown := [name for name in names if name not in known]:
        text = "\n".join(
            f"--subject {name}: no such subject or folder; {nearest(name, known)}" for name in unknown
        )
        raise RequestError(f"{text}\nA folder of photos in {PHOTOS} is enough.")


def _of_subject(env: str, catalog: Any, name: str) -> Sheet:
    report = catalog.load(f"{name}.matte_report")
    return _sheet(_file(env, name), report)


def _file(env: str, name: str) -> Path:
    """Returns the sheet of a subject or folder, as the catalog has it."""
    return Path("data/02_intermediate") / env / name / "matte_sheet.png"


def _of_folder(root: Path, env: str, study: Study, name: str) -> Sheet:
    from hypnos_pipeline.imaging.photos import read_photos
    from hypnos_pipeline.imaging.working_set import make_working_set, matte_sheet
    from hypnos_pipeline.storage.replacing import replaced_file

    matting = study.models.matting
    working = make_working_set(
        read_photos(PHOTOS / name),
        study.background_removal,
        study.image_size,
        networks=Path(matting.folder) if matting else None,
    )
    file = _file(env, name)
    with replaced_file(root / file) as unfinished:
        matte_sheet(working).save(unfinished, "PNG")
    return _sheet(file, working.report)


def _sheet(file: Path, report: Sequence[dict[str, Any]]) -> Sheet:
    problems = [Problem(**problem) for row in report for problem in row["problems"]]
    return Sheet(file, sum("area" in row for row in report), problems)


@contextmanager
def _quietly() -> Generator[None]:
    """Keeps back Kedro's account of a run, and warnings that the command lists at its end."""
    loggers = [logging.getLogger(name) for name in _QUIET]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
