"""What one check found, and how all of them are shown: one line each, plain text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import click

Status = Literal["ok", "warn", "fail"]
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True)
class Check:
    """One line.

    Attributes:
        status: ``fail`` where a run would be refused or end badly, ``warn`` where it may be slow, short of
            room or unlike the recorded study.
        name: What was looked at, e.g. ``models.dino``.
        text: What was found; for a fault, also the mend.
    """

    status: Status
    name: str
    text: str


def ok(name: str, text: str) -> Check:
    return Check("ok", name, text)


def warn(name: str, text: str) -> Check:
    return Check("warn", name, text)


def fail(name: str, text: str) -> Check:
    return Check("fail", name, text)


def fails(name: str, faults: Iterable[str]) -> list[Check]:
    """Returns one failed check for each fault."""
    return [fail(name, fault) for fault in faults]


def as_text(checks: Sequence[Check], env: str) -> str:
    """Returns the lines, aligned, with a count below; in colours, which ``click.echo`` drops in a pipe."""
    width = max(len(check.name) for check in checks)
    lines = [
        "  ".join(
            [click.style(each.status.ljust(4), fg=COLOURS[each.status]), each.name.ljust(width), each.text]
        )
        for each in checks
    ]
    return "\n".join([*lines, "", _verdict(Counter(check.status for check in checks), env)])


def _verdict(counts: Counter[str], env: str) -> str:
    warnings = f", {counts['warn']} to be aware of" if counts["warn"] else ""
    if counts["fail"]:
        return f"{counts['fail']} to mend{warnings}: `kedro run --env={env}` cannot succeed yet"
    return f"nothing to mend{warnings}: `kedro run --env={env}` can start"


def as_json(checks: Sequence[Check]) -> str:
    """Returns the checks as a JSON list of objects with ``status``, ``name`` and ``text``."""
    return json.dumps([asdict(check) for check in checks], indent=1, ensure_ascii=False)
