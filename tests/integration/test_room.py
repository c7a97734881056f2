"""Where there is room for so many connections, who goes first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from broker.api.connection import Bounds, Counts
from broker.api.server import Server
from tests.integration.raw import dialled, head

ROOM = 3
ASK = head("GET", "/")


async def _told(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def served(counts: Counts) -> AsyncIterator[int]:
    """The port of a server with little room."""
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    server = Server(_told, port=0, bounds=Bounds(connections=ROOM), counts=counts)
    serving = asyncio.create_task(server.run(stop, port.set_result))
    try:
        yield await port
    finally:
        stop.set()
        await serving


async def test_who_was_answered_and_asks_no_more_makes_room() -> None:
    """However many connections are kept without a use, whoever asks is answered; the longest idle went."""
    counts = Counts()
    async with served(counts) as port, AsyncExitStack() as stack:
        lines = []
        for _ in range(3 * ROOM):
            lines.append(await stack.enter_async_context(dialled(port)))
            await lines[-1].say(ASK)
            assert b"200 OK" in await lines[-1].answers(1)
        assert counts.open <= ROOM + 1
        assert await lines[0].hear() == b""
        await lines[-1].say(ASK)
        assert b"200 OK" in await lines[-1].answers(1)
    assert not counts.idle


async def test_who_asks_again_is_not_idle() -> None:
    """An older connection with half a request goes only where none is idle."""
    counts = Counts()
    async with served(counts) as port, AsyncExitStack() as stack:
        busy = await stack.enter_async_context(dialled(port))
        await busy.say(ASK)
        await busy.answers(1)
        await busy.say(ASK[:10])
        for _ in range(2 * ROOM):
            other = await stack.enter_async_context(dialled(port))
            await other.say(ASK)
            await other.answers(1)
        await busy.say(ASK[10:])
        assert b"200 OK" in await busy.answers(1)
