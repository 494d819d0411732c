"""``dvc.lock``, written anew after each stage with the bytes that DVC would write.

DVC parses and writes the whole file for every stage, which takes minutes in a catalogue of products. Here the
text of each stage is kept, and only the stage that has finished is put into words. What other processes of
DVC's write in between is read and kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dvc.stage import PipelineStage, Stage
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize import dumps_yaml

EMPTY = "schema: '2.0'\nstages:\n"
STAGES = re.compile(r"^stages:(?: \{\})?\n((?: .*\n)*)", re.MULTILINE)
ONE_STAGE = re.compile(r"^  \S.*\n(?:   .*\n)*", re.MULTILINE)

REPEATED = re.compile(r"(?<=[:-] [&*])id(\d+)$", re.MULTILINE)


class Record:
    """What is recorded of a project's stages.

    Args:
        order: Names of the stages in the order in which DVC would run them. Those that are not recorded yet
            are recorded in this order, whichever finishes first.
    """

    def __init__(self, order: Sequence[str]) -> None:
        self._order = {name: place for place, name in enumerate(order)}
        self._files: dict[Path, _LockFile] = {}

    def write(self, stage: Stage) -> None:
        """Records a stage whose dependencies and outputs are hashed."""
        if not isinstance(stage, PipelineStage):  # of a file of its own, as `dvc add` makes
            stage.dump(update_pipeline=False)
            return
        path = Path(stage.path).with_suffix(".lock")
        if path not in self._files:
            self._files[path] = _LockFile(path)
        text = dumps_yaml({"stages": to_lockfile(stage)})
        if self._files[path].write(text, self._order[str(stage.addressing)]):
            stage.repo.scm_context.track_file(os.path.relpath(path))


class _LockFile:
    """The text of one ``dvc.lock``, cut into its stages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._added: dict[str, tuple[int, str]] = {}
        self._read()

    def _read(self) -> None:
        text = self._path.read_text(encoding="utf-8") if self._path.is_file() else EMPTY
        found = STAGES.search(text)
        self._before, inside, self._after = (
            (text[: found.start()], found[1], text[found.end() :]) if found else (text, "", "")
        )
        blocks = {_first_line(block): block for block in ONE_STAGE.findall(inside)}
        added = {name: place for name, (place, _) in self._added.items() if name in blocks}
        self._added = {name: (place, blocks.pop(name)) for name, place in added.items()}
        self._recorded, self._state = blocks, self._state_now()

    def _state_now(self) -> tuple[int, ...]:
        """Returns what tells whether another process has written the file."""
        if not self._path.is_file():
            return ()
        found = self._path.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns

    def write(self, text: str, place: int) -> bool:
        """Replaces or adds a stage; returns whether that changed anything."""
        if self._state_now() != self._state:
            self._read()
        block = text.partition("\n")[2]
        name = _first_line(block)
        if name in self._recorded:
            changed, self._recorded[name] = self._recorded[name] != block, block
        else:
            changed, self._added[name] = True, (place, block)
        blocks = [*self._recorded.values(), *(added for _, added in sorted(self._added.values()))]
        partial = self._path.with_name(f".{self._path.name}.partial")
        text = f"{self._before}stages:\n{''.join(_numbered(blocks))}{self._after}"
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, self._path)
        self._state = self._state_now()
        return changed


def _numbered(blocks: Iterable[str]) -> Iterator[str]:
    """Numbers what YAML names for repeating it, such as ``&id001``, throughout the file as DVC does."""
    before = 0
    for block in blocks:
        ids = sorted({int(number) for number in REPEATED.findall(block)}) if "&id" in block else []
        new = {each: before + place for place, each in enumerate(ids, 1)}
        yield REPEATED.sub(lambda found: f"id{new[int(found[1])]:03}", block) if ids else block  # noqa: B023
        before += len(ids)


def _first_line(block: str) -> str:
    return block.partition("\n")[0]
