"""Server-sent events (WHATWG HTML §9.2) on raw ASGI: one encode an event, and written is delivered (protocol §6)."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.base import Cursors, Event, Message, Protection, Receive, Scope, Send
from schemas.terms import Tlp

HEARTBEAT_S = 15.0
STALLED_S = 60.0
"""How long a reader may leave the line full; it may come again and goes on where it was."""

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


@dataclass(frozen=True, slots=True)
class EventStream:
    """An ASGI application for one reader. It ends when the reader goes or stalls, or when the cursors end.

    Holds one event at a time, besides what the server has not yet written.
    """

    cursors: Cursors
    heartbeat_s: float = HEARTBEAT_S
    stalled_s: float = STALLED_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.ensure_future(_disconnected(receive))
        line = _Line(send, leaving, self.stalled_s)
        try:
            await line.send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await line.write(b": connected\n\n")
            async with contextlib.aclosing(self.cursors.events()) as events:
                await self._serve(line, events)
        except _Left:
            pass  # what was not written stays owed
        finally:
            await _ended(leaving)

    async def _serve(self, line: "_Line", events: AsyncGenerator[Event, None]) -> None:
        """Events as they come; a heartbeat at its times, whether or not they do."""
        clock = asyncio.get_running_loop().time
        coming, beat = _next(events), clock() + self.heartbeat_s
        try:
            while True:
                await line.until(coming, beat - clock())
                if clock() >= beat:
                    beat = clock() + self.heartbeat_s
                    await line.write(b"event: heartbeat\ndata: %s\n\n" % (await self.cursors.heartbeat()).encode())
                elif coming.done():
                    event = coming.result()
                    if event is None:
                        return await line.send({"type": "http.response.body", "body": b""})
                    await line.write(frame(event))
                    await self.cursors.written(event)
                    coming = _next(events)
        finally:
            await _ended(coming)


def frame(event: Event) -> bytes:
    """The event on the wire. ValueError where its text would break out of its line."""
    if b"\n" in event.text or b"\r" in event.text:
        raise ValueError("an event's text is one line")
    return b"id: %s\nevent: alert\ndata: %s\n\n" % (event.cursor.encode(), event.text)


def protection(settings: Mapping[str, Any]) -> Protection:
    """Protocol §9, rule 12, for a token bound to the reader's key; one that is not gets less."""
    return Protection(Tlp.RED, tls=True, known=True)


class _Left(Exception):  # noqa: N818 - what the reader did
    """Nobody reads any more."""


@dataclass(frozen=True, slots=True)
class _Line:
    """To a reader who may leave at any time; every step raises `_Left` then."""

    out: Send
    leaving: asyncio.Future[None]
    stalled_s: float

    async def write(self, data: bytes) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": True})

    async def send(self, message: Message) -> None:
        """Returns when it was written, and the reader was still there then."""
        try:
            async with asyncio.timeout(self.stalled_s):
                await self.out(message)
        except OSError as error:  # a stall, or what ASGI servers may raise once the reader left
            raise _Left from error
        await asyncio.sleep(0)  # a send to nobody returns like any other: let the server tell us first
        self.check()

    async def until(self, coming: asyncio.Future[Event | None], seconds: float) -> None:
        either: set[asyncio.Future[Any]] = {coming, self.leaving}
        await asyncio.wait(either, timeout=max(seconds, 0), return_when=asyncio.FIRST_COMPLETED)
        self.check()

    def check(self) -> None:
        if self.leaving.done():
            raise _Left


def _next(events: AsyncGenerator[Event, None]) -> asyncio.Future[Event | None]:
    return asyncio.ensure_future(anext(events, None))


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(future: asyncio.Future[Any]) -> None:
    """Cancelled, and waited for; what it might still have said is no longer asked."""
    future.cancel()
    await asyncio.gather(future, return_exceptions=True)
