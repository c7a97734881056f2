"""From the outboxes to the partner systems that are pushed to: one claimed subscription at a time, many side by side.

A courier that dies leaves everything where the next one finds it: what was sent and not settled is sent again under
the same delivery id. Retry is a value (`policy.retry`); nothing here waits for a failed endpoint.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from adapters.base import Delivered, Outcome, Parcel, Push, Unreachable
from broker.clock import Clock, told
from broker.giving import Giving, Instead, Sending
from broker.metrics import Metrics
from broker.policy.breaker import WELL, Breaker, after
from broker.policy.retry import Dead, PauseSubscription, RetryAt, Step, Tried, WaitUntil, next_step
from broker.ports.dossiers import Dossiers, Ended
from broker.ports.failures import Unavailable
from broker.ports.outbox import Attempt, Claim, Opened, Outbox, Owed
from broker.ports.registers import Held, Subscriptions
from broker.ways import MEDIA_TYPE, in_flight_limit, way_of
from schemas.subscription import SubscriptionState

LEASE_S = 15.0
REST_S = 1.0
AT_ONCE = 256
"""Subscriptions that one courier serves side by side, while their endpoints are well."""
MOST = 4_096
"""With those that are in trouble."""
PAGE = 64
LOOK_AHEAD = 1_024
"""How far a queue is looked through for something that can be sent."""
TRIES = 16
"""How often a subscription is read again that changes while it is to be paused; the next 410 pauses it then."""
STAYING_S = 5.0
"""After which a suspended alert is looked at again."""

log_line = structlog.get_logger("courier")


@dataclass
class Courier:
    """Serves push subscriptions that have something to do."""

    outbox: Outbox
    dossiers: Dossiers
    subscriptions: Subscriptions
    giving: Giving
    push_for: Callable[[Held], Push]
    clock: Clock
    name: str
    jitter: Callable[[], float] = random.random
    metrics: Metrics = field(default_factory=Metrics)
    _serving: "dict[asyncio.Task[None], Service]" = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; what is under way then is finished first."""
        while not stop.is_set():
            try:
                for claim in await self.outbox.claim(self.name, self.now(), LEASE_S, self._room()):
                    self._start(claim, stop)
                await self.outbox.woken(None, REST_S)
            except Unavailable as why:
                log_line.warning("store away", why=str(why))
                await asyncio.sleep(REST_S)
        if self._serving:
            await asyncio.wait(self._serving)

    def _start(self, claim: Claim, stop: asyncio.Event) -> None:
        service = Service(self, claim)
        task = asyncio.create_task(self._guarded(service, stop))
        self._serving[task] = service
        task.add_done_callback(self._serving.pop)

    async def _guarded(self, service: "Service", stop: asyncio.Event) -> None:
        try:
            await service.run(stop)
        except Unavailable as why:  # the claim lapses, and somebody serves it again
            log_line.warning("store away", subscription=service.claim.subscription, why=str(why))
        except Exception:
            log_line.exception("service failed", subscription=service.claim.subscription)

    def _room(self) -> int:
        """Endpoints in trouble take no place from the others: they wait for an answer, or for a probe's time."""
        well = sum(not service.in_trouble for service in self._serving.values())
        return min(AT_ONCE - well, MOST - len(self._serving))

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock().timestamp()


@dataclass
class Service:
    """One subscription while it is claimed."""

    courier: Courier
    claim: Claim
    _flying: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """Alerts under way, so that none is tried twice side by side."""
    _staying: bool = False
    _breaker: Breaker = WELL
    _renewed: float = 0.0
    """When the claim was, by this process's own clock."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until nothing is left to do now, the claim is lost, or `stop` is set."""
        held: Held | None = None
        self._breaker = await self.courier.outbox.breaker(self.claim.subscription)
        if self._breaker.open and self.courier.now() < self._breaker.until:
            await self._leave_alone()
            return
        try:
            while not stop.is_set() and await self._renew():
                held = await self.courier.subscriptions.get(self.claim.subscription)
                if held is None or held.subscription.state is not SubscriptionState.ACTIVE:
                    break
                flew = bool(self._flying)  # and may have held back what can go once it has ended
                started = await self._send_what_can_be(held)
                if self._flying:
                    await self._until_something_changes()
                elif not started and not flew:
                    break
        finally:
            if self._flying:
                await asyncio.wait(self._flying.values())
        await self._leave(held)

    async def _renew(self) -> bool:
        self._renewed = self._seconds()
        renewed = await self.courier.outbox.renew(self.courier.name, self.claim, LEASE_S)
        if renewed is not None:
            self.claim = renewed
        return renewed is not None

    def _seconds(self) -> float:
        return asyncio.get_running_loop().time()

    async def _until_something_changes(self) -> None:
        """A send ended, or the subscription was signalled."""
        woken = asyncio.create_task(self.courier.outbox.woken(self.claim.subscription, REST_S))
        await asyncio.wait([woken, *self._flying.values()], return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()

    @property
    def in_trouble(self) -> bool:
        """Whether the endpoint failed, and has not answered since."""
        return self._breaker.failures > 0

    async def _leave(self, held: Held | None) -> None:
        next_due = None
        if held is not None and held.subscription.state is SubscriptionState.ACTIVE:
            if self._breaker.open:
                await self._leave_alone()
                return
            next_due = await self._next_due()
        await self.courier.outbox.leave(self.courier.name, self.claim, next_due)

    async def _leave_alone(self) -> None:
        """Until the time of the next probe, whatever comes for it meanwhile."""
        await self.courier.outbox.leave(self.courier.name, self.claim, self._breaker.until, alone=True)

    async def _next_due(self) -> float | None:
        next_due = await self.courier.outbox.next_due(self.claim.subscription)
        if self._staying:
            later = self.courier.now() + STAYING_S
            next_due = later if next_due is None else min(next_due, later)
        return next_due

    async def _send_what_can_be(self, held: Held) -> int:
        """How many were started or ended."""
        done, self._staying = 0, False
        blocked = await self._blocked_issuers(held)
        async for what in self._work(held):
            limit = in_flight_limit(held) + (isinstance(what, Owed) and what.urgent)  # one more for what cannot wait
            if not self._breaker.allows(self.courier.now(), len(self._flying), limit):
                break
            if what.alert in self._flying or issuer_of(what) in blocked:
                continue
            if self._seconds() - self._renewed >= LEASE_S / 3:  # a long look: whether it is still ours is asked again
                return done + 1
            sending = await self._prepared(held, what)
            if isinstance(sending, Sending):
                self._fly(held, sending)
            if sending not in ("ended", "stays") and held.subscription.order == "issuer":
                blocked.add(issuer_of(what))  # also where another took it: what follows it waits until that is seen
            self._staying |= sending == "stays"
            done += sending != "stays"
        return done

    async def _prepared(self, held: Held, what: Owed | Opened) -> Sending | Instead:
        """One alert that cannot be prepared stays owed, and the others go on."""
        try:
            return await self.courier.giving.prepare(held, way_of(held), what, self.courier.clock())
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
        outbox, now, after = self.courier.outbox, self.courier.now(), 0
        while page := await outbox.due(held.subscription.id, now, PAGE, after):
            for due in page:
                yield due
            after = page[-1].position

    async def _queue(self, *, urgent: bool) -> AsyncGenerator[Owed, None]:
        after, looked = "", 0
        while looked < LOOK_AHEAD:
            page = await self.courier.outbox.owed(self.claim.subscription, PAGE, after, urgent=urgent)
            for owed in page:
                yield owed
            if len(page) < PAGE:
                return
            after, looked = page[-1].ref, looked + PAGE

    async def _blocked_issuers(self, held: Held) -> set[str]:
        """With `order: issuer`, an alert waits for its issuer's earlier ones that are under way or to be retried."""
        if held.subscription.order != "issuer":
            return set()
        subscription, now = held.subscription.id, self.courier.clock().timestamp()
        unsettled = await self.courier.outbox.due(subscription, float("inf"), PAGE)
        due = {opened.position for opened in await self.courier.outbox.due(subscription, now, PAGE)}
        return {issuer_of(opened) for opened in unsettled if opened.position not in due} | {
            alert.partition("/")[0] for alert in self._flying
        }

    def _fly(self, held: Held, sending: Sending) -> None:
        alert = sending.opened.alert
        task = asyncio.create_task(self._guarded_attempt(held, sending))
        self._flying[alert] = task
        task.add_done_callback(lambda _: self._flying.pop(alert, None))

    async def _guarded_attempt(self, held: Held, sending: Sending) -> None:
        try:
            await self._attempt(held, sending)
        except Unavailable as why:  # it was sent, but that is not written down: it is sent again, under the same id
            log_line.warning("attempt not settled", delivery=sending.opened.delivery, why=str(why))

    async def _attempt(self, held: Held, sending: Sending) -> None:
        courier, opened = self.courier, sending.opened
        at = courier.clock()
        outcome = await courier.push_for(held).deliver(_parcel(held, sending, at))
        now = courier.clock()
        tried = _tried(outcome)
        await self._note_health(tried, now.timestamp())
        step = next_step(opened.attempts, tried, now.timestamp(), courier.jitter())
        await self._settle(held, opened, outcome, step, at)

    async def _note_health(self, tried: Tried, now: float) -> None:
        """Written only when it changes: an endpoint that is well costs nothing here."""
        before, self._breaker = self._breaker, after(self._breaker, tried, now, self.courier.jitter())
        if self._breaker != before:
            await self.courier.outbox.trip(self.claim.subscription, self._breaker)
        if self._breaker.open != before.open:
            said = "breaker opened" if self._breaker.open else "breaker closed"
            metrics = self.courier.metrics
            (metrics.breakers_opened if self._breaker.open else metrics.breakers_closed).inc()
            log_line.warning(said, subscription=self.claim.subscription, failures=self._breaker.failures)

    async def _settle(self, held: Held, opened: Opened, outcome: Outcome, step: Step, at: datetime) -> None:
        courier, subscription = self.courier, held.subscription.id
        when = step.at if isinstance(step, RetryAt | WaitUntil | PauseSubscription) else None
        attempt = Attempt(
            delivery=opened.delivery,
            alert=opened.alert,
            position=opened.position,
            at=told(at),
            outcome=type(outcome).__name__.lower(),
            status=None if isinstance(outcome, Unreachable) else outcome.status,
            duration_ms=outcome.duration_ms,
            error=None if isinstance(outcome, Delivered) else outcome.error,
            next_at=None if when is None else told(datetime.fromtimestamp(when, UTC)),
        )
        if isinstance(outcome, Delivered):
            await courier.dossiers.note(opened.alert, Ended(held.agency, subscription, "delivered", attempt.at))
            await courier.outbox.settle(subscription, attempt, "delivered")
        elif isinstance(step, Dead):
            await courier.dossiers.note(opened.alert, Ended(held.agency, subscription, "dead", attempt.at))
            await courier.outbox.settle(subscription, attempt, "dead")
        else:
            await courier.outbox.settle(subscription, attempt, "wait" if isinstance(step, WaitUntil) else "retry", when)
        if isinstance(step, PauseSubscription):
            await self._pause(held)
        courier.metrics.attempts.labels(attempt.outcome).inc()
        log_line.info(
            "attempted",
            subscription=subscription,
            alert=opened.alert,
            delivery=opened.delivery,
            position=opened.position,
            outcome=attempt.outcome,
            status=attempt.status,
            ms=attempt.duration_ms,
            next_at=attempt.next_at,
        )

    async def _pause(self, held: Held) -> None:
        """The receiver answered 410: its owner finds the subscription paused, and why in its attempts.

        It is the endpoint that was asked that is gone: where the owner named another meanwhile, that one is tried.
        """
        subscriptions, id_ = self.courier.subscriptions, held.subscription.id
        for _ in range(TRIES):
            now = await subscriptions.get(id_)
            if now is None or now.subscription.settings != held.subscription.settings:
                return
            paused = now.subscription.model_copy(update={"state": SubscriptionState.PAUSED})
            if await subscriptions.replace(replace(now, subscription=paused), now):
                log_line.warning("subscription paused", subscription=id_, why="the endpoint answered 410")
                return


def issuer_of(what: Owed | Opened) -> str:
    """The agency that signed: what `order: issuer` keeps in order."""
    return what.alert.partition("/")[0]


def _parcel(held: Held, sending: Sending, at: datetime) -> Parcel:
    opened = sending.opened
    return Parcel(
        subscription=held.subscription.id,
        delivery=opened.delivery,
        position=opened.position,
        alert=opened.alert,
        text=sending.text,
        media_type=MEDIA_TYPE,
        settings=held.subscription.settings,
        attempt=opened.attempts + 1,
        timestamp=int(at.timestamp()),
    )


def _tried(outcome: Outcome) -> Tried:
    """The outcome as the retry policy sees it."""
    if isinstance(outcome, Unreachable):
        return Tried(status=None, ours=outcome.fault == "ours")
    return Tried(status=outcome.status, retry_after=getattr(outcome, "retry_after", None))
