"""What stands between one role and Redis: it loses replies, delays them, cuts connections and leaves them half open."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

FAULTS = ("reply lost", "replies late", "connections cut", "half open")


@dataclass
class Proxy:
    """One role's way to Redis, on a unix socket."""

    path: Path
    target: Path
    lines: "set[Line]" = field(default_factory=set)
    held: bool = False
    """Replies are kept back: what is acknowledged from here on is not known to anybody."""
    late_until: float = 0.0
    late_s: float = 0.0
    lose: int = 0
    """So many replies are still to be lost, each with its connection."""
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: Line(self), str(self.path))

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """All connections, at once, on both sides."""
        for line in list(self.lines):
            line.end()
        self.held = False

    def half_open(self) -> None:
        """What is connected now hears nothing any more, and nobody says so."""
        for line in self.lines:
            line.deaf = True

    def delay(self, seconds: float, during: float) -> None:
        self.late_s, self.late_until = seconds, asyncio.get_running_loop().time() + during


class Line(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.deaf = False
        self._client: asyncio.Transport | None = None
        self._server: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self._free_at = 0.0
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._client = transport
        self.proxy.lines.add(self)
        self._opening = asyncio.get_running_loop().create_task(self._open())

    def data_received(self, data: bytes) -> None:
        if self.deaf:
            return
        if self._server is None:
            self._early.append(data)
        elif not self._server.is_closing():
            self._server.write(data)

    def connection_lost(self, why: Exception | None) -> None:
        self.end()

    def end(self) -> None:
        self.proxy.lines.discard(self)
        for side in (self._client, self._server):
            if side is not None:
                side.abort()

    def answered(self, data: bytes) -> None:
        """What Redis said."""
        proxy, loop = self.proxy, asyncio.get_running_loop()
        if self.deaf or proxy.held or self._client is None:
            return
        if proxy.lose > 0:
            proxy.lose -= 1
            self.end()
            return
        if loop.time() < proxy.late_until:
            self._free_at = max(self._free_at, loop.time() + proxy.late_s)
        if self._free_at > loop.time():
            loop.call_at(self._free_at, self._pass_on, data)
        else:
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if self._client is not None and not self._client.is_closing():
            self._client.write(data)

    async def _open(self) -> None:
        with suppress(OSError):
            server, _ = await asyncio.get_running_loop().create_unix_connection(
                lambda: _Side(self), str(self.proxy.target)
            )
            self._server = server
            if self not in self.proxy.lines:
                server.abort()
                return
            for data in self._early:
                server.write(data)
            return
        self.end()


class _Side(asyncio.Protocol):
    """Towards Redis."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def data_received(self, data: bytes) -> None:
        self._line.answered(data)

    def connection_lost(self, why: Exception | None) -> None:
        if not self._line.deaf:
            self._line.end()
