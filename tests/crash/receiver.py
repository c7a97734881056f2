"""Partners' endpoints that write down everything they are sent, and treat it as their path says."""

import asyncio
import json
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from broker.parcel import digest
from broker.trust.jws import decode

UNANSWERED: Final = 0
HANGS_S = 1.4
"""Longer than the subscriptions' time-out."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One delivery as it came. `status` is what it was answered, 0 for no answer."""

    delivery: str
    alert: str
    position: int
    previous: str | None
    digest: str
    """Of its text."""
    status: int

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


@dataclass
class Receiver:
    """All endpoints. `healed`: from then on each answers, but for the one that is dead for good."""

    dice: random.Random
    arrived: dict[str, list[Arrival]] = field(default_factory=lambda: defaultdict(list))
    healed: bool = False
    slow_s: float = 0.03
    port: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/{endpoint}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        text = await request.read()
        status, headers, wait = self._treatment(request.match_info["endpoint"])
        self.write_down(text, request.headers["webhook-id"], status)
        if wait:
            await asyncio.sleep(wait)
        if status == UNANSWERED and request.transport is not None:
            request.transport.abort()
        return web.Response(status=status or 200, headers=headers)

    def write_down(self, text: bytes, delivery: str, status: int) -> None:
        """Before it is answered: whatever the sender hears, it was here."""
        envelope = json.loads(text)
        hub = envelope["hub"]
        alert = json.loads(decode(envelope["statement"].split(".")[1]))["jti"]
        self.arrived[hub["subscription"]].append(
            Arrival(delivery, alert, hub["position"], hub["previous"], digest(text), status)
        )

    def _treatment(self, endpoint: str) -> tuple[int, dict[str, str], float]:
        """Status (0: none), headers, how long to wait before."""
        if endpoint == "dead":
            return 500, {}, 0.0
        if endpoint == "slow":
            return 204, {}, self.slow_s
        if self.healed or endpoint == "well":
            return 204, {}, 0.0
        if endpoint == "flaps":
            return (503 if time.monotonic() % 3 < 1 else 204), {}, 0.0
        if endpoint == "gone":
            return (410 if self.dice.random() < 0.02 else 204), {}, 0.0
        return self._failing()

    def _failing(self) -> tuple[int, dict[str, str], float]:
        drawn = self.dice.random()
        if drawn < 0.7:
            return 204, {}, 0.0
        kinds: list[tuple[int, dict[str, str], float]] = [
            (500, {}, 0.0),
            (429, {"Retry-After": "1"}, 0.0),
            (503, {"Retry-After": "1"}, 0.0),
            (302, {"Location": "/well"}, 0.0),
            (UNANSWERED, {}, 0.0),
            (UNANSWERED, {}, HANGS_S),
        ]
        return self.dice.choice(kinds)
