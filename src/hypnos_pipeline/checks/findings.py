"""What checks found, shown one line each: a problem, or what was looked at and found right."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hypnos_pipeline.errors import Problem


@dataclass(frozen=True)
class Passed:
    """Something that was looked at and is right.

    Attributes:
        where: The file, folder or group of keys.
        what: What was found.
    """

    where: str
    what: str


Finding = Problem | Passed


def status(finding: Finding) -> str:
    """Returns ``ok``, ``warning`` or ``error``."""
    return finding.severity if isinstance(finding, Problem) else "ok"


def errors(findings: Sequence[Finding]) -> list[Problem]:
    """Returns the problems that a run may not go on with."""
    return [each for each in findings if isinstance(each, Problem) and each.severity == "error"]


def warning(where: str, what: str, fix: str = "") -> Problem:
    """Returns a problem that a run may go on with."""
    return Problem(where, what, fix, "warning")


def rows(findings: Sequence[Finding]) -> list[tuple[str, str, str]]:
    """Returns status, place and text of each finding."""
    texts = [str(each) if isinstance(each, Problem) else each.what for each in findings]
    return [(status(each), each.where, text) for each, text in zip(findings, texts, strict=True)]


def verdict(findings: Sequence[Finding], env: str) -> str:
    """Returns the sentence below the lines: whether a run can start."""
    counts = Counter(map(status, findings))
    errors, warnings = (
        f"{counts[kind]} {kind}{'' if counts[kind] == 1 else 's'}" for kind in ("error", "warning")
    )
    also = f", {warnings}" if counts["warning"] else ""
    if counts["error"]:
        return f"{errors}{also}: `kedro run --env={env}` cannot succeed yet"
    return f"no errors{also}: `kedro run --env={env}` can start"


def as_json(findings: Sequence[Finding]) -> str:
    """Returns a JSON list of objects with ``status``, ``where``, ``what`` and ``fix``."""
    content = [
        {"status": status(each), "where": each.where, "what": each.what, "fix": getattr(each, "fix", "")}
        for each in findings
    ]
    return json.dumps(content, indent=1, ensure_ascii=False)
