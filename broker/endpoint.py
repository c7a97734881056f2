"""How the endpoint of one subscription is doing, while one courier serves it."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from broker.metrics import Metrics
from broker.policy.breaker import WELL, Breaker, after
from broker.policy.retry import Tried
from broker.ports.outbox import Outbox

log_line = structlog.get_logger("courier")


@dataclass
class Endpoint:
    """Its breaker, kept in the outbox for whoever serves it next."""

    outbox: Outbox
    subscription: str
    jitter: Callable[[], float]
    metrics: Metrics
    breaker: Breaker = WELL

    async def recall(self) -> None:
        """As it was left."""
        self.breaker = await self.outbox.breaker(self.subscription)

    @property
    def in_trouble(self) -> bool:
        """Whether it failed, and has not answered since."""
        return self.breaker.failures > 0

    async def note(self, tried: Tried, now: float) -> None:
        """Written only when it changes: an endpoint that is well costs nothing here."""
        before, self.breaker = self.breaker, after(self.breaker, tried, now, self.jitter())
        if self.breaker != before:
            await self.outbox.trip(self.subscription, self.breaker)
        if self.breaker.open != before.open:
            said = "breaker opened" if self.breaker.open else "breaker closed"
            (self.metrics.breakers_opened if self.breaker.open else self.metrics.breakers_closed).inc()
            log_line.warning(said, subscription=self.subscription, failures=self.breaker.failures)
