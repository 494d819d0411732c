"""How methods and subjects are called in tables and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

OWN_PROMPTS = "HYPNOS's own training prompts"
"""What a prompt set is called that only repeats prompts which HYPNOS, and no other method, trains on."""


@dataclass(frozen=True)
class MethodLabel:
    """A method's name in the study and in print.

    Attributes:
        name: Its key in the study.
        label: What tables print, with the learning rate where it has one.
        reference: True for the untouched base model, which is not ranked.
    """

    name: str
    label: str
    reference: bool = False


def rate_text(rate: float) -> str:
    """Returns a learning rate as people write it: 1e-4, 2.5e-6."""
    mantissa, exponent = f"{rate:.6e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def method_labels(methods: Mapping[str, Mapping[str, Any]]) -> list[MethodLabel]:
    """Returns every method with its printed label, references last, else in the study's order.

    Args:
        methods: Family to method name to its settings (with ``label`` and, if trained, ``learning_rate``).

    Labels that would be the same twice get the method's name behind them, so that no two rows look alike.
    """
    entries = [(family, name, s) for family, entry in methods.items() for name, s in entry.items()]
    plain = [_with_rate(settings) for _, _, settings in entries]
    seen = Counter(plain)
    labels = [
        MethodLabel(name, text if seen[text] == 1 else f"{text}, {name}", reference=family == "base")
        for (family, name, _), text in zip(entries, plain, strict=True)
    ]
    return sorted(labels, key=lambda label: label.reference)


def _with_rate(settings: Any) -> str:
    rate = getattr(settings, "learning_rate", None)
    return settings.label if rate is None else f"{settings.label} (LR={rate_text(rate)})"


def subject_label(name: str) -> str:
    """Returns a subject's name in print: ``lego_robot`` is "Lego robot"."""
    return name.replace("_", " ").capitalize()


def prompt_set_label(name: str, own: Collection[str], title: str = "") -> str:
    """Returns a prompt set's name, with a remark where it only repeats prompts that HYPNOS trains on.

    Args:
        name: Of the prompt set.
        own: The prompt sets that do.
        title: What is printed in place of the name.
    """
    return f"{title or name} ({OWN_PROMPTS})" if name in own else title or name


def listed(words: Iterable[str]) -> str:
    """Returns words as a list in a sentence: "a", "a and b", "a, b and c"."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
