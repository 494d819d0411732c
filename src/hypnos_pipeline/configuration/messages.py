"""pydantic's errors as problems that name the key, what it holds and what was expected."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from hypnos_pipeline.errors import Problem, choice

# What an error says was expected, by pydantic's error type; {} is the limit.
_EXPECTED = {
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "multiple_of": "a multiple of {multiple_of}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "some text",
    "string_pattern_mismatch": "text that matches {pattern}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "keys below it",
    "model_type": "keys below it",
    "model_attributes_type": "keys below it",
}
_NAME = "a name of small letters, digits and underscores, a letter first"


def shown(path: Path | str) -> str:
    """Returns a path as messages show it: relative to the working directory where it lies below it."""
    path, here = os.path.abspath(path), os.getcwd()
    return os.path.relpath(path, here) if Path(path).is_relative_to(here) else path


def readable_problems(
    model: type[BaseModel], parameters: Mapping[str, Any], error: ValidationError, where: str
) -> list[Problem]:
    """Returns one problem per wrong key: what it holds, and what was expected.

    Args:
        model: What the parameters were validated as.
        parameters: The parameters as they are in the file.
        error: pydantic's.
        where: The file, for the problems.
    """
    lines: dict[str, list[str]] = {}
    for each in error.errors():
        loc = each["loc"]
        # The key that distinguishes the alternatives stands one deeper.
        if each["type"] == "union_tag_invalid" and "ctx" in each:
            loc = (*loc, each["ctx"]["discriminator"].strip("'"))
        key, held = _key(parameters, loc)
        wrong, expected = _wrong(model, each, held)
        lines.setdefault(": ".join(part for part in (key, wrong) if part), []).append(expected)
    # A value that fits none of several kinds has one error for each.
    return [
        Problem(where, what, f"expected {' or '.join(dict.fromkeys(wanted))}" if any(wanted) else "")
        for what, wanted in lines.items()
    ]


def _key(parameters: Any, loc: tuple[int | str, ...]) -> tuple[str, Any]:
    """Returns the dotted key as it stands in the file, and what it holds.

    pydantic's own way to a value also has names of alternatives and positions in lists, which no file has.
    """
    names: list[str] = []
    for part in loc:
        if isinstance(parameters, Mapping) and part in parameters:
            names.append(str(part))
            parameters = parameters[part]
        elif isinstance(parameters, list | tuple) and isinstance(part, int) and part < len(parameters):
            parameters = parameters[part]
    return ".".join(names), parameters


def _wrong(model: type[BaseModel], error: Any, held: Any) -> tuple[str, str]:
    """Returns what is wrong with a value, and what was expected instead."""
    kind, loc, context = error["type"], error["loc"], error.get("ctx", {})
    if loc and loc[-1] == "[key]" and kind != "value_error":
        better = re.sub(r"[^a-z0-9_]+", "_", str(loc[-2]).lower()).lstrip("_0123456789").rstrip("_")
        return "not a name", _NAME + (f", such as {better}" if better else "")
    if kind == "extra_forbidden":
        known = _known_keys(model, loc[:-1])
        close = get_close_matches(str(loc[-1]), known, 1)
        return "unknown key", close[0] if close else f"one of {', '.join(known)}" if known else ""
    if kind == "missing":
        return f"the key {loc[-1]} is missing", ""
    if kind == "value_error":
        return str(context["error"]), ""
    if kind == "union_tag_not_found":
        return f"the key {context['discriminator'].strip(chr(39))} is missing", ""
    if options := context.get("expected") or context.get("expected_tags"):
        # Words stand in quotes, numbers by themselves.
        known = re.findall(r"'([^']*)'", options) or re.findall(r"\d+", options)
        return _short(held), choice(str(held), known)
    expected = _EXPECTED[kind].format_map(context) if kind in _EXPECTED else error["msg"]
    return "nothing" if held is None else _short(held), expected


def _short(held: Any) -> str:
    text = repr(held)
    return text if len(text) <= 60 else text[:57] + "..."


def _known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Returns the keys that are known at a place, none if that is unknown."""
    reached: list[Any] = [model]
    for part in loc:
        chosen = [each for each in reached if _is_model(each) and part in _tags(each)]
        reached = chosen or [step for each in reached for step in _below(each, part)]
    return list(dict.fromkeys(key for each in reached if _is_model(each) for key in each.model_fields))


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _tags(model: type[BaseModel]) -> list[str]:
    """Returns what names a model among the members of a union: its own name, and ``kind: Literal[...]``."""
    kind = model.model_fields.get("kind")
    return [model.__name__, *(get_args(kind.annotation) if kind else ())]


def _below(annotation: Any, part: int | str) -> list[Any]:
    """Returns the annotations of the value under one part of an error's path."""
    if _is_model(annotation):
        field = annotation.model_fields.get(str(part))
        return _alternatives(field.annotation) if field else []
    return _alternatives(get_args(annotation)[-1]) if get_args(annotation) else []


def _alternatives(annotation: Any) -> list[Any]:
    """Returns the members of a union, or the annotation itself if it is a type or a map of types."""
    origin = getattr(annotation, "__origin__", None)
    if isinstance(annotation, type) or origin in (dict, list, tuple):
        return [annotation]
    members = [each for each in get_args(annotation) if isinstance(each, type)]
    nested = [each for arg in get_args(annotation) if get_args(arg) for each in _alternatives(arg)]
    return members + nested
