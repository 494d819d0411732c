"""The paper's claims as they were registered before any finding was seen: ``conf/<env>/claims.yml``.

Each claim that the study can measure has one measure, a direction, and δ, the smallest difference that
matters. Beside them stands every statement that it does not measure, with the reason, so that none is dropped
silently.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError

from hypnos_pipeline.configuration.base import Configuration
from hypnos_pipeline.configuration.messages import readable_problems
from hypnos_pipeline.errors import ClaimsError, Problem
from hypnos_pipeline.reporting.measures import Comparison

FILE = "claims.yml"
Text = Annotated[str, Field(min_length=1), AfterValidator(lambda text: " ".join(text.split()))]


class Statement(Configuration):
    """A statement of the paper.

    Attributes:
        section: Of the paper, e.g. ``4.1.1``.
        sentence: Quoted; ``...`` stands for words that were left out.
    """

    section: Annotated[str, Field(pattern=r"^(\d+|0\.[A-Z])(\.\d+)*$")]
    sentence: Text


class RegisteredClaim(Statement):
    """A statement that is measured.

    Attributes:
        claim: Its name: what is claimed, in a few words.
        measure: What is compared, see ``measures.Comparison``.
        direction: Whether the difference is claimed to be above or below 0.
        delta: δ, the smallest difference that matters, in the metric's unit.
        why: Why the measure stands for the sentence, or why δ has this value.
    """

    claim: Text
    measure: Text
    direction: Literal["higher", "lower"]
    delta: Annotated[float, Field(gt=0)]
    why: Text

    @property
    def comparison(self) -> Comparison:
        """Returns the measure's parts."""
        return Comparison.parse(self.measure)


class NotMeasured(Statement):
    """A statement that is not measured, and why."""

    reason: Text


class Claims(Configuration):
    """All statements of the sections that were read.

    Attributes:
        claims: Those that are measured.
        not_measured: The others.
    """

    claims: Annotated[list[RegisteredClaim], Field(min_length=1)]
    not_measured: list[NotMeasured] = Field(default_factory=list[NotMeasured])


def read_claims(file: Path, methods: Collection[str], prompt_sets: Collection[str]) -> Claims:
    """Reads the registered claims.

    Args:
        file: The environment's ``claims.yml``.
        methods: Of its study.
        prompt_sets: Of its study.

    Raises:
        ClaimsError: Listing every problem: no such file, wrong keys, two claims of one name, a word
            that the study does not know, a metric without values of single images.
    """
    where = f"conf/{file.parent.name}/{file.name}"
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ClaimsError([Problem(where, f"it cannot be read ({' '.join(str(error).split())})")]) from error
    parameters = content if isinstance(content, dict) else {"claims": content}
    try:
        found = Claims.model_validate(parameters)
    except ValidationError as error:
        raise ClaimsError(readable_problems(Claims, parameters, error, where)) from error
    if problems := [*_repeated(found, where), *_unknown(found, where, methods, prompt_sets)]:
        raise ClaimsError(problems)
    return found


def _repeated(found: Claims, where: str) -> Iterable[Problem]:
    names = Counter(each.claim for each in found.claims)
    return [
        Problem(where, f"{count} claims are named {name!r}", "rename all but one")
        for name, count in names.items()
        if count > 1
    ]


def _unknown(
    found: Claims, where: str, methods: Collection[str], prompt_sets: Collection[str]
) -> Iterable[Problem]:
    for each in found.claims:
        try:
            problems = each.comparison.unknown(methods, prompt_sets)
        except ValueError as error:
            problems = [str(error)]
        yield from (Problem(where, f"{each.claim!r}: measure: {problem}") for problem in problems)
