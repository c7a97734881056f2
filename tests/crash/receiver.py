"""A partner's endpoint that writes down everything it is sent."""

import json
from collections import defaultdict
from dataclasses import dataclass, field

from aiohttp import web

from broker.trust.jws import decode


@dataclass(frozen=True)
class Arrival:
    """One delivery as it came."""

    delivery: str
    alert: str
    position: int
    previous: str | None
    text: bytes


@dataclass
class Receiver:
    """Records arrivals by subscription, in their order."""

    port: int
    arrived: dict[str, list[Arrival]] = field(default_factory=lambda: defaultdict(list))
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/{name}", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        text = await request.read()
        envelope = json.loads(text)
        hub = envelope["hub"]
        payload = envelope["statement"].split(".")[1]
        alert = json.loads(decode(payload))["jti"]
        arrival = Arrival(request.headers["webhook-id"], alert, hub["position"], hub["previous"], text)
        self.arrived[hub["subscription"]].append(arrival)
        return web.Response(status=204)
