"""Namespaces of the DAG: one slice per subject, one per subject and method.

A pipeline is built from a list of slices at once: each ``+`` would copy and check all nodes before it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kedro.pipeline import Node, Pipeline


def subject_slice(
    nodes: Sequence[Node], subject: str, *, inputs: Mapping[str, str] | None = None
) -> Pipeline:
    """Puts nodes into a subject's namespace.

    Args:
        nodes: Nodes whose datasets bear no namespace. ``params:subject`` becomes the subject's own entry,
            other parameters stay those of the study.
        subject: The namespace.
        inputs: Dataset name in the nodes to full name, for those made elsewhere.
    """
    return _slice(nodes, subject, inputs or {}, {"params:subject": f"params:subjects.{subject}"})


def method_slice(
    nodes: Sequence[Node], subject: str, family: str, method: str, *, subject_inputs: Iterable[str] = ()
) -> Pipeline:
    """Puts nodes into the namespace ``<subject>.<method>``.

    Args:
        nodes: Nodes whose datasets bear no namespace. ``params:subject`` and ``params:method`` become the
            subject's and the method's own entries, other parameters stay those of the study.
        subject: First part of the namespace.
        family: The method's family in the study.
        method: Second part of the namespace.
        subject_inputs: Datasets of the subject that the nodes read.
    """
    own = {
        "params:subject": f"params:subjects.{subject}",
        "params:method": f"params:methods.{family}.{method}",
    }
    inputs = {name: f"{subject}.{name}" for name in subject_inputs}
    return _slice(nodes, f"{subject}.{method}", inputs, own)


def _slice(
    nodes: Sequence[Node], namespace: str, inputs: Mapping[str, str], own: Mapping[str, str]
) -> Pipeline:
    read = {name for each in nodes for name in each.inputs if name.startswith("params:")}
    parameters = {name: own.get(name, name) for name in read}
    return Pipeline(nodes, namespace=namespace, inputs=dict(inputs), parameters=parameters)
