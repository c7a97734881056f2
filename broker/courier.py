"""From the outboxes to the partner systems that are pushed to: one claimed subscription at a time, many side by side.

A courier that dies leaves everything where the next one finds it: what was sent and not settled is sent again under
the same delivery id. Retry is a value (`policy.retry`); nothing here waits for a failed endpoint.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from adapters.base import Delivered, Outcome, Parcel, Push, Unreachable
from broker.clock import Clock, told
from broker.giving import Giving, Sending
from broker.policy.retry import Dead, PauseSubscription, RetryAt, Step, Tried, next_step
from broker.ports import Attempt, Claim, Dossiers, Ended, Held, Opened, Outbox, Owed, Subscriptions, Unavailable
from broker.ways import MEDIA_TYPE, in_flight_limit, way_of
from schemas.subscription import SubscriptionState

LEASE_S = 15.0
REST_S = 1.0
AT_ONCE = 256
"""Subscriptions that one courier serves side by side."""
LOOK_AHEAD = 64
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
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; what is under way then is finished first."""
        while not stop.is_set():
            try:
                room = AT_ONCE - len(self._serving)
                for claim in await self.outbox.claim(self.name, self._now(), LEASE_S, room):
                    self._start(claim, stop)
                await self.outbox.woken(None, REST_S)
            except Unavailable as why:
                log_line.warning("store away", why=str(why))
                await asyncio.sleep(REST_S)
        if self._serving:
            await asyncio.wait(self._serving)

    def _start(self, claim: Claim, stop: asyncio.Event) -> None:
        task = asyncio.create_task(self._guarded(claim, stop))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _guarded(self, claim: Claim, stop: asyncio.Event) -> None:
        try:
            await Service(self, claim).run(stop)
        except Unavailable as why:  # the claim lapses, and somebody serves it again
            log_line.warning("store away", subscription=claim.subscription, why=str(why))
        except Exception:
            log_line.exception("service failed", subscription=claim.subscription)

    def _now(self) -> float:
        return self.clock().timestamp()


@dataclass
class Service:
    """One subscription while it is claimed."""

    courier: Courier
    claim: Claim
    _flying: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """Alerts under way, so that none is tried twice side by side."""
    _staying: bool = False

    async def run(self, stop: asyncio.Event) -> None:
        """Until nothing is left to do now, the claim is lost, or `stop` is set."""
        held: Held | None = None
        try:
            while not stop.is_set() and await self._renew():
                held = await self.courier.subscriptions.get(self.claim.subscription)
                if held is None or held.subscription.state is not SubscriptionState.ACTIVE:
                    break
                started = await self._send_what_can_be(held)
                if self._flying:
                    await self._until_something_changes()
                elif not started:
                    break
        finally:
            if self._flying:
                await asyncio.wait(self._flying.values())
        await self._leave(held)

    async def _renew(self) -> bool:
        renewed = await self.courier.outbox.renew(self.courier.name, self.claim, LEASE_S)
        if renewed is not None:
            self.claim = renewed
        return renewed is not None

    async def _until_something_changes(self) -> None:
        """A send ended, or the subscription was signalled."""
        woken = asyncio.create_task(self.courier.outbox.woken(self.claim.subscription, REST_S))
        await asyncio.wait([woken, *self._flying.values()], return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()

    async def _leave(self, held: Held | None) -> None:
        next_due = None
        if held is not None and held.subscription.state is SubscriptionState.ACTIVE:
            next_due = await self.courier.outbox.next_due(self.claim.subscription)
            if self._staying:
                later = self.courier.clock().timestamp() + STAYING_S
                next_due = later if next_due is None else min(next_due, later)
        await self.courier.outbox.leave(self.courier.name, self.claim, next_due)

    async def _send_what_can_be(self, held: Held) -> int:
        """How many were started or ended."""
        done, self._staying = 0, False
        blocked = await self._blocked_issuers(held)
        for what in await self._work(held):
            if len(self._flying) >= in_flight_limit(held):
                break
            if what.alert in self._flying or issuer_of(what) in blocked:
                continue
            sending = await self.courier.giving.prepare(held, way_of(held), what, self.courier.clock())
            if isinstance(sending, Sending):
                self._fly(held, sending)
                if held.subscription.order == "issuer":
                    blocked.add(issuer_of(what))
            self._staying |= sending == "stays"
            done += sending != "stays"
        return done

    async def _work(self, held: Held) -> list[Owed | Opened]:
        """What is due again goes before what is new."""
        subscription = held.subscription.id
        due = await self.courier.outbox.due(subscription, self.courier.clock().timestamp(), LOOK_AHEAD)
        owed = await self.courier.outbox.owed(subscription, LOOK_AHEAD)
        return [*due, *owed]

    async def _blocked_issuers(self, held: Held) -> set[str]:
        """With `order: issuer`, an alert waits for its issuer's earlier ones that are under way or to be retried."""
        if held.subscription.order != "issuer":
            return set()
        subscription, now = held.subscription.id, self.courier.clock().timestamp()
        unsettled = await self.courier.outbox.due(subscription, float("inf"), LOOK_AHEAD)
        due = {opened.position for opened in await self.courier.outbox.due(subscription, now, LOOK_AHEAD)}
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
        step = next_step(opened.attempts, _tried(outcome), now.timestamp(), courier.jitter())
        await self._settle(held, opened, outcome, step, at)

    async def _settle(self, held: Held, opened: Opened, outcome: Outcome, step: Step, at: datetime) -> None:
        courier, subscription = self.courier, held.subscription.id
        when = step.at if isinstance(step, RetryAt | PauseSubscription) else None
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
            await courier.outbox.settle(subscription, attempt, "retry", when)
        if isinstance(step, PauseSubscription):
            await self._pause(held)
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
        """The receiver answered 410: its owner finds the subscription paused, and why in its attempts."""
        paused = held.subscription.model_copy(update={"state": SubscriptionState.PAUSED})
        await self.courier.subscriptions.replace(replace(held, subscription=paused))
        log_line.warning("subscription paused", subscription=held.subscription.id, why="the endpoint answered 410")


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
        return Tried(status=None, retry_after=None)
    return Tried(status=outcome.status, retry_after=getattr(outcome, "retry_after", None))
