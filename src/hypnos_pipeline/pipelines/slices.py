"""Namespaces of the DAG: one slice per subject, one per subject and method."""

from __future__ import annotations

from collections.abc import Iterable

from kedro.pipeline import Node, Pipeline


def subject_slice(
    nodes: Iterable[Node],
    subject: str,
    *,
    inputs: dict[str, str] | None = None,
    parameters: Iterable[str] = (),
) -> Pipeline:
    """Puts nodes into a subject's namespace.

    Args:
        nodes: Nodes whose datasets bear no namespace; ``params:subject`` becomes the subject's own entry.
        subject: The namespace.
        inputs: Dataset name in the nodes to full name, for those made elsewhere.
        parameters: Names of parameters shared by all subjects.
    """
    return Pipeline(
        nodes,
        namespace=subject,
        inputs=inputs or {},
        parameters=_parameters(nodes, {"subject": f"subjects.{subject}"}, parameters),
    )


def method_slice(
    nodes: Iterable[Node],
    subject: str,
    family: str,
    method: str,
    *,
    subject_inputs: Iterable[str] = (),
    parameters: Iterable[str] = (),
) -> Pipeline:
    """Puts nodes into the namespace ``<subject>.<method>``.

    Args:
        nodes: Nodes whose datasets bear no namespace; ``params:subject`` and ``params:method`` become the
            subject's and the method's own entries.
        subject: First part of the namespace.
        family: The method's family in the study.
        method: Second part of the namespace.
        subject_inputs: Datasets of the subject that the nodes read.
        parameters: Names of parameters shared by all methods.
    """
    own = {"subject": f"subjects.{subject}", "method": f"methods.{family}.{method}"}
    return Pipeline(
        nodes,
        namespace=f"{subject}.{method}",
        inputs={name: f"{subject}.{name}" for name in subject_inputs},
        parameters=_parameters(nodes, own, parameters),
    )


def _parameters(nodes: Iterable[Node], own: dict[str, str], shared: Iterable[str]) -> dict[str, str]:
    """Maps the parameters that the nodes read; Kedro refuses names they do not read."""
    mapping = {f"params:{name}": f"params:{target}" for name, target in own.items()}
    mapping |= {f"params:{name}": f"params:{name}" for name in shared}
    read = {name for each in nodes for name in each.inputs}
    return {name: target for name, target in mapping.items() if name in read}
