"""A real HTTP receiver for the suite: aiohttp's server, which behaves as it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.contract.adapters.counterparts import SECRET, Manner, Taken

SettingsFor = Callable[[str], dict[str, Any]]
DeliveryOf = Callable[[web.BaseRequest], str]


@dataclass
class HttpReceiver:
    """Over TLS, or plain where no context is given."""

    settings_for: SettingsFor
    """From an origin."""
    delivery_of: DeliveryOf
    tls: ssl.SSLContext | None = None
    manner: Manner = Manner.TAKES
    answer: web.Response | None = None
    """Given instead of what the manner says."""
    taken: list[Taken] = field(default_factory=list)
    requests: list[web.BaseRequest] = field(default_factory=list)
    connected: int = 0
    talked: int = 0
    port: int = 0
    _server: web.Server | None = None

    def origin(self, host: str) -> str:
        return f"http{'s' if self.tls else ''}://{host}:{self.port}"

    def settings(self, host: str) -> dict[str, Any]:
        return self.settings_for(self.origin(host))

    def open_connections(self) -> int:
        return len(self._server.connections) if self._server else 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["HttpReceiver"]:
        self._server = web.Server(self._handle, handler_cancellation=True)
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(self._connection, "127.0.0.1", 0, ssl=self.tls)
        self.port = listener.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            listener.close()
            await self._server.shutdown(0.01)  # zero would mean without end

    def _connection(self) -> asyncio.Protocol:
        assert self._server is not None
        self.connected += 1
        return self._server()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.manner is Manner.CLOSES_MIDWAY:
            return _close(request)
        request._client_max_size = 2**26  # envelopes are larger than a web form
        text = await request.read()
        self.requests.append(request)
        self.taken.append(Taken(self.delivery_of(request), text))
        if self.answer is not None:
            return web.Response(status=self.answer.status, headers=self.answer.headers)
        return await _ANSWERS[self.manner](self, request)

    async def takes(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(0.01)  # head and body apart, as many servers send them
        await response.write(b"taken")
        return response

    async def refuses(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=422, text=SECRET)

    async def stalls(self, request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def drips(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nX-Patience: ")
        while True:
            request.transport.write(b"a")
            await asyncio.sleep(0.05)

    async def closes_unanswered(self, request: web.BaseRequest) -> web.StreamResponse:
        return _close(request)

    async def babbles(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"220 " + SECRET.encode() + b" ESMTP\r\n")
        return await self.stalls(request)

    async def talks_on(self, request: web.BaseRequest, pause: float = 0) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"a" * (1 if pause else 65_536))
            self.talked += 65_536
            await asyncio.sleep(pause)

    async def trickles(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self.talks_on(request, 0.05)


_ANSWERS: dict[Manner, Callable[[HttpReceiver, web.BaseRequest], Awaitable[web.StreamResponse]]] = {
    Manner.TAKES: HttpReceiver.takes,
    Manner.REFUSES: HttpReceiver.refuses,
    Manner.STALLS: HttpReceiver.stalls,
    Manner.DRIPS: HttpReceiver.drips,
    Manner.CLOSES_UNANSWERED: HttpReceiver.closes_unanswered,
    Manner.BABBLES: HttpReceiver.babbles,
    Manner.TALKS_ON: HttpReceiver.talks_on,
    Manner.TRICKLES: HttpReceiver.trickles,
}


def _close(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def http(settings_for: SettingsFor, delivery_of: DeliveryOf) -> Callable[[ssl.SSLContext], Any]:
    """An entry's counterpart, for an adapter that speaks HTTP."""
    return lambda tls: HttpReceiver(settings_for, delivery_of, tls).listening()
