"""From the outboxes to the partner systems that are pushed to: one claimed subscription at a time, many side by side.

A courier that dies leaves everything where the next one finds it: what was sent and not settled is sent again under
the same delivery id.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from adapters.base import Push
from broker.attempting import Attempting
from broker.clock import Clock
from broker.endpoint import Endpoint
from broker.giving import Giving
from broker.metrics import Metrics
from broker.ports.dossiers import Dossiers
from broker.ports.failures import Unavailable
from broker.ports.outbox import Claim, Outbox
from broker.ports.registers import Held, Subscriptions
from broker.service import LEASE_S, REST_S, Service

AT_ONCE = 256
"""Subscriptions that one courier serves side by side, while their endpoints are well."""
MOST = 4_096
"""With those that are in trouble."""

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
    _serving: dict[asyncio.Task[None], Service] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; what is under way then is finished first."""
        while not stop.is_set():
            try:
                for claim in await self.outbox.claim(self.name, self.clock().timestamp(), LEASE_S, self._room()):
                    self._start(claim, stop)
                await self.outbox.woken(None, REST_S)
            except Unavailable as why:
                log_line.warning("store away", why=str(why))
                await asyncio.sleep(REST_S)
        if self._serving:
            await asyncio.wait(self._serving)

    def _start(self, claim: Claim, stop: asyncio.Event) -> None:
        service = self._service(claim)
        task = asyncio.create_task(self._guarded(service, stop))
        self._serving[task] = service
        task.add_done_callback(self._serving.pop)

    def _service(self, claim: Claim) -> Service:
        attempting = Attempting(
            self.outbox, self.dossiers, self.subscriptions, self.push_for, self.clock, self.jitter, self.metrics
        )
        endpoint = Endpoint(self.outbox, claim.subscription, self.jitter, self.metrics)
        return Service(self.name, claim, self.giving, attempting, endpoint, lambda: self._room() < 1)

    async def _guarded(self, service: Service, stop: asyncio.Event) -> None:
        try:
            await service.run(stop)
        except Unavailable as why:  # the claim lapses, and somebody serves it again
            log_line.warning("store away", subscription=service.claim.subscription, why=str(why))
        except Exception:
            log_line.exception("service failed", subscription=service.claim.subscription)

    def _room(self) -> int:
        """Endpoints in trouble take no place from the others: they wait for an answer, or for a probe's time."""
        well = sum(not service.endpoint.in_trouble for service in self._serving.values())
        return min(AT_ONCE - well, MOST - len(self._serving))
