"""HYPNOS: reproducible personalisation of text-to-image models, from photos to tables."""

import sys

if sys.platform == "win32":
    raise SystemExit(
        "HYPNOS runs on Linux and macOS. On Windows use WSL: https://learn.microsoft.com/windows/wsl/install"
    )

__version__ = "0.1.0"
