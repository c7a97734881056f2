"""What follows from noted facts, and how facts are told apart; the same for every engine."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from broker.ports.dossiers import Consented, Decided, Ended, Exchange, Exchanged, Matched, Standing, State, Stood


def standing_of(facts: Iterable[Stood | Consented]) -> Standing:
    """The standing after these facts, in the order in which each was first noted.

    Each challenge suspends for itself: another's withdrawal, or an answer to another, ends none of them (protocol
    §2.1). The last answer to a request about an agency counts.
    """
    facts = list(facts)
    causes: dict[str, list[str]] = {"cancelled": [], "superseded": [], "recalled": [], "approved": []}
    challenges: dict[str, str] = {}
    consents: set[str] = set()
    for fact in facts:
        if isinstance(fact, Consented):
            consents = consents | set(fact.agencies) if fact.granted else consents - set(fact.agencies)
        elif fact.change == "suspended":
            challenges[fact.cause] = fact.by
        elif fact.change == "resumed":
            challenges = _still_open(challenges, fact)
        else:
            causes[fact.change].append(fact.cause)
    return Standing(
        cancelled_by=tuple(causes["cancelled"]),
        superseded_by=tuple(causes["superseded"]),
        recalled_by=tuple(causes["recalled"]),
        approved_by=tuple(causes["approved"]),
        suspended=bool(challenges),
        consents=frozenset(consents),
        facts=len(facts),
    )


def _still_open(challenges: dict[str, str], resumed: Stood) -> dict[str, str]:
    """Of the challenges, each with its reviewer, those that this answer or withdrawal does not end."""
    if resumed.cause in challenges:
        return {each: by for each, by in challenges.items() if each != resumed.cause}
    return {each: by for each, by in challenges.items() if by != resumed.by}


def same(one: Decided, other: Decided) -> bool:
    """Whether they differ in nothing but the time at which they were made."""
    return replace(one, at=other.at) == other


def same_match(one: Matched, other: Matched) -> bool:
    """The same of what was decided for all at once, in whatever order."""
    untimed = [{replace(each, at="") for each in match.decided} for match in (one, other)]
    return untimed[0] == untimed[1] and one.owed == other.owed


def released_by(fact: Decided | Matched) -> frozenset[str]:
    """The agencies that any of the alert was released to."""
    decided = fact.decided if isinstance(fact, Matched) else (fact,)
    return frozenset(each.agency for each in decided if each.outcome != "withheld")


def history(decisions: Iterable[Decided]) -> Sequence[Decided]:
    """By subscription, then in their order; one that only repeats its subscription's last is left out."""
    told: list[Decided] = []
    for each in sorted(decisions, key=lambda decided: (decided.agency, decided.subscription, decided.at)):
        if not (told and same(told[-1], each)):
            told.append(each)
    return told


def ends_of(matched: Iterable[Matched], ended: Iterable[Ended]) -> Sequence[Ended]:
    """By subscription: how it was matched last, unless it ended since."""
    ends: dict[tuple[str, str], Ended] = {}
    for match in matched:
        for each in match.decided:
            state: State = "waiting" if each.subscription in match.owed else "withheld"
            ends[each.agency, each.subscription] = Ended(each.agency, each.subscription, state, each.at)
    ends.update({(each.agency, each.subscription): each for each in ended})
    return [ends[who] for who in sorted(ends)]


def place_of(position: str) -> tuple[int, int]:
    """A log position as what it compares as."""
    ms, _, sequence = position.partition("-")
    return int(ms), int(sequence)


IN_PART = " part"
"""Ends the field of an exchange that was not whole; no id has a space in it."""


def exchange_field(alert: str, fact: Exchanged) -> str:
    """Under what an exchange stands in its month."""
    return alert if fact.whole else alert + IN_PART


def exchanges_of(fields: Iterable[tuple[str, str]]) -> Sequence[Exchange]:
    """From fields and times: each alert once, with its first time."""
    found: dict[str, Exchange] = {}
    for field, at in fields:
        alert = field.removesuffix(IN_PART)
        before = found.get(alert, Exchange(alert, whole=False, at=at))
        found[alert] = Exchange(alert, whole=before.whole or field == alert, at=min(before.at, at))
    return [found[alert] for alert in sorted(found)]
