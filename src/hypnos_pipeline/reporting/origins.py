"""Where a page's numbers come from: machines, trainings and networks, as the stages reported them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.labels import MethodLabel, listed, subject_label
from hypnos_pipeline.reporting.table import Entry, Row, Table

MINIATURE = 50_000_000
"""Trained parameters below which a text-to-image model is called a miniature; Stable Diffusion has 983e6."""
OTHER_USERS = {"text_to_image": "base model", "perceptual": "L_p (Eq. 6)", "clip_b32": "CLIP (B/32) metrics"}


def origins(reports: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns what reports of stages say of their origin, ready for JSON.

    Args:
        reports: Of trainings and evaluations, with ``machine`` and ``networks``; of trainings also with
            ``trained_parameters``.

    Returns:
        ``machines``, each once; ``networks`` by name; ``parameters``, the most that a training trained.
    """
    machines: list[Any] = []
    networks: dict[str, Any] = {}
    parameters = 0
    for report in reports:
        if (machine := report.get("machine")) and machine not in machines:
            machines.append(machine)
        networks |= report.get("networks", {})
        parameters = max(parameters, report.get("trained_parameters", 0))
    return {"machines": machines, "networks": networks, "parameters": parameters}


def header_facts(
    env: str,
    image_size: int,
    parts: Mapping[str, Mapping[str, Any]],
    methods: Sequence[MethodLabel],
    trainings: int,
) -> list[tuple[str, str]]:
    """Returns what the page's header says, as terms and texts.

    Args:
        env: The study's environment.
        image_size: Working size in pixels.
        parts: Subject to its part of the page.
        methods: Of the study.
        trainings: How many each method has.
    """
    found = origins_of(parts)
    trained = sum(not method.reference for method in methods)
    facts = [("Environment", env)]
    if network := found["networks"].get("text_to_image"):
        facts.append(("Networks", _model(network, found["parameters"], image_size)))
    often = "once each" if trainings == 1 else f"{trainings} times each"
    counted = f"{_counted(trained, 'method')} × {_counted(len(parts), 'subject')}, {often}"
    facts.append(("Trainings", counted if trained else "none"))
    facts += [("Machine", _machine(machine)) for machine in found["machines"]]
    return facts


def origins_of(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the origins of all subjects together."""
    every = [part["origins"] for part in parts.values()]
    machines = [machine for each in every for machine in each["machines"]]
    unique = [machine for place, machine in enumerate(machines) if machine not in machines[:place]]
    networks = {name: network for each in every for name, network in each["networks"].items()}
    return {
        "machines": unique,
        "networks": networks,
        "parameters": max((each["parameters"] for each in every), default=0),
    }


def networks_table(parts: Mapping[str, Mapping[str, Any]]) -> Table:
    """Returns a row for each network: who reads it, its name, and the digest of its files."""
    rows = [
        Row(
            (_users(name), str(network["id"])),
            (Entry(str(network["revision"] or "–")), Entry(str(network["sha256"]))),
        )
        for name, network in origins_of(parts)["networks"].items()
    ]
    headers = ("Revision", "SHA-256")
    return Table("networks", "Networks", ("Read by", "Network"), headers, (tuple(rows),))


def _users(network: str) -> str:
    if network in OTHER_USERS:
        return OTHER_USERS[network]
    return listed(
        metric.label for metric in METRICS.values() if metric.network == network and not metric.variant_of
    ) or subject_label(network)


def _model(network: Mapping[str, Any], parameters: int, image_size: int) -> str:
    kind = "miniature models" if 0 < parameters < MINIATURE else network["id"]
    trained = f" ({parameters / 1e6:.0f} million trained parameters)" if parameters else ""
    return f"{kind}, {image_size} px{trained}"


def _machine(machine: Mapping[str, Any]) -> str:
    threads = machine.get("threads")
    parts = [machine.get("device"), machine.get("cpu"), _counted(threads, "thread") if threads else ""]
    return ", ".join(part for part in parts if part and part != "cpu")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
