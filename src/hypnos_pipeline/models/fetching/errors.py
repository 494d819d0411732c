"""What can go wrong between here and a network's source, in words for the user."""

from __future__ import annotations

import click


class FetchError(click.ClickException):
    """A network could not be fetched; the message says why and what helps."""


class Unreachable(FetchError):
    """Nobody answers at a source's host.

    Attributes:
        host: Whom it is useless to ask again in the same run.
    """

    def __init__(self, host: str, problem: object) -> None:
        self.host = host
        super().__init__(f"{host} cannot be reached ({problem}); run the command again with network")
