"""Slices of the DAG: the nodes of one subject's stage, and those of one subject and method.

A slice's namespace is ``<subject>.<stage>`` or ``<subject>.<method>``: ``kedro run --namespaces=<subject>``
takes them all, and kedro-viz shows a subject as a box of boxes. Datasets are named ``<subject>.<name>``,
whichever stage makes them, or ``<subject>.<method>.<name>``.

These are the names of a method's first training. A further one adds its number: its namespace, with which its
datasets' names begin, is ``<subject>.<method>.training_2``, and that of its discriminator
``<subject>.training_2``. ``--namespaces=<subject>.<method>`` takes all trainings of a method; the tags
``training_1``, ``training_2`` … tell them apart.

A pipeline writes its nodes once, with short names, as :class:`Step`. Each slice makes Kedro's nodes of them,
with full names. Kedro's own way, a namespaced ``Pipeline`` to a slice, makes each node twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial, update_wrapper
from inspect import Signature, signature
from typing import Any

from kedro.pipeline import Node

from hypnos_pipeline.study.model import Study
from hypnos_pipeline.training.settings import training_name


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
        given: Which of the arguments ``subject``, ``method`` and ``training`` are given the slice's own:
            names, and the training's number.
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


def training_slices(
    study: Study, stage: str, first: Sequence[Step], further: Sequence[Step], of_subject: Collection[str]
) -> list[Node]:
    """Returns the nodes of a stage that the methods of a subject share, and that each training has anew.

    Args:
        study: Whose subjects.
        stage: Second part of the first training's namespaces.
        first: What to make the nodes of the first training of.
        further: The same for every further one.
        of_subject: Datasets of the subject that all trainings share.
    """
    nodes: list[Node] = []
    for subject in study.subjects:
        shared = {name: f"{subject}.{name}" for name in of_subject}
        for training in range(1, study.trainings + 1):
            prefix = training_name(subject, training)
            space, steps = (f"{subject}.{stage}", first) if training == 1 else (prefix, further)
            nodes += _slice(steps, space, prefix, shared, subject=subject, training=training)
    return nodes


def method_slices(
    study: Study,
    steps: Mapping[str, Sequence[Step]],
    of_subject: Collection[str] = (),
    of_training: Collection[str] = (),
) -> list[Node]:
    """Returns the nodes of every subject, method and training.

    Args:
        study: Whose subjects, methods and trainings.
        steps: What to make the nodes of, by family; methods of other families have none.
        of_subject: Datasets of the subject that the nodes read.
        of_training: The same of those that the subject has for each training.
    """
    nodes: list[Node] = []
    for subject in study.subjects:
        for training in range(1, study.trainings + 1):
            of_all = {name: f"{subject}.{name}" for name in of_subject}
            of_all |= {name: f"{training_name(subject, training)}.{name}" for name in of_training}
            of_all["params:subject"] = f"params:subjects.{subject}"
            for family, method in study.entries():
                full = of_all | {"params:method": f"params:methods.{family}.{method}"}
                space = training_name(f"{subject}.{method}", training)
                names: dict[str, Any] = {"subject": subject, "method": method, "training": training}
                nodes += _slice(steps.get(family, ()), space, space, full, **names)
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
    steps: Iterable[Step], namespace: str, prefix: str, full: Mapping[str, str], **names: Any
) -> list[Node]:
    tag = f"training_{names['training']}" if "training" in names else None

    def name(short: str) -> str:
        return full.get(short) or (short if short.startswith("params:") else f"{prefix}.{short}")

    return [_node(step, name, namespace, tag, **{key: names[key] for key in step.given}) for step in steps]


def _node(
    step: Step, name: Callable[[str], str], namespace: str | None, tag: str | None = None, **given: Any
) -> Node:
    reads, makes, function = step.reads, step.makes, step.function
    return _HashedOnce(
        _with(function, given) if given else function,
        {key: name(each) for key, each in reads.items()}
        if isinstance(reads, Mapping)
        else [*map(name, reads)],
        name(makes) if isinstance(makes, str) else [*map(name, makes)],
        name=step.name or function.__name__,
        namespace=namespace,
        tags=tag,
    )


def _with(function: Callable[..., Any], given: Mapping[str, Any]) -> Callable[..., Any]:
    """Returns the function with some arguments given, and a signature, which Kedro looks at several times."""
    made = partial(function, **given)
    made.__dict__["__signature__"] = _signature(function, tuple(given))
    return update_wrapper(made, function)


@cache
def _signature(function: Callable[..., Any], given: tuple[str, ...]) -> Signature:
    return signature(partial(function, **dict.fromkeys(given)))
