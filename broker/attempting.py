"""One attempt: the bytes go out, and what came of it is written down. Retry is a value (`policy.retry`)."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from adapters.base import Delivered, Outcome, Parcel, Push, Unreachable
from broker.clock import Clock, told
from broker.endpoint import Endpoint
from broker.giving import Sending
from broker.metrics import Metrics
from broker.policy.retry import Dead, Done, PauseSubscription, RetryAt, Step, Tried, WaitUntil, next_step
from broker.ports.dossiers import Dossiers, Ended
from broker.ports.outbox import Attempt, Follows, Outbox
from broker.ports.registers import Change, Held, Subscriptions
from broker.ways import MEDIA_TYPE
from schemas.subscription import SubscriptionState

TRIES = 16
"""How often a subscription is read again that changes while it is to be paused; the next 410 pauses it then."""

HUB = "hub"
"""Who paused it, in the history of the subscription."""

log_line = structlog.get_logger("courier")


@dataclass
class Attempting:
    """Sends what was prepared. A process that dies between the two leaves it to be sent again, under the same id."""

    outbox: Outbox
    dossiers: Dossiers
    subscriptions: Subscriptions
    push_for: Callable[[Held], Push]
    clock: Clock
    jitter: Callable[[], float] = random.random
    metrics: Metrics = field(default_factory=Metrics)

    async def attempt(self, held: Held, sending: Sending, endpoint: Endpoint) -> None:
        """Sends it once, and settles it by the answer."""
        at = self.clock()
        outcome = await self._delivered(held, sending, at)
        now, tried = self.clock().timestamp(), _tried(outcome)
        await endpoint.note(tried, now)
        step = next_step(sending.opened.attempts, tried, now, self.jitter())
        attempt = _attempt(sending, outcome, step, at)
        await self._settle(held, attempt, step)
        self._tell(held, attempt)

    async def _delivered(self, held: Held, sending: Sending, at: datetime) -> Outcome:
        """A fault of ours before or while it is sent is an attempt too, that is not counted: it waits, and is told."""
        try:
            return await self.push_for(held).deliver(_parcel(held, sending, at))
        except Exception as why:
            log_line.exception("cannot send", subscription=held.subscription.id, alert=sending.opened.alert)
            return Unreachable(type(why).__name__, 0, "ours")

    async def _settle(self, held: Held, attempt: Attempt, step: Step) -> None:
        """The dossier first: what ended is known to have ended before it leaves the outbox."""
        subscription = held.subscription.id
        follows = _follows(step)
        if follows in ("delivered", "dead"):
            await self.dossiers.note(attempt.alert, Ended(held.agency, subscription, follows, attempt.at))
        await self.outbox.settle(subscription, attempt, follows, _next(step))
        if isinstance(step, PauseSubscription):
            await self._pause(held)

    def _tell(self, held: Held, attempt: Attempt) -> None:
        self.metrics.attempts.labels(attempt.outcome).inc()
        log_line.info(
            "attempted",
            subscription=held.subscription.id,
            alert=attempt.alert,
            delivery=attempt.delivery,
            position=attempt.position,
            outcome=attempt.outcome,
            status=attempt.status,
            ms=attempt.duration_ms,
            next_at=attempt.next_at,
        )

    async def _pause(self, held: Held) -> None:
        """The receiver answered 410: its owner finds the subscription paused, and why in its attempts.

        It is the endpoint that was asked that is gone: where the owner named another meanwhile, that one is tried.
        """
        id_ = held.subscription.id
        for _ in range(TRIES):
            now = await self.subscriptions.get(id_)
            if now is None or now.subscription.settings != held.subscription.settings:
                return
            paused = now.subscription.model_copy(update={"state": SubscriptionState.PAUSED})
            change = Change(told(self.clock()), HUB, "changed", id_, ("state",))
            if await self.subscriptions.replace(replace(now, subscription=paused), now, change):
                log_line.warning("subscription paused", subscription=id_, why="the endpoint answered 410")
                return


def _follows(step: Step) -> Follows:
    match step:
        case Done():
            return "delivered"
        case Dead():
            return "dead"
        case WaitUntil():
            return "wait"
        case RetryAt() | PauseSubscription():
            return "retry"


def _next(step: Step) -> float | None:
    return step.at if isinstance(step, RetryAt | WaitUntil | PauseSubscription) else None


def _attempt(sending: Sending, outcome: Outcome, step: Step, at: datetime) -> Attempt:
    opened, when = sending.opened, _next(step)
    return Attempt(
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
