"""Decisions as the short text that is kept: what many share is written once.

Each text begins with 16 digits that are equal for texts which differ in nothing but the time, then a space, then JSON.
"""

import hashlib
import json
from collections import defaultdict
from typing import Any, Final

from pydantic import TypeAdapter

from broker.ports.dossiers import Decided, Matched, Outcome

_OUTCOME: Final = TypeAdapter[Outcome](Outcome)


def write_decided(decided: Decided) -> str:
    """Without agency and subscription, which are its field."""
    return _marked([decided.outcome, decided.directory, decided.inputs], decided.at)


def read_decided(agency: str, subscription: str, text: str) -> Decided:
    """What `write_decided` wrote."""
    (outcome, directory, inputs), at = _read(text)
    return Decided(agency, subscription, _OUTCOME.validate_python(outcome), inputs, directory, at)


def write_matched(matched: Matched) -> str:
    """Grouped by what was decided from what: for each subscription little more than its name. One time for all."""
    groups: dict[tuple[str, str, str, bool], list[str]] = defaultdict(list)
    for each in matched.decided:
        group = groups[each.outcome, each.directory, each.inputs, each.subscription in matched.owed]
        group.append(f"{each.agency} {each.subscription}")
    at = max((each.at for each in matched.decided), default="")
    return _marked([[*shared, " ".join(sorted(who))] for shared, who in sorted(groups.items())], at)


def read_matched(text: str) -> Matched:
    """What `write_matched` wrote."""
    groups, at = _read(text)
    decided: list[Decided] = []
    owed: set[str] = set()
    for outcome, directory, inputs, waits, who in groups:
        names = who.split(" ")
        said = _OUTCOME.validate_python(outcome)
        pairs = zip(names[::2], names[1::2], strict=True)
        decided += (Decided(agency, subscription, said, inputs, directory, at) for agency, subscription in pairs)
        owed.update(names[1::2] if waits else ())
    return Matched(tuple(decided), frozenset(owed))


def _marked(what: list[Any], at: str) -> str:
    text = json.dumps(what, separators=(",", ":"))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]} {json.dumps([what, at], separators=(',', ':'))}"


def _read(text: str) -> Any:
    return json.loads(text.partition(" ")[2])
