"""Waking those who wait: a bell that rings while nobody listens is heard by the next who does."""

import asyncio
from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 16_384


class Bells:
    """Named bells of one process. Forgetting one (there are many) makes its next listener return early, no more."""

    def __init__(self) -> None:
        self._bells: OrderedDict[str, asyncio.Event] = OrderedDict()

    def ring(self, name: str) -> None:
        if bell := self._bells.get(name):
            bell.set()

    def ring_all(self) -> None:
        """Something may have been missed."""
        for bell in self._bells.values():
            bell.set()

    async def wait(self, name: str, seconds: float) -> None:
        """Returns when it rings, at once if it rang since the last listener left or was never listened to."""
        bell = self._bells.get(name)
        if bell is None:  # from now on its rings are remembered; whether it rang before is not known
            self._hang(name)
            return
        self._bells.move_to_end(name)
        try:
            async with asyncio.timeout(seconds):
                await bell.wait()
        except TimeoutError:
            return
        bell.clear()

    def _hang(self, name: str) -> None:
        self._bells[name] = asyncio.Event()
        if len(self._bells) > REMEMBERED:
            _, forgotten = self._bells.popitem(last=False)
            forgotten.set()
