"""The libraries: whether they are those that the project requires, and torch fits torchvision."""

from __future__ import annotations

import platform
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hypnos_pipeline.checks.findings import Finding, Passed, warning
from hypnos_pipeline.errors import Problem

SHOWN = ("torch", "torchvision", "diffusers", "transformers", "timm", "bitsandbytes", "kedro", "dvc")
"""Named in the line of the libraries; the others are only counted."""
LOCK = "requirements.lock"
_INSTALL = f"`make`, or `pip install -r {LOCK}`"


def installation_findings(root: Path) -> list[Finding]:
    """Compares Python and the libraries with ``pyproject.toml`` and the lock, and torch with torchvision.

    Args:
        root: The project's folder.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [
        *python_findings(project["requires-python"]),
        *library_findings(project["dependencies"], root),
        torch_builds(),
    ]


def python_findings(required: str) -> list[Finding]:
    """Compares Python with ``requires-python``."""
    from packaging.specifiers import SpecifierSet

    found = platform.python_version()
    if found in SpecifierSet(required):
        return [Passed("python", found)]
    return [
        Problem("python", found, f"expected {required}: make the environment anew, `make PYTHON=python3.12`")
    ]


def library_findings(required: list[str], root: Path) -> list[Finding]:
    """Fails for what ``pyproject.toml`` excludes or is missing, and warns of what the lock pins otherwise."""
    from packaging.requirements import Requirement
    from packaging.version import Version

    wanted = {each.name: each for each in map(Requirement, required)}
    there = {name: _installed(name) for name in wanted}
    found: list[Finding] = [
        Problem("libraries", f"{name} is not installed", _INSTALL) for name in wanted if there[name] is None
    ]
    wrong = {name for name, has in there.items() if has and not wanted[name].specifier.contains(has, True)}
    found += [
        Problem("libraries", f"{name} {there[name]}", f"expected {wanted[name].specifier}: {_INSTALL}")
        for name in sorted(wrong)
    ]
    pinned = _pinned(root / LOCK)
    there |= {name: _installed(name) for name in pinned if name not in there}
    moved = {
        name: has
        for name, pin in pinned.items()
        if (has := there[name]) and name not in wrong and Version(has).public != Version(pin).public
    }
    found += [
        warning(
            "libraries", f"{name} {has}; {LOCK} pins {pinned[name]}, as the recorded study had it", _INSTALL
        )
        for name, has in moved.items()
    ]
    if found:
        return found
    named = ", ".join(f"{name} {there[name]}" for name in SHOWN if there.get(name))
    return [Passed("libraries", f"{len(there)} as {LOCK} pins them: {named}")]


def torch_builds() -> Finding:
    """Looks whether torch and torchvision are of one build.

    Their tags need not be equal (published pairs differ in CUDA's minor version), so a compiled operator is
    called; torchvision itself refuses another major version of CUDA.
    """
    try:
        import torch
        import torchvision  # pyright: ignore[reportMissingTypeStubs]

        torchvision.ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0]), 0.5)
    except Exception as problem:  # whatever a broken installation raises
        return Problem("torch build", f"torch and torchvision do not fit ({_first_line(problem)})", _INSTALL)
    cuda = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
    both = f"torch {torch.__version__} and torchvision {torchvision.__version__}"
    return Passed("torch build", f"{both} fit each other; {cuda}")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _pinned(lock: Path) -> dict[str, str]:
    """Returns what a lock pins on this kind of machine; its lines may hold for others only."""
    from packaging.requirements import Requirement

    if not lock.is_file():
        return {}
    lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line]
    here = [pin for pin in map(Requirement, lines) if pin.marker is None or pin.marker.evaluate()]
    return {pin.name: next(iter(pin.specifier)).version for pin in here}


def _first_line(problem: BaseException) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]
