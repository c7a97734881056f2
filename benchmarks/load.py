"""Posts prepared statements over keep-alive connections, as fast as answers come.

    python -m benchmarks.load PORT FILE CONNECTIONS [LINES]

One a request, or so many lines of form E a request. Prints one JSON line: how many requests had which status, in how
many seconds, and how many alerts were accepted.
"""

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import uvloop


class Poster(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last is complete."""

    def __init__(self, requests: deque[bytes], statuses: dict[bytes, int], done: asyncio.Future[None]) -> None:
        self.requests, self.statuses, self.done = requests, statuses, done
        self.transport: asyncio.Transport | None = None
        self.buffer = b""
        self.accepted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._next()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, blank, rest = self.buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        start = head.lower().index(b"content-length:") + 15
        length = int(head[start:].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self.statuses[head[9:12]] = self.statuses.get(head[9:12], 0) + 1
        self.accepted += rest[:length].count(b'"state":"accepted"')
        self.buffer = rest[length:]
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _next(self) -> None:
        assert self.transport is not None
        if self.requests:
            self.transport.write(self.requests.popleft())
        else:
            self.transport.close()


HEAD = "POST /v1/alerts HTTP/1.1\r\nhost: localhost\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s"


def _requests(statements: Sequence[str], lines: int) -> Iterator[bytes]:
    if not lines:
        yield from ((HEAD % ("application/secevent+jwt", len(each), each)).encode() for each in statements)
    for begin in range(0, len(statements) if lines else 0, lines or 1):
        body = "".join(json.dumps({"statement": each}) + "\n" for each in statements[begin : begin + lines])
        yield (HEAD % ("application/x-ndjson", len(body), body)).encode()


async def post_all(port: int, file: Path, connections: int, lines: int = 0) -> None:
    requests = deque(_requests(file.read_text().splitlines(), lines))
    count, statuses = len(requests), {}
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(connections)]
    started = time.perf_counter()
    posters = [Poster(requests, statuses, end) for end in ends]
    for poster in posters:
        await loop.create_connection(lambda poster=poster: poster, "127.0.0.1", port)
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - started
    told = {status.decode(): number for status, number in statuses.items()}
    accepted = sum(poster.accepted for poster in posters)
    print(json.dumps({"posted": count, "seconds": seconds, "statuses": told, "accepted": accepted}))


if __name__ == "__main__":
    uvloop.run(post_all(int(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])))
