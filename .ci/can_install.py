"""Whether `make` can install here: looked at before anything is fetched, by the Python that it would use."""

import re
import shutil
import sys
from pathlib import Path

GIGABYTES = 8
"""Of .venv; half of it are torch's CUDA libraries, which also run on a CPU."""


def main():
    """Says what will be fetched; or ends, since another Python is required or the disk is full."""
    project = Path(__file__).resolve().parents[1]
    settings = (project / "pyproject.toml").read_text()
    required = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', settings)
    first, last = int(required[1]), int(required[2]) - 1
    major, minor = sys.version_info[:2]
    if major != 3 or not first <= minor <= last:
        fix = f"expected 3.{first} to 3.{last}. Name one: make PYTHON=python3.{last}"
        sys.exit(f"Python {major}.{minor} ({sys.executable}): {fix}")
    free = shutil.disk_usage(project).free / 1e9
    if free < GIGABYTES and not (project / ".venv").exists():
        sys.exit(f"{project}: {free:.1f} GB free, the environment needs {GIGABYTES}. Make room first.")
    what = f"up to {GIGABYTES} GB, half of it torch's CUDA libraries"
    sys.stderr.write(f"Installing into .venv: {what}. Half a minute with uv, some minutes with pip.\n")


if __name__ == "__main__":
    main()
