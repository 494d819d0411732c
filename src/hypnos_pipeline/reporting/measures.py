"""What a claim compares: two methods by one metric, or one method on two prompt sets.

In words, as claims and ``docs/findings.csv`` have it:

- ``dino on varying: hypnos - dreambooth_low_lr``: two methods by their images' values
- ``dino on varying: hypnos - hypnos on invariant``: one method on two prompt sets
- ``spread of grain on invariant: hypnos - dreambooth_low_lr``: how much images of one training scatter
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hypnos_pipeline.errors import nearest
from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.labels import MethodLabel
from hypnos_pipeline.reporting.statistics import training_differences, values_of

if TYPE_CHECKING:
    import pandas

EXAMPLE = "dino on varying: hypnos - dreambooth_low_lr"
FORM = re.compile(
    r"(?P<spread>spread of )?(?P<metric>\w+) on (?P<prompt_set>\w+): "
    r"(?P<method>\w+) - (?P<minus>\w+)(?: on (?P<minus_set>\w+))?"
)


class Comparison(NamedTuple):
    """A difference: one metric on one prompt set, of one method minus another.

    Attributes:
        metric: Its name in the registry.
        prompt_set: Of the first method's images.
        method: The first method.
        minus: The method that is subtracted.
        minus_set: The prompt set of its images; empty for the same one, image by image.
        spread: Whether standard deviations over a training's images are compared, instead of means.
    """

    metric: str
    prompt_set: str
    method: str
    minus: str
    minus_set: str = ""
    spread: bool = False

    @classmethod
    def parse(cls, text: str) -> Comparison:
        """Reads a comparison from its words.

        Raises:
            ValueError: If they have another form; the message shows it.
        """
        found = FORM.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not of the form {EXAMPLE!r}")
        words: dict[str, str] = {name: word or "" for name, word in found.groupdict().items()}
        spread = words.pop("spread")
        return cls(**words, spread=bool(spread))

    def unknown(self, methods: Iterable[str], prompt_sets: Iterable[str]) -> list[str]:
        """Returns what is wrong with its words in a study with these methods and prompt sets."""
        known = {"method": [*methods], "prompt set": [*prompt_sets], "metric": [*METRICS]}
        used = [("metric", self.metric), ("prompt set", self.prompt_set), ("prompt set", self.minus_set)]
        used += [("method", self.method), ("method", self.minus)]
        found = [
            f"no {kind} {word!r}; {nearest(word, known[kind])}"
            for kind, word in dict.fromkeys(used)
            if word and word not in known[kind]
        ]
        if self.metric in METRICS and METRICS[self.metric].kind == "set":
            single = [name for name, metric in METRICS.items() if metric.kind != "set"]
            found.append(
                f"{self.metric} has no values of single images, of which differences and intervals are made;"
                f" {nearest(self.metric, single)}"
            )
        if self.method == self.minus and self.minus_set in ("", self.prompt_set):
            found.append(f"{self.method} is compared with itself; name another method or prompt set")
        return found

    def words(self, methods: Sequence[MethodLabel]) -> str:
        """Returns it in print."""
        labels = {each.name: each.label for each in methods}
        spread = "spread over images of " if self.spread else ""
        other = f" on {self.minus_set}" if self.minus_set else ""
        what = f"{spread}{METRICS[self.metric].heading}, {self.prompt_set}"
        return f"{what}: {labels[self.method]} − {labels[self.minus]}{other}"

    def differences(self, values: pandas.DataFrame) -> dict[int, float]:
        """Returns the difference in every training of one subject that both sides have.

        Args:
            values: Of single images; see ``statistics.values_of``.

        Raises:
            ValueError: If two methods have different images of the same prompt set, which cannot be paired.
        """
        ours = values_of(values, self.method, (self.prompt_set, self.metric))
        theirs = values_of(values, self.minus, (self.minus_set or self.prompt_set, self.metric))
        if not (self.spread or self.minus_set):
            return training_differences(ours, theirs)
        both = [frame["value"].astype(float).groupby(level="training") for frame in (ours, theirs)]
        first, second = (each.std() if self.spread else each.mean() for each in both)
        found = (first - second).dropna()
        return {
            int(training): float(value) for training, value in zip(found.index.tolist(), found, strict=True)
        }
