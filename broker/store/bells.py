"""Waking those who wait: a bell that rings while nobody listens is heard by the next who does."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

REMEMBERED: Final = 16_384
IDLE_S: Final = 60.0
"""After which a bell that nobody has listened for is taken down: who listens does so every few seconds."""


@dataclass(slots=True)
class _Bell:
    rung: asyncio.Event
    listened: float
    """When somebody last did, by the loop's time."""


class Bells:
    """Named bells of one process. Forgetting one (there are many) makes its next listener return early, no more."""

    def __init__(self) -> None:
        self._bells: OrderedDict[str, _Bell] = OrderedDict()
        """The longest unlistened first."""

    def ring(self, name: str) -> None:
        if bell := self._bells.get(name):
            bell.rung.set()

    def ring_all(self) -> None:
        """Something may have been missed."""
        for bell in self._bells.values():
            bell.rung.set()

    async def wait(self, name: str, seconds: float) -> None:
        """Returns when it rings, at once if it rang since the last listener left or was never listened to."""
        bell = self._bells.get(name)
        if bell is None:  # from now on its rings are remembered; whether it rang before is not known
            self._hang(name)
            return
        bell.listened = asyncio.get_running_loop().time()
        self._bells.move_to_end(name)
        try:
            async with asyncio.timeout(seconds):
                await bell.rung.wait()
        except TimeoutError:
            return
        bell.rung.clear()

    def _hang(self, name: str) -> None:
        now = asyncio.get_running_loop().time()
        self._bells[name] = _Bell(asyncio.Event(), now)
        while len(self._bells) > REMEMBERED or next(iter(self._bells.values())).listened < now - IDLE_S:
            _, forgotten = self._bells.popitem(last=False)
            forgotten.rung.set()
