"""A user's error ends a command with its message alone."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import click

from hypnos_pipeline.errors import HypnosError


@contextmanager
def shown_plainly() -> Generator[None]:
    """Turns a user's error into click's, which ends a command with exit status 1; elsewhere it stays."""
    try:
        yield
    except HypnosError as error:
        if click.get_current_context(silent=True) is None:
            raise
        raise click.ClickException(error.message) from error
