"""One subscription while a courier holds its claim: what of all that is owed can be sent now, and in which order.

Nothing here waits for a failed endpoint: what failed is due again later, and others go on.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

import structlog

from broker.attempting import Attempting
from broker.endpoint import Endpoint
from broker.giving import Giving, Instead, Sending
from broker.ports.failures import Unavailable
from broker.ports.outbox import Claim, Opened, Owed
from broker.ports.registers import Held
from broker.ways import in_flight_limit, way_of
from schemas.subscription import SubscriptionState

LEASE_S = 15.0
REST_S = 1.0
"""After which the claim is renewed, the subscription read again, and all that is owed looked at from its beginning."""
LOOK_S = 0.05
"""The same after a signal, while there is enough to do: a look costs as much as several deliveries."""
PAGE = 64
LOOK_AHEAD = 1_024
"""How far a queue is looked through for something that can be sent."""
STAYING_S = 5.0
"""After which a suspended alert is looked at again."""
TURN_S = 5.0
"""After which it makes room where others have to wait for a courier."""

log_line = structlog.get_logger("courier")


@dataclass
class Service:
    """One subscription while it is claimed."""

    name: str
    """Of the courier."""
    claim: Claim
    giving: Giving
    attempting: Attempting
    endpoint: Endpoint
    others_wait: Callable[[], bool] = lambda: False
    """Whether the courier has no place left."""
    _flying: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """Sends under way, by alert."""
    _staying: dict[str, float] = field(default_factory=dict)
    """Alerts that must stay owed, with the time until which they are passed over."""
    _renewed: float = 0.0
    """When the claim was, by this process's own clock."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until nothing is left to do now, the claim is lost, or `stop` is set."""
        held: Held | None = None
        began, more = self._seconds(), True
        await self.endpoint.recall()
        if self.endpoint.breaker.open and self._now() < self.endpoint.breaker.until:
            await self._leave_alone()
            return
        try:
            while not stop.is_set() and not self._gives_way(began) and await self._renew():
                held = await self.attempting.subscriptions.get(self.claim.subscription)
                if held is None or held.subscription.state is not SubscriptionState.ACTIVE:
                    break
                if not await self._look_and_wait(held, stop):
                    more = False
                    break
        finally:
            if self._flying:
                await asyncio.wait(self._flying.values())
        await self._leave(held, more=more)

    def _gives_way(self, began: float) -> bool:
        """An endpoint that is slow but well would hold its place for ever, and keep others from being served."""
        return self._seconds() - began >= TURN_S and self.others_wait()

    async def _renew(self) -> bool:
        self._renewed = self._seconds()
        renewed = await self.attempting.outbox.renew(self.name, self.claim, LEASE_S)
        if renewed is not None:
            self.claim = renewed
        return renewed is not None

    def _now(self) -> float:
        """Seconds since the epoch."""
        return self.attempting.clock().timestamp()

    def _seconds(self) -> float:
        return asyncio.get_running_loop().time()

    async def _look_and_wait(self, held: Held, stop: asyncio.Event) -> bool:
        """Then until a send ended or the subscription was signalled. False when there is nothing more to do now."""
        flew = bool(self._flying)  # and may have held back what can go once it has ended
        woken = asyncio.create_task(self.attempting.outbox.woken(self.claim.subscription, REST_S))
        try:
            found = await self._look(held, woken, stop)
            if self._flying:
                await asyncio.wait([woken, *self._flying.values()], return_when=asyncio.FIRST_COMPLETED)
                return True
            return found or flew
        finally:
            woken.cancel()

    async def _leave(self, held: Held | None, *, more: bool) -> None:
        """Where there is more to do now, the next courier is to take it up at once."""
        next_due = None
        if held is not None and held.subscription.state is SubscriptionState.ACTIVE:
            if self.endpoint.breaker.open:
                await self._leave_alone()
                return
            next_due = self._now() if more else await self._next_due()
        await self.attempting.outbox.leave(self.name, self.claim, next_due)

    async def _leave_alone(self) -> None:
        """Until the time of the next probe, whatever comes for it meanwhile."""
        await self.attempting.outbox.leave(self.name, self.claim, self.endpoint.breaker.until, alone=True)

    async def _next_due(self) -> float | None:
        next_due = await self.attempting.outbox.next_due(self.claim.subscription)
        return min((at for at in (next_due, *self._staying.values()) if at is not None), default=None)

    async def _look(self, held: Held, woken: asyncio.Task[None], stop: asyncio.Event) -> bool:
        """Goes through what is owed as the endpoint takes it. Whether another look may find more."""
        found, now = False, self._now()
        self._staying = {alert: until for alert, until in self._staying.items() if until > now}
        tried = set(self._flying)  # what was read as due may have been settled since: none is tried twice in one look
        blocked = await self._blocked_issuers(held)
        async for what in self._work(held):
            while not self._has_room(held, what) and self._flying and self._left(woken, stop) > 0:
                among = [*self._flying.values(), *(() if woken.done() else (woken,))]
                await asyncio.wait(among, timeout=self._left(woken, stop), return_when=asyncio.FIRST_COMPLETED)
            if self._left(woken, stop) <= 0:
                return True
            if not self._has_room(held, what):
                break
            if what.alert in tried or what.alert in self._staying or issuer_of(what) in blocked:
                continue
            sending = await self._prepared(held, what)
            if isinstance(sending, Sending):
                tried.add(what.alert)
                self._fly(held, sending)
            if sending not in ("ended", "stays") and held.subscription.order == "issuer":
                blocked.add(issuer_of(what))  # also where another took it: what follows it waits until that is seen
            if sending == "stays":
                self._staying[what.alert] = self._now() + STAYING_S
            found |= sending != "stays"
        return found

    def _has_room(self, held: Held, what: Owed | Opened) -> bool:
        """The endpoint takes one more; what cannot wait has a place of its own."""
        limit = in_flight_limit(held) + (isinstance(what, Owed) and what.urgent)
        return self.endpoint.breaker.allows(self._now(), len(self._flying), limit) > 0

    def _left(self, woken: asyncio.Task[None], stop: asyncio.Event) -> float:
        """Seconds of this look: then it is asked again whether the subscription is ours, and what came meanwhile."""
        return 0.0 if stop.is_set() else self._renewed + (LOOK_S if woken.done() else REST_S) - self._seconds()

    async def _prepared(self, held: Held, what: Owed | Opened) -> Sending | Instead:
        """One alert that cannot be prepared stays owed, and the others go on."""
        try:
            return await self.giving.prepare(held, way_of(held), what, self.attempting.clock())
        except Unavailable:
            raise
        except Exception:
            log_line.exception("cannot prepare", subscription=held.subscription.id, alert=what.alert)
            return "stays"

    async def _work(self, held: Held) -> AsyncGenerator[Owed | Opened, None]:
        """What overtakes goes first, what is due again before what is new. Read while it is asked for."""
        async for owed in self._queue(urgent=True):
            yield owed
        async for due in self._due(held):
            yield due
        async for owed in self._queue(urgent=False):
            yield owed

    async def _due(self, held: Held) -> AsyncGenerator[Opened, None]:
        outbox, now, after = self.attempting.outbox, self._now(), 0
        while page := await outbox.due(held.subscription.id, now, PAGE, after):
            for due in page:
                yield due
            after = page[-1].position

    async def _queue(self, *, urgent: bool) -> AsyncGenerator[Owed, None]:
        after, looked = "", 0
        while looked < LOOK_AHEAD:
            page = await self.attempting.outbox.owed(self.claim.subscription, PAGE, after, urgent=urgent)
            for owed in page:
                yield owed
            if len(page) < PAGE:
                return
            after, looked = page[-1].ref, looked + PAGE

    async def _blocked_issuers(self, held: Held) -> set[str]:
        """With `order: issuer`, an alert waits for its issuer's earlier ones that are under way or to be retried."""
        if held.subscription.order != "issuer":
            return set()
        flying = {alert.partition("/")[0] for alert in self._flying}  # first: one that fails now is waiting then
        waiting = await self.attempting.outbox.waiting(held.subscription.id, self._now())
        return flying | {issuer_of(opened) for opened in waiting}

    def _fly(self, held: Held, sending: Sending) -> None:
        alert = sending.opened.alert
        task = asyncio.create_task(self._guarded_attempt(held, sending))
        self._flying[alert] = task
        task.add_done_callback(lambda _: self._flying.pop(alert, None))

    async def _guarded_attempt(self, held: Held, sending: Sending) -> None:
        try:
            await self.attempting.attempt(held, sending, self.endpoint)
        except Unavailable as why:  # it was sent, but that is not written down: it is sent again, under the same id
            log_line.warning("attempt not settled", delivery=sending.opened.delivery, why=str(why))


def issuer_of(what: Owed | Opened) -> str:
    """The agency that signed: what `order: issuer` keeps in order."""
    return what.alert.partition("/")[0]
