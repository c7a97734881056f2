"""TCP as a client with bad manners speaks it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

GIVE_UP_S = 45.0
"""For waits that end by themselves long before, whatever else the machine does."""
CHUNK = bytes(65_536)


@dataclass
class Line:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> bool:
        """Whether the other end still took it."""
        try:
            self.writer.write(data)
            await asyncio.wait_for(self.writer.drain(), GIVE_UP_S)
        except (ConnectionError, TimeoutError):
            return False
        return not self.writer.is_closing()

    async def hear(self) -> bytes:
        """Everything up to the end of the connection, however it ends."""
        heard = bytearray()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(GIVE_UP_S):
                while data := await self.reader.read(65_536):
                    heard += data
        return bytes(heard)

    async def answers(self, count: int) -> bytes:
        """What comes until so many answers have begun and the last has ended, by their Content-Length."""
        heard = bytearray()
        async with asyncio.timeout(GIVE_UP_S):
            while sum(1 for _ in split(bytes(heard))) < count:
                data = await self.reader.read(65_536)
                if not data:
                    break
                heard += data
        return bytes(heard)

    def reset(self) -> None:
        """Leaves without a word."""
        self.writer.transport.abort()


@dataclass(frozen=True)
class Answer:
    """One answer off the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


def split(heard: bytes) -> Iterator[Answer]:
    """The whole answers in what was heard."""
    while b"\r\n\r\n" in heard:
        head, _, rest = heard.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", "0"))
        if len(rest) < size:
            return
        yield Answer(int(first.split()[1]), headers, rest[:size])
        heard = rest[size:]


def one(heard: bytes) -> Answer:
    """The only answer."""
    found = list(split(heard))
    assert len(found) == 1, heard[:300]
    return found[0]


@asynccontextmanager
async def dialled(port: int) -> AsyncIterator[Line]:
    """A connection to the hub on this machine."""
    line = Line(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield line
    finally:
        line.reset()


def head(method: str = "POST", path: str = "/v1/alerts", **headers: str) -> bytes:
    """The beginning of a request, its empty line included; `Content_Length` for `Content-Length`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: hub", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
