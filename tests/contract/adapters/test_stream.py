"""The stream on a real server, read over a socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import uvicorn

from adapters.base import Event, Receive, Scope, Send
from adapters.stream import EventStream, frame
from tests.contract.adapters.conftest import PATIENCE_S, until
from tests.contract.adapters.shelf import Shelf, numbered


@dataclass
class Served:
    """A stream over one shelf, mounted on uvicorn."""

    shelf: Shelf
    port: int = 0
    serving: list[asyncio.Task[None] | None] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        self.serving.append(asyncio.current_task())
        await EventStream(self.shelf, stalled_s=0.3)(scope, receive, send)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Served"]:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
            server = uvicorn.Server(uvicorn.Config(self, log_level="critical", lifespan="off", access_log=False))
            running = asyncio.create_task(server.serve([listener]))
            try:
                await until(lambda: server.started)
                yield self
            finally:
                server.should_exit = True
                await running

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def ended(self) -> None:
        """The stream's task is done."""
        await until(lambda: bool(self.serving) and all(task is None or task.done() for task in self.serving))


async def test_over_the_wire() -> None:
    """What a reader gets are the frames, byte by byte; what comes while it waits comes at once."""
    async with Served(Shelf(numbered(3))).listening() as served, aiohttp.ClientSession() as reader:
        async with asyncio.timeout(PATIENCE_S), reader.get(served.url) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            await answer.content.readuntil(b": connected\n\n")
            for event in numbered(3):
                assert await answer.content.readexactly(len(frame(event))) == frame(event)
            late = Event("4", b'{"late":true}')
            served.shelf.add(late)
            assert await answer.content.readexactly(len(frame(late))) == frame(late)
            answer.close()
        await served.ended()
    assert [event.cursor for event in served.shelf.told] == ["1", "2", "3", "4"]


async def test_after_the_reader_left() -> None:
    """The stream ends when its reader leaves, also between events, and no event is told as written after that."""
    async with Served(Shelf(numbered(1))).listening() as served, aiohttp.ClientSession() as reader:
        async with asyncio.timeout(PATIENCE_S), reader.get(served.url) as answer:
            await answer.content.readuntil(frame(numbered(1)[0]))
            answer.close()
        await served.ended()
        served.shelf.add(Event("2", b"{}"))
    assert served.shelf.told == numbered(1)


async def test_a_reader_who_does_not_read() -> None:
    """A connection that stays full ends; what did not go out stays owed."""
    large = [Event(str(n), b"x" * 4_000_000) for n in range(1, 9)]
    async with Served(Shelf(large)).listening() as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
        await served.ended()
        writer.transport.abort()
    assert len(served.shelf.told) < len(large)
