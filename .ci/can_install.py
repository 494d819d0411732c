"""Whether `make` can install here: looked at before anything is fetched, by the Python that it would use."""

import platform
import re
import shutil
import sys
from pathlib import Path

GIGABYTES, OF_CUDA = 8.0, 4.3
"""Of .venv on Linux; and of it the CUDA libraries and the compiler that torch's Linux build brings along."""
MACOS = 14
"""The oldest macOS that all libraries have builds for."""


def refusal(system, processor, release, version, project):
    """Returns why nothing can be installed here and what to do; an empty text if it can.

    Args:
        system: As ``platform.system()`` names it.
        processor: As ``platform.machine()`` names it.
        release: Of macOS, as ``platform.mac_ver()`` names it.
        version: Of Python, major and minor number.
        project: The project's folder.
    """
    if system not in ("Linux", "Darwin"):
        return (
            f"{system} is not supported. On Windows use WSL: https://learn.microsoft.com/windows/wsl/install"
        )
    if system == "Darwin" and processor != "arm64":
        return "a Mac with an Intel processor: PyTorch has no builds for it any more. Use Linux there."
    if system == "Darwin" and int(release.split(".")[0] or 0) < MACOS:
        return f"macOS {release}: bitsandbytes has builds from macOS {MACOS} on. Update it."
    required = re.search(
        r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (project / "pyproject.toml").read_text()
    )
    first, last = int(required[1]), int(required[2]) - 1
    major, minor = version
    if major != 3 or not first <= minor <= last:
        fix = f"expected 3.{first} to 3.{last}. Name one: make PYTHON=python3.{last}"
        return f"Python {major}.{minor} ({sys.executable}): {fix}"
    free, needed = shutil.disk_usage(project).free / 1e9, size(system)
    if free < needed and not (project / ".venv").exists():
        return f"{project}: {free:.1f} GB free, the environment needs {needed:.1f}. Make room first."
    return ""


def size(system):
    """Returns the gigabytes that the environment takes at most."""
    return GIGABYTES if system == "Linux" else GIGABYTES - OF_CUDA


def main():
    """Says what will be fetched; or ends, since this machine, its Python or its disk does not suit."""
    project, system = Path(__file__).resolve().parents[1], platform.system()
    machine = (system, platform.machine(), platform.mac_ver()[0], sys.version_info[:2])
    why = refusal(*machine, project)
    if why:
        sys.exit(why)
    what = f"up to {size(system):.1f} GB"
    if system == "Linux":
        what += f", {OF_CUDA} of them CUDA's libraries, without which torch's build for Linux does not start"
    sys.stderr.write(f"Installing into .venv: {what}. Half a minute with uv, some minutes with pip.\n")


if __name__ == "__main__":
    main()
