"""Posts prepared statements over keep-alive connections, as fast as answers come.

    python -m benchmarks.load PORT FILE CONNECTIONS

Prints one JSON line: how many were accepted, and in how many seconds.
"""

import asyncio
import json
import sys
import time
from collections import deque
from pathlib import Path
from typing import cast

import uvloop


class Poster(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last is complete."""

    def __init__(self, requests: deque[bytes], statuses: dict[bytes, int], done: asyncio.Future[None]) -> None:
        self.requests, self.statuses, self.done = requests, statuses, done
        self.transport: asyncio.Transport | None = None
        self.buffer = b""

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


HEAD = (
    "POST /v1/alerts HTTP/1.1\r\nhost: localhost\r\n"
    "content-type: application/secevent+jwt\r\ncontent-length: %d\r\n\r\n"
)


async def post_all(port: int, file: Path, connections: int) -> None:
    requests = deque((HEAD % len(line) + line).encode() for line in file.read_text().splitlines())
    count, statuses = len(requests), {}
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(connections)]
    started = time.perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: Poster(requests, statuses, end), "127.0.0.1", port)
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - started
    told = {status.decode(): number for status, number in statuses.items()}
    print(json.dumps({"posted": count, "seconds": seconds, "statuses": told}))


if __name__ == "__main__":
    uvloop.run(post_all(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
