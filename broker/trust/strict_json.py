"""JSON with nothing left to interpretation (RFC 7493, and protocol §2): two readers never read two things."""

import json
from typing import Any, NoReturn

from broker.errors import Code, Refused

SAFE = 2**53 - 1
DEEPEST = 16
"""Levels of nesting; the outermost object is level 1."""


class NotStrict(ValueError):  # noqa: N818 - named as people say it
    """The text is no JSON that every reader reads alike; the message says why, without repeating it."""


def read_object(data: bytes, most: int | None = None) -> dict[str, Any]:
    """The object that the bytes hold.

    Raises NotStrict for invalid UTF-8 or an unpaired surrogate, a byte-order mark, a duplicate member, NaN and
    infinities, integers beyond ±(2⁵³−1), nesting deeper than 16, and for anything that is no object; and, before
    anything is read, for more than `most` commas: all values but the first of each list and object follow one.
    """
    if most is not None and data.count(b",") > most:
        raise NotStrict(f"it has at most {most} commas")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_members,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise NotStrict("it is UTF-8") from None
    except RecursionError:
        raise NotStrict(f"it is nested at most {DEEPEST} deep") from None
    except json.JSONDecodeError:
        raise NotStrict("it is JSON") from None
    if not isinstance(value, dict):
        raise NotStrict("it is an object")
    _check_depth(value)
    if b"\\u" in data:
        _check_surrogates(value)
    return value


def read_json(data: bytes, code: Code = "invalid-request") -> dict[str, Any]:
    """The object in a request's body; refused with `code` otherwise."""
    try:
        return read_object(data)
    except NotStrict as why:
        raise Refused(code, f"The body cannot be read: {why}.") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrict("each member stands once")
    return members


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > SAFE:
        raise NotStrict("integers lie within ±(2^53-1)")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise NotStrict("numbers are finite")
    return value


def _constant(_: str) -> NoReturn:
    raise NotStrict("NaN and infinities are no JSON")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise NotStrict(f"it is nested at most {DEEPEST} deep")


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise NotStrict("surrogates come in pairs") from None
