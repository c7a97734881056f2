"""The outboxes in memory, and who serves them."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from broker.policy.breaker import WELL, Breaker
from broker.ports.outbox import Attempt, Claim, Follows, Head, Opened, Owed
from broker.store.bells import Bells
from broker.store.facts import place_of
from broker.store.keys import GONE_S, WOKEN

KEPT_ATTEMPTS: Final = 10_000
OVERDUE: Final = 1_024


@dataclass
class _Box:
    """One subscription's outbox; `due` holds the time of the next try of each delivery that is not settled."""

    taken: dict[int, str] = field(default_factory=dict)
    lanes: dict[bool, dict[str, Owed]] = field(default_factory=lambda: {True: {}, False: {}})
    """What is owed, urgent or not, by place."""
    breaker: Breaker = WELL
    added: dict[str, str] = field(default_factory=dict)
    sent: dict[int, Opened] = field(default_factory=dict)
    due: dict[int, float] = field(default_factory=dict)
    dead: dict[int, Attempt] = field(default_factory=dict)
    attempts: deque[tuple[int, Attempt]] = field(default_factory=lambda: deque(maxlen=KEPT_ATTEMPTS))
    places: Iterator[int] = field(default_factory=lambda: count(1))

    def queued(self, alert: str, *, urgent: bool, given: tuple[str, ...] | None = None) -> str:
        place = f"{next(self.places):012d}"
        self.lanes[urgent][place] = Owed(place, alert, urgent, given)
        return place

    def end(self, position: int) -> None:
        self.due.pop(position, None)
        self.sent[position] = replace(self.sent[position], attempts=0, again=False)

    def replaceable(self, position: int, *, settled: bool) -> bool:
        known = position in self.sent and not self.sent[position].replaced
        return known and (settled or position in self.due)

    def head(self) -> Head:
        position = len(self.sent)  # positions begin at 1 and none is left out
        return Head(position, self.sent[position].digest if position else None)


@dataclass
class _Claimed:
    owner: tuple[str, int]
    until: float
    signals: int = 0


class _Boxes(dict[str, _Box]):
    """One for each subscription that is asked about; what is done to one that is gone is kept nowhere."""

    def __init__(self, gone: Callable[[str], bool]) -> None:
        super().__init__()
        self._gone = gone

    def __missing__(self, subscription: str) -> _Box:
        box = _Box()
        if not self._gone(subscription):
            self[subscription] = box
        return box


class MemoryClaims:
    """The claims of `ports.Outbox`."""

    def __init__(self, bells: Bells, timer: Callable[[], float]) -> None:
        self._bells = bells
        self._timer = timer
        self._ready: dict[str, None] = {}
        self._later: dict[str, float] = {}
        self._alone: set[str] = set()
        self._claimed: dict[str, _Claimed] = {}
        self._removed: dict[str, float] = {}
        """Subscriptions by the time until which it is remembered that they are no more."""
        self._tokens = count(1)

    async def signal(self, subscription: str, *, push: bool, owner: bool = False) -> None:
        if push and self._gone(subscription):
            return
        if owner:
            self._alone.discard(subscription)
        if push and subscription in self._alone:
            return
        if push:
            if claimed := self._claimed.get(subscription):
                claimed.signals += 1
            else:
                self._ready.setdefault(subscription)
        self._ring(subscription)

    async def claim(self, worker: str, now: float, seconds: float, limit: int) -> Sequence[Claim]:
        if limit < 1:
            return []
        clock = self._timer()
        for subscription in [name for name, claimed in self._claimed.items() if claimed.until <= clock]:
            del self._claimed[subscription]
            self._ready.setdefault(subscription)
        for subscription in sorted(self._later, key=self._later.__getitem__):
            if self._later[subscription] <= now:
                del self._later[subscription]
                self._alone.discard(subscription)
                self._ready.setdefault(subscription)
        return [self._claim(worker, subscription, clock + seconds) for subscription in list(self._ready)[:limit]]

    def _claim(self, worker: str, subscription: str, until: float) -> Claim:
        del self._ready[subscription]
        self._later.pop(subscription, None)
        token = next(self._tokens)
        self._claimed[subscription] = _Claimed((worker, token), until)
        return Claim(subscription, token, signals=0)

    async def renew(self, worker: str, claim: Claim, seconds: float) -> Claim | None:
        claimed = self._claimed.get(claim.subscription)
        if claimed is None or claimed.owner != (worker, claim.token):
            return None
        claimed.until = self._timer() + seconds
        return replace(claim, signals=claimed.signals)

    async def leave(self, worker: str, claim: Claim, next_due: float | None, *, alone: bool = False) -> None:
        claimed = self._claimed.get(claim.subscription)
        if claimed is None or claimed.owner != (worker, claim.token):
            return
        del self._claimed[claim.subscription]
        if alone and next_due is not None:
            self._later[claim.subscription] = next_due
            self._alone.add(claim.subscription)
        elif claimed.signals > claim.signals:
            self._ready.setdefault(claim.subscription)
            self._ring(claim.subscription)
        elif next_due is not None:
            self._later[claim.subscription] = next_due

    async def woken(self, subscription: str | None, seconds: float) -> None:
        await self._bells.wait(WOKEN if subscription is None else subscription, seconds)

    def _forget(self, subscription: str) -> None:
        self._ready.pop(subscription, None)
        self._later.pop(subscription, None)
        self._alone.discard(subscription)
        self._claimed.pop(subscription, None)
        now = self._timer()
        self._removed = {name: until for name, until in self._removed.items() if until > now}
        self._removed[subscription] = now + GONE_S

    def _gone(self, subscription: str) -> bool:
        return self._removed.get(subscription, 0.0) > self._timer()

    def _ring(self, subscription: str) -> None:
        self._bells.ring(WOKEN)
        self._bells.ring(subscription)


class MemoryOutbox(MemoryClaims):
    """See `ports.Outbox`."""

    def __init__(self, bells: Bells, timer: Callable[[], float]) -> None:
        super().__init__(bells, timer)
        self._boxes = _Boxes(self._gone)

    # the router's side
    async def put(
        self, subscription: str, partition: int, position: str, alerts: Sequence[str], *, urgent: bool = False
    ) -> bool:
        if self._gone(subscription):
            return False
        box = self._boxes[subscription]
        before = box.taken.get(partition)
        if before is not None and place_of(position) <= place_of(before):
            return False
        box.taken[partition] = position
        for alert in alerts:
            box.queued(alert, urgent=urgent)
        return True

    async def open_at(self, subscription: str, tails: Mapping[int, str]) -> None:
        for partition, position in tails.items():
            await self.put(subscription, partition, position, ())

    async def add(self, subscription: str, alert: str, *, urgent: bool = False) -> Owed:
        box = self._boxes[subscription]
        if alert not in box.added:
            box.added[alert] = box.queued(alert, urgent=urgent)
        return Owed(box.added[alert], alert, urgent)

    # whoever sends
    async def owed(self, subscription: str, limit: int, after: str = "", *, urgent: bool = False) -> Sequence[Owed]:
        return [owed for owed in self._boxes[subscription].lanes[urgent].values() if owed.ref > after][:limit]

    async def head(self, subscription: str) -> Head:
        return self._boxes[subscription].head()

    async def open(
        self, subscription: str, what: Owed | Opened, delivery: Opened, *, rest: bool = False, settled: bool = False
    ) -> bool:
        box = self._boxes[subscription]
        if delivery.position != box.head().position + 1:
            return False
        again = False
        if isinstance(what, Owed):
            if box.lanes[what.urgent].pop(what.ref, None) is None:
                return False
        elif box.replaceable(what.position, settled=settled):
            again = box.sent[what.position].again
            box.end(what.position)
            box.dead.pop(what.position, None)
            box.sent[what.position] = replace(box.sent[what.position], replaced=True)
        else:
            return False
        if rest:
            box.queued(delivery.alert, urgent=isinstance(what, Owed) and what.urgent, given=delivery.released)
        box.sent[delivery.position] = replace(delivery, attempts=0, again=again, replaced=False)
        box.due[delivery.position] = 0.0
        return True

    async def drop(self, subscription: str, what: Owed | Opened) -> None:
        box = self._boxes[subscription]
        if isinstance(what, Owed):
            box.lanes[what.urgent].pop(what.ref, None)
        elif what.position in box.due:
            box.end(what.position)

    async def due(self, subscription: str, now: float, limit: int, after: int = 0) -> Sequence[Opened]:
        box = self._boxes[subscription]
        if now == float("inf"):
            positions = sorted(box.due)
        else:
            overdue = sorted((at, position) for position, at in box.due.items() if at <= now)
            positions = sorted(position for _, position in overdue[: max(OVERDUE, limit)])
        return [box.sent[position] for position in positions if position > after][:limit]

    async def waiting(self, subscription: str, now: float) -> Sequence[Opened]:
        box = self._boxes[subscription]
        return [replace(box.sent[position], attempts=0, again=False) for position, at in box.due.items() if at > now]

    async def next_due(self, subscription: str) -> float | None:
        return min(self._boxes[subscription].due.values(), default=None)

    async def settle(self, subscription: str, attempt: Attempt, then: Follows, at: float | None = None) -> None:
        box, position = self._boxes[subscription], attempt.position
        box.attempts.append((next(box.places), attempt))
        if then == "delivered":
            box.dead.pop(position, None)
        if position not in box.due:
            return
        if then in ("retry", "wait"):
            box.due[position] = at or 0.0
            tries = box.sent[position].attempts + (then == "retry")
            box.sent[position] = replace(box.sent[position], attempts=tries)
            return
        box.end(position)
        if then == "dead":
            box.dead[position] = attempt

    async def breaker(self, subscription: str) -> Breaker:
        return self._boxes[subscription].breaker

    async def trip(self, subscription: str, breaker: Breaker) -> None:
        self._boxes[subscription].breaker = breaker

    # reading back
    async def opened(self, subscription: str, after: int, limit: int) -> Sequence[Opened]:
        sent = self._boxes[subscription].sent
        return [sent[position] for position in range(after + 1, min(len(sent), after + limit) + 1)]

    async def unsettled(self, subscription: str) -> int | None:
        return min(self._boxes[subscription].due, default=None)

    async def attempts(self, subscription: str, after: str | None, limit: int) -> tuple[Sequence[Attempt], str | None]:
        place = 0 if after is None else int(after)
        found = [each for each in self._boxes[subscription].attempts if each[0] > place]
        page = found[:limit]
        return [attempt for _, attempt in page], str(page[-1][0]) if len(found) > limit else None

    async def dead(self, subscription: str) -> Sequence[Attempt]:
        return [attempt for _, attempt in sorted(self._boxes[subscription].dead.items())]

    async def again(self, subscription: str, positions: Sequence[int], now: float) -> int:
        box = self._boxes[subscription]
        known = [position for position in positions if position in box.sent and not box.sent[position].replaced]
        for position in known:
            box.due[position] = now + (position - 2**31) / 2**21  # see scripts/again.lua
            box.sent[position] = replace(box.sent[position], attempts=0, again=True)
            box.dead.pop(position, None)
        return len(known)

    async def depth(self, subscription: str) -> int:
        box = self._boxes[subscription]
        return len(box.lanes[True]) + len(box.lanes[False]) + len(box.due)

    async def remove(self, subscription: str) -> None:
        self._forget(subscription)
        self._boxes.pop(subscription, None)
