"""Turns a validation error into what a poster is told: where (JSON Pointer, RFC 6901), and what was expected there."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from schemas import limits
from schemas.base import TAG_MARK

_PHRASES = {
    "missing": "this member",
    "extra_forbidden": "no such member",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "at least {min_length} character",
    "string_too_long": "at most {max_length} characters",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "tuple_type": "a list",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "enum": "{expected}",
    "literal_error": "{expected}",
    "expected": "{expected}",
}
_BAD_KEY = "[key]"


def faults(error: ValidationError) -> list[tuple[str, str]]:
    """Pairs of JSON Pointer and expectation, at most `limits.FAULTS`; never what was sent.

    The one exception is the name of an unknown member, which is where the fault is.
    """
    told: list[tuple[str, str]] = []
    for steps, phrase in _all(error):
        fault = pointer(*steps), phrase
        if fault not in told:
            told.append(fault)
        if len(told) == limits.FAULTS:
            break
    return told


def first(error: ValidationError) -> tuple[tuple[str | int, ...], str]:
    """The first fault, with the steps of its path: to be told by another validator, below its own path."""
    return next(_all(error))


def pointer(*steps: str | int) -> str:
    """A JSON Pointer, with `~` and `/` of member names escaped."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _all(error: ValidationError) -> Iterator[tuple[tuple[str | int, ...], str]]:
    details = error.errors(include_url=False, include_input=False)
    for detail in details:
        if detail["type"] == "too_short" and any(_below(other["loc"], detail["loc"]) for other in details):
            continue  # too short only because items were refused: those are told
        context = detail.get("ctx", {})
        yield (*_steps(detail["loc"]), *context.get("member", ())), _phrase(detail["type"], context)


def _below(inner: tuple[str | int, ...], outer: tuple[str | int, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _steps(loc: tuple[str | int, ...]) -> Iterator[str | int]:
    """The location without the names of union branches, and without pydantic's mark on a bad member name."""
    if loc and loc[-1] == _BAD_KEY:
        loc = loc[:-1]
    return (step for step in loc if not (isinstance(step, str) and step.startswith(TAG_MARK)))


def _phrase(kind: str, context: dict[str, Any]) -> str:
    return _PHRASES.get(kind, "another value").format(**context)
