"""The log of a run: everything that Kedro and the project say, which a terminal does not show."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path("data/logs")
KEPT = 10
_LINE = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")


class _File(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Loses a line where there is no room for it: the run itself will say so."""


@contextmanager
def run_log(root: Path, env: str) -> Generator[Path]:
    """Writes what is logged meanwhile to a file of its own; of an environment's files the newest are kept.

    Yields:
        The file.
    """
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{env}_{time.strftime('%Y%m%d_%H%M%S')}.log"
    for old in sorted(folder.glob(f"{env}_[0-9]*_[0-9]*.log"))[: 1 - KEPT]:
        old.unlink(missing_ok=True)
    handler = _File(path, encoding="utf-8")
    handler.setLevel(logging.INFO)
    handler.setFormatter(_LINE)
    logging.getLogger().addHandler(handler)
    try:
        yield path
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
