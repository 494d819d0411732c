"""Why nodes of a run failed, as one message that also says how to go on."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import click

from hypnos_pipeline.errors import HypnosError, NodesFailed
from hypnos_pipeline.running.out_of_memory import explained, ran_out

FROM = "--from-nodes"


@dataclass(frozen=True)
class Failure:
    """Why a node failed, in words that travel between processes.

    Attributes:
        message: What a user reads; whole if a user can cause it, else a line.
        trace: Python's traceback; empty if a user can cause the error.
    """

    message: str
    trace: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Describes an error by the user's error that it came from, if there is one."""
        if cause := user_error(error):
            return cls(cause.message)
        name = f"{type(error).__name__}: {error}"
        return cls(f"{name} (its traceback is above)", "".join(traceback.format_exception(error)))


def user_error(error: BaseException) -> HypnosError | None:
    """Returns the user's error that an error is or came from; None if it is a mistake of ours."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, HypnosError):
        cause = cause.__cause__
    if cause is None and (memory := ran_out(error)):  # in loading or saving
        words = str(error).strip().partition("\n")[0]
        return explained(memory, "loading or saving" + (f" ({words})" if words else ""), [], "")
    return cause


def nodes_failed(
    failures: Mapping[str, Failure], unfinished: int, total: int, start: Iterable[str]
) -> NodesFailed:
    """Returns the error that a run ends with.

    Args:
        failures: By node.
        unfinished: How many nodes are not finished, those that failed among them.
        total: How many nodes the run has.
        start: The nodes that the run goes on from.
    """
    lines = [_described(name, failure) for name, failure in failures.items()]
    waiting = unfinished - len(failures)
    kept = f"{total - unfinished} of {total} nodes are finished and kept"
    state = f"{kept}; {waiting} that need what failed did not start" if waiting else kept
    return NodesFailed("\n".join([*lines, f"{state}. When this is fixed, go on with:", f"  {_again(start)}"]))


def _described(name: str, failure: Failure) -> str:
    """Returns a node's failure, which names the node."""
    return failure.message if name in failure.message else f"{name}: {failure.message}"


def _again(start: Iterable[str]) -> str:
    """Returns the command that runs what is not finished: the same one, from the nodes that failed on."""
    command = click.get_current_context(silent=True)
    typed = command is not None and command.command.name == "run" and "run" in sys.argv
    words = sys.argv[1:] if typed else ["run"]
    kept: list[str] = []
    for number, word in enumerate(words):
        if not (word.startswith(FROM) or (number and words[number - 1] == FROM)):
            kept.append(word)
    return shlex.join(["kedro", *kept, f"{FROM}={','.join(sorted(start))}"])
