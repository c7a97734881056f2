"""What follows from noted facts, and how facts are told apart; the same for every engine."""

import hashlib
import json
from collections.abc import Iterable

from broker.ports import Consented, Decided, Standing, Stood


def standing_of(facts: Iterable[Stood | Consented]) -> Standing:
    """The standing after these facts, in the order in which each was first noted.

    `resumed` by a challenge's own id ends that challenge, by any other cause all challenges before it. The last
    answer to a request about an agency counts.
    """
    causes: dict[str, list[str]] = {"cancelled": [], "superseded": [], "recalled": []}
    challenges: set[str] = set()
    consents: set[str] = set()
    for fact in facts:
        if isinstance(fact, Consented):
            consents = consents | set(fact.agencies) if fact.granted else consents - set(fact.agencies)
        elif fact.change == "suspended":
            challenges.add(fact.cause)
        elif fact.change == "resumed":
            challenges = challenges - {fact.cause} if fact.cause in challenges else set()
        else:
            causes[fact.change].append(fact.cause)
    return Standing(
        cancelled_by=tuple(causes["cancelled"]),
        superseded_by=tuple(causes["superseded"]),
        recalled_by=tuple(causes["recalled"]),
        suspended=bool(challenges),
        consents=frozenset(consents),
    )


def sameness(decided: Decided) -> str:
    """64 digits, equal for decisions that differ in nothing but the time at which they were made."""
    told = json.loads(decided.decision)
    if isinstance(told, dict):
        told.pop("at", None)
    text = json.dumps([decided.outcome, told], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def place_of(position: str) -> tuple[int, int]:
    """A log position as what it compares as."""
    ms, _, sequence = position.partition("-")
    return int(ms), int(sequence)
