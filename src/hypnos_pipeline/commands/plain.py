"""Commands and groups that end a user's error with its message and exit status 1."""

from __future__ import annotations

from typing import Any

import click

from hypnos_pipeline.running.plainly import shown_plainly


class PlainCommand(click.Command):
    """A command that shows a user's error plainly."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        with shown_plainly():
            return super().invoke(ctx)


class PlainGroup(click.Group):
    """A group all of whose commands show a user's error plainly."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the group's command."""
        with shown_plainly():
            return super().invoke(ctx)
