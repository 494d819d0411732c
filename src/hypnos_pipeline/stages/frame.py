"""``dvc.yaml`` as text: lines that a person wrote stay as they are, and computed ones take their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

OUTPUTS = ("outs", "plots", "metrics")
FILLED = ("cmd", "deps", "params", *OUTPUTS)
"""The keys of a stage that are computed, in the order in which they are written."""
UNCACHED = "uncached"
"""Beside them, the paths of those outputs that get ``cache: false``."""

Contents = Mapping[str, Any]
"""What fills a stage: ``cmd`` a string, ``params`` lists of keys by file, the others lists of paths."""


class FrameError(ValueError):
    """A ``dvc.yaml`` that cannot be filled in; the message says why."""


class Block(NamedTuple):
    """An entry of a YAML mapping and its lines, from ``first`` up to but not including ``end``."""

    key: yaml.Node
    value: yaml.Node
    first: int
    end: int


@dataclass(frozen=True)
class Stage:
    """One stage as it stands in the file.

    Attributes:
        name: As written, without what DVC adds for each entry that it iterates.
        iterates: Maps or lists, or templates of them, by what the stage writes for an entry of them; this is
            left empty for ``foreach``, where it depends on whether it is a map.
        present: The values of those keys of ``FILLED`` that it has.
        settings: Outputs with settings of their own, e.g. a plot's axes: their lines by path.
        tag: What ``meta`` names: of the nodes in its namespaces, the stage runs those with this tag.
        body: The entries of the mapping that has ``cmd`` and the like: the stage's, or that of its ``do``.
        end: The line before which missing keys are added.
        indent: What the keys' lines begin with.
        opening: A line to add before the keys, ``do:`` where it is missing.
    """

    name: str
    iterates: Mapping[str, Any]
    present: Mapping[str, Any]
    settings: Mapping[str, tuple[str, ...]]
    tag: str
    body: list[Block]
    end: int
    indent: str
    opening: list[str]

    @property
    def contents(self) -> Contents:
        """What fills it already, for a stage that iterates nothing anywhere: its lists may be others' too."""
        lists = {key: [*map(_path, self.present.get(key, ()))] for key in ("deps", *OUTPUTS)}
        params = {file: keys for each in self.present.get("params", ()) for file, keys in each.items()}
        return {"cmd": self.present.get("cmd", ""), **lists, "params": params}


class DvcFile:
    """The text of a ``dvc.yaml``, and its stages in their order.

    Raises:
        FrameError: If it is not YAML, or if a stage's keys do not stand on lines of their own.
    """

    def __init__(self, text: str) -> None:
        self._text, self._lines = text, text.splitlines()
        try:
            root, values = yaml.compose(text), yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise FrameError(f"dvc.yaml is not YAML: {' '.join(str(error).split())}") from error
        top = self._blocks(root, len(self._lines))
        stages = [block for block in top if block.key.value == "stages"]
        blocks = self._blocks(stages[0].value, stages[0].end) if stages else []
        self.stages = [self._stage(block, values["stages"][block.key.value] or {}) for block in blocks]

    def filled(self, contents: Mapping[str, Contents]) -> str:
        """Returns the text with these stages filled in; a list that an earlier one has becomes an alias."""
        stages = [stage for stage in self.stages if stage.name in contents]
        lists = {
            (stage.name, key): _entries(contents[stage.name][key], settings)
            for stage in stages
            for settings in [{**_uncached(contents[stage.name]), **stage.settings}]
            for key in FILLED[1:]
            if contents[stage.name].get(key)
        }
        count, anchors, edits = Counter(lists.values()), {}, []
        for stage in stages:
            keys = {"cmd": [f"cmd: {_scalar(contents[stage.name]['cmd'])}"]}
            for key in FILLED[1:]:
                lines = lists.get((stage.name, key), ())
                if lines in anchors:
                    keys[key] = [f"{key}: *{anchors[lines]}"]
                elif lines:
                    if count[lines] > 1:
                        anchors[lines] = f"{stage.name}_{key}"
                    anchor = f" &{anchors[lines]}" if lines in anchors else ""
                    keys[key] = [f"{key}:{anchor}", *(f"  {line}" for line in lines)]
            edits += _edits(stage, keys)
        result = list(self._lines)
        for first, end, lines in sorted(edits, reverse=True):
            result[first:end] = lines
        return "\n".join(result) + "\n"

    def _blocks(self, node: yaml.Node | None, end: int) -> list[Block]:
        """Returns a mapping's entries; blank lines and comments after one belong to the next."""
        if node is None or node.tag == "tag:yaml.org,2002:null":
            return []
        if not isinstance(node, yaml.MappingNode) or node.flow_style:
            line = node.start_mark.line + 1
            raise FrameError(f"dvc.yaml, line {line}: expected keys, each on a line of its own")
        starts = [key.start_mark.line for key, _ in node.value]
        blocks = []
        for (key, value), first, last in zip(node.value, starts, [*starts[1:], end], strict=True):
            while last > first + 1 and self._lines[last - 1].strip()[:1] in ("", "#"):
                last -= 1
            blocks.append(Block(key, value, first, last))
        return blocks

    def _stage(self, block: Block, values: dict[str, Any]) -> Stage:
        name, opening = block.key.value, []
        body, column = self._blocks(block.value, block.end), block.key.start_mark.column + 2
        iterates = {f"${{item.{key}}}": over for key, over in (values.get("matrix") or {}).items()}
        if "foreach" in values:
            iterates = {"": values["foreach"]}
            column = body[0].key.start_mark.column + 2
            do = [each for each in body if each.key.value == "do"]
            opening = [] if do else [f"{' ' * (column - 2)}do:"]
            block = do[0] if do else block
            body, values = self._blocks(block.value, block.end) if do else [], values.get("do") or {}
        if body:
            column = body[0].key.start_mark.column
        outputs = [item for each in body if each.key.value in OUTPUTS for item in each.value.value]
        return Stage(
            name=name,
            iterates=iterates,
            present={key: values[key] for key in FILLED if key in values},
            settings=dict(self._settings(item) for item in outputs if isinstance(item, yaml.MappingNode)),
            tag=(values.get("meta") or {}).get("tag", ""),
            body=body,
            end=block.end,
            indent=" " * column,
            opening=opening,
        )

    def _settings(self, item: yaml.MappingNode) -> tuple[str, tuple[str, ...]]:
        """Returns an output's path, and its lines with those of its settings, without their indentation."""
        column = item.start_mark.column
        first, *lines = self._text[item.start_mark.index : item.end_mark.index].splitlines()
        while lines and (not lines[-1].strip() or lines[-1][:column].strip()):
            lines.pop()
        return item.value[0][0].value, (first, *(line[column:] for line in lines))


def _uncached(contents: Contents) -> dict[str, tuple[str, ...]]:
    return {path: (f"{_scalar(path)}:", "  cache: false") for path in contents.get(UNCACHED, ())}


def _path(entry: str | Mapping[str, Any]) -> str:
    """Returns the path of an entry of a list, which may have settings."""
    return entry if isinstance(entry, str) else next(iter(entry))


def _entries(value: Any, settings: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Returns the lines of a list of paths, or of parameters by file."""
    if isinstance(value, Mapping):
        files = [(f"- {_scalar(file)}:", *(f"    - {_scalar(key)}" for key in value[file])) for file in value]
        return tuple(line for lines in files for line in lines)
    found = []
    for path in value:
        first, *others = settings.get(path, (_scalar(path),))
        found += [f"- {first}", *(f"  {line}" for line in others)]
    return tuple(found)


def _edits(stage: Stage, keys: dict[str, list[str]]) -> list[tuple[int, int, list[str]]]:
    """Returns what to replace in the file as first line, end and new lines; missing keys follow others."""
    blocks = {block.key.value: block for block in stage.body if block.key.value in FILLED}
    start = min((block.first for block in blocks.values()), default=stage.end)
    edits: list[tuple[int, int, list[str]]] = []
    for key in FILLED:
        lines = [stage.indent + line for line in keys.get(key, ())]
        if key in blocks:
            edits.append((blocks[key].first, blocks[key].end, lines))
        elif edits:
            edits[-1][2].extend(lines)
        elif lines:
            edits.append((start, start, stage.opening + lines))
    return edits


def _scalar(text: str) -> str:
    return yaml.safe_dump(text, width=float("inf")).removesuffix("...\n").rstrip("\n")
