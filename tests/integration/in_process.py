"""A whole hub inside the test, over real HTTP and a real store, whose clock the test sets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2

from broker.api.server import Server
from broker.settings import Settings
from broker.wiring import Hub, open_hub
from tests.integration.agencies import World
from tests.integration.asking import Ask


@dataclass
class Clock:
    """The hub's time: the real one, moved."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Here:
    """The hub, and a connection to it."""

    hub: Hub
    clock: Clock
    http: httpx2.AsyncClient

    async def send(self, ask: Ask) -> httpx2.Response:
        return await self.http.request(ask.method, ask.path, headers=ask.headers, content=ask.body)


@asynccontextmanager
async def hub_here(world: World) -> AsyncIterator[Here]:
    """Its HTTP side alone: nothing routes or delivers."""
    clock, stop = Clock(), asyncio.Event()
    settings = Settings(world.folder / "data", world.directory, world.folder / "hub-keys", issuer="http://hub.example")
    async with open_hub(settings, clock) as hub:
        port = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(Server(hub.app, port=0).run(stop, port.set_result))
        try:
            url = f"http://127.0.0.1:{await port}"
            async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
                yield Here(hub, clock, http)
        finally:
            stop.set()
            await serving
