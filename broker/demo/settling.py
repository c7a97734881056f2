"""Waiting for outcomes: until everything that was accepted has been decided, and everything owed has arrived.

An issuer's alerts are decided in their order. So once a line test that it posts last has been decided, all before it
have. Then a subscription that nothing is owed to, and whose reader has every position, gets nothing more.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from broker.client import ProblemError
from broker.demo.arrivals import Arrivals
from broker.demo.cast import Cast
from broker.demo.post import Posters
from broker.demo.world import Partner

PATIENCE_S = 30.0
AFTERWARDS_S = 3.0
"""Once something did not come, the rest is not waited for as long."""
LOOK_EVERY_S = 0.05


@dataclass
class Settling:
    """Knows who may be asked."""

    cast: Cast
    posters: Posters
    absent: set[str] = field(default_factory=set)
    """Short names of those that are paused or suspended: nobody waits for them."""
    late: list[str] = field(default_factory=list)
    """What was waited for in vain."""

    async def watch(self) -> None:
        """Subscribes for the line tests; nobody reads them, their decisions are enough."""
        watch = {"adapter": "stream", "purpose": ["prevention"], "filter": {"status": ["test"]}}
        await self.posters.client("watch").subscribe(watch)

    async def settle(self, issuers: Collection[str]) -> None:
        """Until nothing more can come from what these issuers posted, or patience ends."""
        patience = AFTERWARDS_S if self.late else PATIENCE_S
        until = time.monotonic() + patience
        tests = [(issuer, await self.posters.line_test(issuer)) for issuer in sorted(issuers)]
        for issuer, alert in tests:
            if alert is None:
                self.late.append(f"a line test of {issuer} was refused")
            elif not await _within(until, self._decided(issuer, alert)):
                self.late.append(f"what {issuer} posted was not decided within {patience:.0f} s")
        for partner in self._present():
            if not await _within(until, self._has_all(partner)):
                self.late.append(f"{partner.short} is still owed something after {patience:.0f} s")

    def _present(self) -> list[Partner]:
        return [partner for partner in self.cast.world.partners if partner.short not in self.absent]

    def _decided(self, issuer: str, alert: str) -> Callable[[], Awaitable[bool]]:
        async def ask() -> bool:
            return bool((await self.posters.client(issuer).decisions(alert)).decisions)

        return ask

    def _has_all(self, partner: Partner) -> Callable[[], Awaitable[bool]]:
        client, subscription = self.posters.client(partner.short), self.cast.subscriptions[partner.short]

        async def ask() -> bool:
            if (await client.subscription(subscription)).health.waiting:
                return False
            arrivals = Arrivals.read(system.arrivals for system in self.cast.systems)
            have = ",".join(
                str(each.position) for each in sorted(arrivals.of(partner.id), key=lambda each: each.position)
            )
            return not (await client.gaps(subscription, have)).missing

        return ask


async def _within(until: float, ask: Callable[[], Awaitable[bool]]) -> bool:
    """Whether the answer becomes yes in time; asked at least once."""
    while True:
        try:
            if await ask():
                return True
        except ProblemError:
            pass  # the hub says no, or nothing: asked again while there is time
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(LOOK_EVERY_S)
