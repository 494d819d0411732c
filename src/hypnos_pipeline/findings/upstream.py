"""The nodes behind each training, in tasks of those that one worker does one after another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.findings.record import Training

LAST = "pairs"
"""The dataset that a training ends with."""


@dataclass(frozen=True)
class Work:
    """Nodes that one worker does one after another.

    Attributes:
        name: A training's namespace, or what trainings share: ``figurine``, ``figurine.training_2``.
        nodes: In an order that can be run.
        training: The training that ends with it; None for what trainings share.
        after: Names of what must be done before.
    """

    name: str
    nodes: tuple[Node, ...]
    training: Training | None = None
    after: tuple[str, ...] = ()


@dataclass
class Upstream:
    """The nodes of a study, by what they make.

    Args:
        pipeline: The whole study's.
    """

    pipeline: Pipeline
    _makers: dict[str, Node] = field(init=False)
    _order: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._makers = {name: node for node in self.pipeline.nodes for name in node.outputs}
        self._order = {node.name: place for place, node in enumerate(self.pipeline.nodes)}

    def behind(self, namespace: str) -> list[Node]:
        """Returns the nodes that a training's values need, in an order that can be run."""
        found: dict[str, Node] = {}
        wanted = [f"{namespace}.{LAST}"]
        while wanted:
            node = self._makers.get(wanted.pop())
            if node is not None and node.name not in found:
                found[node.name] = node
                wanted += node.inputs
        return self._sorted(found.values())

    def works(self, trainings: Iterable[Training]) -> list[Work]:
        """Returns the work for some trainings in their order; what they share comes before its first use."""
        grouped: dict[str, dict[str, Node]] = {}
        after: dict[str, set[str]] = {}
        ends: dict[str, Training] = {}
        for training in trainings:
            nodes = self.behind(training.namespace)
            groups = [_group(node, training) for node in nodes]
            for node, group in zip(nodes, groups, strict=True):
                grouped.setdefault(group, {})[node.name] = node
                after.setdefault(group, set())
            after[training.namespace] |= {*groups} - {training.namespace}
            ends[training.namespace] = training
        for name, names in after.items():
            if name not in ends:  # a training's own part of what methods share comes after the subject's
                names |= {other for other in after if name.startswith(f"{other}.")}
        return [
            Work(name, tuple(self._sorted(nodes.values())), ends.get(name), tuple(sorted(after[name])))
            for name, nodes in grouped.items()
        ]

    def _sorted(self, nodes: Iterable[Node]) -> list[Node]:
        return sorted(nodes, key=lambda node: self._order[node.name])


def _group(node: Node, training: Training) -> str:
    """Returns whose a node is: this training's, a training's that methods share, or the subject's."""
    if node.namespace == training.namespace:
        return training.namespace
    number = getattr(node.func, "keywords", {}).get("training")
    return training.subject if number is None else f"{training.subject}.training_{number}"
