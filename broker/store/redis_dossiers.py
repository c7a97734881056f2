"""What became of each alert, in Redis: small hashes beside its record, added to by one script."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from pydantic import TypeAdapter

from broker.ports.dossiers import (
    Acknowledged,
    Consented,
    Decided,
    Ended,
    Exchange,
    Exchanged,
    Fact,
    Given,
    Matched,
    Standing,
    State,
    Stood,
)
from broker.store import keys
from broker.store.decisions import read_decided, read_matched, write_decided, write_matched
from broker.store.facts import ends_of, exchange_field, exchanges_of, history, released_by, standing_of
from broker.store.link import Link

Change = Literal["cancelled", "superseded", "recalled", "suspended", "resumed", "approved"]

FATE, GIVEN, DECIDED, ENDS, ACKS, RELEASED = range(1, 1 + len(keys.DOSSIER))
"""Hashes of a dossier by their place among the script's keys."""

CONSENT: Final = "consent"
ROUTER: Final = "*"
"""In place of agency and subscription: what the router decided for all of them."""
ANYHOW: Final = ""
"""In place of how many facts an alert's fate has, where that does not matter."""
SEPARATOR: Final = "\x1e"
"""Of JSON texts (RFC 7464); it cannot stand in one."""

_CHANGE: Final = TypeAdapter[Change](Change)
_STATE: Final = TypeAdapter[State](State)

AboutOne = Given | Decided | Matched | Ended | Acknowledged | Stood | Consented
"""Facts that stand in the dossier of the alert itself."""

Note = tuple[str, int, str, str]
"""Rule, hash, field and value: what the script needs for one fact."""


class RedisDossiers:
    """See `ports.Dossiers`."""

    def __init__(self, link: Link, partitions: int) -> None:
        self._link = link
        self._partitions: Final = partitions

    async def note(self, alert: str, *facts: Fact) -> None:
        if facts:
            await self._note(alert, facts, ANYHOW)

    async def give(self, alert: str, given: Given, decided: Decided, since: Standing, *more: Exchanged) -> bool:
        return await self._note(alert, (given, decided, *more), since.facts)

    async def _note(self, alert: str, facts: Sequence[Fact], since: int | str) -> bool:
        names = list(self._keys(alert))
        words: list[str | int] = [since]
        for fact in facts:
            if isinstance(fact, Exchanged):  # a hash of the pair, in the alert's partition
                names.append(self._partition(alert).exchanged(fact.issuer, fact.agency, fact.month))
                words += ("once", len(names), exchange_field(alert, fact), fact.at)
            else:
                words += (word for note in _notes(fact) for word in note)
        return bool(await self._link.script("note", names, words))

    async def standing(self, alert: str) -> Standing:
        return _standing(await self._hash(alert, FATE))

    async def given(self, alert: str) -> Sequence[Given]:
        given = [Given(*_two(field), at) for field, at in await self._hash(alert, GIVEN)]
        return sorted(given, key=lambda each: (each.at, each.agency, each.subscription))

    async def was_given(self, alert: str, agency: str) -> bool:
        fields = await self._link.command("HKEYS", self._keys(alert)[GIVEN - 1])
        return any(_two(field)[0] == agency for field in fields)

    async def decisions(self, alert: str) -> Sequence[Decided]:
        found = dict(await self._hash(alert, DECIDED))
        matched = found.pop(ROUTER, "").split(SEPARATOR)[1:]
        later = (_decided(field, each) for field, records in found.items() for each in records.split(SEPARATOR)[1:])
        return history([*(each for record in matched for each in read_matched(record).decided), *later])

    async def released_to(self, alert: str, agency: str) -> bool:
        return bool(await self._link.command("HEXISTS", self._keys(alert)[RELEASED - 1], agency))

    async def ends(self, alert: str) -> Sequence[Ended]:
        decided = self._keys(alert)[DECIDED - 1]
        matched, ended = await asyncio.gather(self._link.command("HGET", decided, ROUTER), self._hash(alert, ENDS))
        records = (matched or "").split(SEPARATOR)[1:]
        return ends_of(map(read_matched, records), (_ended(field, said) for field, said in ended))

    async def acknowledgements(self, alert: str) -> Sequence[Acknowledged]:
        acks = [Acknowledged(*json.loads(text)) for _, text in await self._hash(alert, ACKS)]
        return sorted(acks, key=lambda each: (each.at, each.ack))

    async def exchanges(self, issuer: str, agency: str, month: str) -> Sequence[Exchange]:
        """An alert lies in the partition of who signed it, which need not be its issuer: each is asked."""
        names = (keys.Partition(number).exchanged(issuer, agency, month) for number in range(self._partitions))
        found = await asyncio.gather(*(self._link.command("HGETALL", name) for name in names))
        return exchanges_of(field for fields in found for field in fields.items())

    async def _hash(self, alert: str, number: int) -> Iterable[tuple[str, str]]:
        found: dict[str, str] = await self._link.command("HGETALL", self._keys(alert)[number - 1])
        return found.items()

    def _keys(self, alert: str) -> Sequence[str]:
        return self._partition(alert).dossier(alert)

    def _partition(self, alert: str) -> keys.Partition:
        return keys.Partition(keys.partition_of(alert, self._partitions))


def _notes(fact: AboutOne) -> Iterator[Note]:
    """A decision is noted as such, and for each agency that it released something to."""
    yield _note(fact)
    if isinstance(fact, Decided | Matched):
        yield from (("once", RELEASED, agency, "1") for agency in sorted(released_by(fact)))


def _note(fact: AboutOne) -> Note:  # noqa: PLR0911 - one line a kind of fact
    match fact:
        case Stood(change, cause, by, at):
            return "in-order", FATE, f"{change} {cause}", f"{by} {at}"
        case Consented(consent, agencies, granted):
            return "in-order", FATE, f"{CONSENT} {consent}", json.dumps([agencies, granted])
        case Given(agency, subscription, at):
            return "once", GIVEN, f"{agency} {subscription}", at
        case Decided(agency, subscription):
            return "changed", DECIDED, f"{agency} {subscription}", write_decided(fact)
        case Matched():
            return "changed", DECIDED, ROUTER, write_matched(fact)
        case Ended(agency, subscription, state, at):
            return "end", ENDS, f"{agency} {subscription}", f"{state} {at}"
        case Acknowledged(agency, ack, outcome, at):
            return "once", ACKS, ack, json.dumps([agency, ack, outcome, at])


def _standing(fate: Iterable[tuple[str, str]]) -> Standing:
    in_order = sorted(fate, key=lambda fact: fact[1])
    return standing_of(_fate(field, _two(value)[1]) for field, value in in_order)


def _fate(field: str, value: str) -> Stood | Consented:
    what, cause = _two(field)
    if what == CONSENT:
        agencies, granted = json.loads(value)
        return Consented(cause, tuple(agencies), granted)
    return Stood(_CHANGE.validate_python(what), cause, *_two(value))


def _decided(field: str, record: str) -> Decided:
    agency, subscription = _two(field)
    return read_decided(agency, subscription, record)


def _ended(field: str, said: str) -> Ended:
    agency, subscription = _two(field)
    state, at = _two(said)
    return Ended(agency, subscription, _STATE.validate_python(state), at)


def _two(words: str) -> tuple[str, str]:
    """No id and no state has a space in it."""
    first, _, second = words.partition(" ")
    return first, second
