"""Ending a task that never ends by itself."""

import asyncio
from typing import Final

AGAIN_S: Final = 0.2


async def end(task: "asyncio.Task[None]") -> None:
    """Cancels it until it is over: a client that is just connecting may swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_S)
