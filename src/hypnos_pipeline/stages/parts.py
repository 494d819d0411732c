"""The parts of a slice's namespace, and how a stage writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Part:
    """One part of a slice's namespace: one entry of something that the stage iterates.

    Attributes:
        value: The entry's name, e.g. ``figurine``.
        template: What the stage writes for it, e.g. ``${item.subject}``.
        parameter: Where the entry stands among the parameters, e.g. ``subjects``; empty if nowhere.
        fields: What the entry holds, as far as the stage can write that too, as ``${item.<field>}``.
    """

    value: str
    template: str
    parameter: str
    fields: Mapping[str, Any]

    def template_of(self, word: str, leaf: str) -> str:
        """Returns what the stage writes for a word in the name of a dataset ``leaf``; empty if unknown.

        An entry's own field of that name comes first: ``a.photos`` is ``${item.photos}`` if those are ``a``.
        """
        if self.fields.get(leaf) == word:
            return f"${{item.{leaf}}}"
        return self.template if word == self.value else ""
