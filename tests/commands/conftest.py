"""The small recorded study of the provenance tests, for the commands that read it."""

from tests.provenance.conftest import *  # noqa: F403
