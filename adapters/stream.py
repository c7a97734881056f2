"""Server-sent events (WHATWG HTML §9.2) on raw ASGI: one encode an event, and written is delivered (protocol §6)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from adapters.base import Cursors, Event, Protection
from schemas.terms import Tlp

Message = MutableMapping[str, Any]
HEARTBEAT_S = 15.0


@dataclass(frozen=True, slots=True)
class EventStream:
    """An ASGI application for one reader. It ends when the reader goes, or when the cursors do."""

    cursors: Cursors
    heartbeat_s: float = HEARTBEAT_S

    async def __call__(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        writing = asyncio.create_task(self._write(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writing, leaving):
                task.cancel()
            await asyncio.gather(writing, leaving, return_exceptions=True)

    async def _write(self, send: Callable[[Message], Awaitable[None]]) -> None:
        """Events as they come, a heartbeat whenever none came for a while."""
        events = aiter(self.cursors.events())
        await send(_body(b": connected\n\n"))
        coming: asyncio.Future[Event] = asyncio.ensure_future(anext(events))
        try:
            while True:
                done, _ = await asyncio.wait({coming}, timeout=self.heartbeat_s)
                if not done:
                    await send(_body(b"event: heartbeat\ndata: %s\n\n" % (await self.cursors.heartbeat()).encode()))
                    continue
                event = coming.result()
                await send(_body(b"id: %s\nevent: alert\ndata: %s\n\n" % (event.cursor.encode(), event.text)))
                await self.cursors.written(event)
                coming = asyncio.ensure_future(anext(events))
        except StopAsyncIteration:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            coming.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await coming


def protection(settings: Mapping[str, Any]) -> Protection:
    """Protocol §9, rule 12; a reader without a bound token gets less."""
    return Protection(Tlp.RED, tls=True, known=True)


def _body(data: bytes) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": True}


async def _gone(receive: Callable[[], Awaitable[Message]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
