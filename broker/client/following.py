"""Reading a stream without end: after a break it goes on exactly where it was (protocol §6)."""

import asyncio
from collections.abc import AsyncIterator

import httpx2

from broker.client.connection import UNAUTHENTICATED, Connection
from broker.client.problem import ProblemError, UnreachableError


async def follow(hub: Connection, path: str, cursor: str | None, most: int) -> AsyncIterator[httpx2.ServerSentEvent]:
    """The events after `cursor` (None: from the first that is owed), each of at most `most` bytes.

    A hub that is away or busy is waited for, however long; ProblemError when it refuses.
    """
    broken = 0
    while True:
        why: ProblemError = UnreachableError("the stream ended")
        try:
            async with hub.open_stream(path, cursor, most) as events:
                async for event in events:
                    broken = 0
                    if event.event == "alert":
                        cursor = event.id
                    yield event
        except httpx2.TransportError as lost:
            why = UnreachableError(str(lost) or type(lost).__name__)
        except ProblemError as problem:
            why = problem
        broken += 1
        await asyncio.sleep(_wait(hub, broken, why))


def _wait(hub: Connection, broken: int, why: ProblemError) -> float:
    if why.status == UNAUTHENTICATED and broken == 1:
        return 0.0  # the token ended or the hub has new keys: a new one is asked for
    wait = hub.retries.wait(min(broken, hub.retries.most - 1), why, repeatable=True)
    if wait is None:
        raise why
    return wait
