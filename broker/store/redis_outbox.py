"""The outboxes in Redis: a queue of references, and numbered deliveries until they end."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from broker.policy.breaker import Breaker
from broker.ports.outbox import Attempt, Follows, Head, Opened, Owed
from broker.store.facts import place_of
from broker.store.keys import GONE, GONE_S, OUTBOX, outbox
from broker.store.redis_claims import RedisClaims
from broker.store.texts import ATTEMPT, OPENED
from broker.store.words import Value

KEPT_ATTEMPTS: Final = 10_000
"""For each subscription; the last attempt of a dead delivery is kept besides."""
OVERDUE: Final = 1_024
"""Of more deliveries due than this, the longest overdue come first, and the lowest position among them."""


class RedisOutbox(RedisClaims):
    """See `ports.Outbox`."""

    # the router's side
    async def put(
        self, subscription: str, partition: int, position: str, alerts: Sequence[str], *, urgent: bool = False
    ) -> bool:
        words: Sequence[Value] = (partition, *place_of(position), *alerts)
        return bool(await self._link.script("put", outbox(subscription, "taken", _lane(urgent), GONE), words))

    async def open_at(self, subscription: str, tails: Mapping[int, str]) -> None:
        for partition, position in tails.items():
            await self.put(subscription, partition, position, ())

    async def add(self, subscription: str, alert: str, *, urgent: bool = False) -> Owed:
        place = await self._link.script("add", outbox(subscription, "added", _lane(urgent), GONE), (alert,))
        return Owed(place, alert, urgent)

    # whoever sends
    async def owed(self, subscription: str, limit: int, after: str = "", *, urgent: bool = False) -> Sequence[Owed]:
        (queue,) = outbox(subscription, _lane(urgent))
        entries = await self._link.command("XRANGE", queue, f"({after}" if after else "-", "+", "COUNT", limit)
        return [Owed(place, fields["a"], urgent, _given(fields.get("g"))) for place, fields in entries]

    async def head(self, subscription: str) -> Head:
        (head,) = outbox(subscription, "head")
        position, digest = await self._link.command("HMGET", head, "position", "digest")
        return Head(int(position or 0), digest)

    async def open(
        self, subscription: str, what: Owed | Opened, delivery: Opened, *, rest: bool = False, settled: bool = False
    ) -> bool:
        place = what.ref if isinstance(what, Owed) else str(what.position)
        kind = "owed" if isinstance(what, Owed) else "settled" if settled else "opened"
        lane = _lane(isinstance(what, Owed) and what.urgent)
        names = outbox(subscription, "head", lane, "sent", "open", "due", "tries", "again", "replaced", "dead")
        text = OPENED.write(replace(delivery, attempts=0, again=False, replaced=False))
        words: list[Value] = [delivery.position, delivery.digest, text, kind, place]
        if rest:
            words += [delivery.alert, json.dumps(delivery.released)]
        return bool(await self._link.script("open", names, words))

    async def drop(self, subscription: str, what: Owed | Opened) -> None:
        if isinstance(what, Owed):
            (queue,) = outbox(subscription, _lane(what.urgent))
            await self._link.command("XDEL", queue, what.ref)
        else:
            await self._link.script("drop", outbox(subscription, "open", "due", "tries", "again"), (what.position,))

    async def due(self, subscription: str, now: float, limit: int, after: int = 0) -> Sequence[Opened]:
        names = outbox(subscription, "due", "open", "sent", "tries", "again")
        until: Value = "+inf" if now == float("inf") else now
        found = await self._link.script("due", names, (until, limit, max(OVERDUE, limit), after))
        return [
            replace(OPENED.read(text), attempts=int(attempts or 0), again=bool(again))
            for _, text, attempts, again in found
        ]

    async def waiting(self, subscription: str, now: float) -> Sequence[Opened]:
        texts = await self._link.script("waiting", outbox(subscription, "due", "sent"), (now,))
        return [OPENED.read(text) for text in texts]

    async def next_due(self, subscription: str) -> float | None:
        (due,) = outbox(subscription, "due")
        first = await self._link.command("ZRANGE", due, 0, 0, "WITHSCORES")
        return float(first[0][1]) if first else None

    async def settle(self, subscription: str, attempt: Attempt, then: Follows, at: float | None = None) -> None:
        names = outbox(subscription, "open", "due", "tries", "again", "dead", "attempts", GONE)
        words = (attempt.position, ATTEMPT.write(attempt), then, at or 0, KEPT_ATTEMPTS)
        await self._link.script("settle", names, words)

    async def breaker(self, subscription: str) -> Breaker:
        (name,) = outbox(subscription, "breaker")
        failures, until = await self._link.command("HMGET", name, "failures", "until")
        return Breaker(int(failures or 0), float(until or 0))

    async def trip(self, subscription: str, breaker: Breaker) -> None:
        await self._link.script("trip", outbox(subscription, "breaker", GONE), (breaker.failures, breaker.until))

    # reading back
    async def opened(self, subscription: str, after: int, limit: int) -> Sequence[Opened]:
        names = outbox(subscription, "sent", "tries", "again", "replaced")
        return [
            replace(OPENED.read(text), attempts=int(attempts or 0), again=bool(again), replaced=bool(replaced))
            for _, text, attempts, again, replaced in await self._link.script("opened", names, (after, limit))
        ]

    async def unsettled(self, subscription: str) -> int | None:
        (open_,) = outbox(subscription, "open")
        first = await self._link.command("ZRANGE", open_, 0, 0)
        return int(first[0]) if first else None

    async def attempts(self, subscription: str, after: str | None, limit: int) -> tuple[Sequence[Attempt], str | None]:
        (attempts,) = outbox(subscription, "attempts")
        begin = "-" if after is None else f"({after}"
        entries = await self._link.command("XRANGE", attempts, begin, "+", "COUNT", limit + 1)
        page = entries[:limit]
        return [ATTEMPT.read(fields["t"]) for _, fields in page], page[-1][0] if len(entries) > limit else None

    async def dead(self, subscription: str) -> Sequence[Attempt]:
        (dead,) = outbox(subscription, "dead")
        last = [ATTEMPT.read(text) for text in await self._link.command("HVALS", dead)]
        return sorted(last, key=lambda attempt: attempt.position)

    async def again(self, subscription: str, positions: Sequence[int], now: float) -> int:
        names = outbox(subscription, "sent", "replaced", "open", "due", "tries", "again", "dead")
        made = 0
        for begin in range(0, len(positions), OVERDUE):
            made += await self._link.script("again", names, (now, *positions[begin : begin + OVERDUE]))
        return made

    async def depth(self, subscription: str) -> int:
        urgent, queue, open_ = outbox(subscription, "urgent", "queue", "open")
        counts = (("XLEN", urgent), ("XLEN", queue), ("ZCARD", open_))
        return sum(await asyncio.gather(*(self._link.command(*words) for words in counts)))

    async def remove(self, subscription: str) -> None:
        await self.forget(subscription)
        await self._link.script("remove", outbox(subscription, GONE, *OUTBOX), (GONE_S,))


def _given(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(text))


def _lane(urgent: bool) -> str:
    return "urgent" if urgent else "queue"
