"""Slices of the DAG: the nodes of one subject's stage, and those of one subject and method.

A slice's namespace is ``<subject>.<stage>`` or ``<subject>.<method>``: ``kedro run --namespaces=<subject>``
takes them all, and kedro-viz shows a subject as a box of boxes. Datasets are named ``<subject>.<name>``,
whichever stage makes them, or ``<subject>.<method>.<name>``.

A pipeline writes its nodes once, with short names, as :class:`Step`. Each slice makes Kedro's nodes of them,
with full names. Kedro's own way, a namespaced ``Pipeline`` to a slice, makes each node twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial, update_wrapper
from typing import Any

from kedro.pipeline import Node

from hypnos_pipeline.study.model import Study


@dataclass(frozen=True)
class Step:
    """What is the same in the nodes of all slices.

    Attributes:
        function: Of the nodes.
        reads: Short names of datasets and parameters, by argument or in the order of the arguments.
            ``params:subject`` and ``params:method`` are the slice's own entries in the study; other
            parameters are the study's.
        makes: Short names of datasets.
        name: The node's; the function's where none is given.
        given: Which of the arguments ``subject`` and ``method`` are given the slice's own names.
    """

    function: Callable[..., Any]
    reads: Sequence[str] | Mapping[str, str]
    makes: str | Sequence[str]
    name: str = ""
    given: Sequence[str] = ()


def subject_slices(
    study: Study,
    stage: str,
    steps: Sequence[Step],
    elsewhere: Callable[[str], Mapping[str, str]] | None = None,
) -> list[Node]:
    """Returns the nodes of a stage that all methods of a subject share, for every subject.

    Args:
        study: Whose subjects.
        stage: Second part of the namespaces.
        steps: What to make the nodes of.
        elsewhere: Of a subject's name: full names of datasets that are not the subject's, by short name.
    """
    nodes: list[Node] = []
    for subject in study.subjects:
        full = {"params:subject": f"params:subjects.{subject}", **(elsewhere(subject) if elsewhere else {})}
        nodes += _slice(steps, f"{subject}.{stage}", subject, full, subject=subject)
    return nodes


def method_slices(
    study: Study, steps: Mapping[str, Sequence[Step]], of_subject: Collection[str] = ()
) -> list[Node]:
    """Returns the nodes of every subject and method.

    Args:
        study: Whose subjects and methods.
        steps: What to make the nodes of, by family; methods of other families have none.
        of_subject: Datasets of the subject that the nodes read.
    """
    nodes: list[Node] = []
    for subject in study.subjects:
        of_all = {name: f"{subject}.{name}" for name in of_subject}
        of_all["params:subject"] = f"params:subjects.{subject}"
        for family, method in study.entries():
            full, space = (
                of_all | {"params:method": f"params:methods.{family}.{method}"},
                f"{subject}.{method}",
            )
            nodes += _slice(steps.get(family, ()), space, space, full, subject=subject, method=method)
    return nodes


def unsliced(steps: Iterable[Step], tag: str) -> list[Node]:
    """Returns nodes of no slice, with a tag instead; their short names are the full ones."""
    return [_node(step, str, None, tag) for step in steps]


class _HashedOnce(Node):
    """Kedro's node, which otherwise hashes all of its names for every dataset that it reads.

    A node of the whole study reads some of every subject, so that would be quadratic in subjects.
    """

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


def _slice(
    steps: Iterable[Step], namespace: str, prefix: str, full: Mapping[str, str], **names: str
) -> list[Node]:
    def name(short: str) -> str:
        return full.get(short) or (short if short.startswith("params:") else f"{prefix}.{short}")

    return [_node(step, name, namespace, **{key: names[key] for key in step.given}) for step in steps]


def _node(
    step: Step, name: Callable[[str], str], namespace: str | None, tag: str | None = None, **given: str
) -> Node:
    reads, makes, function = step.reads, step.makes, step.function
    return _HashedOnce(
        update_wrapper(partial(function, **given), function) if given else function,
        {key: name(each) for key, each in reads.items()}
        if isinstance(reads, Mapping)
        else [*map(name, reads)],
        name(makes) if isinstance(makes, str) else [*map(name, makes)],
        name=step.name or function.__name__,
        namespace=namespace,
        tags=tag,
    )
