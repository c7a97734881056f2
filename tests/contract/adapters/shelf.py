"""Cursors over a list: what the broker hands to a transport that is read, without the broker."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from adapters.base import Event


@dataclass
class Shelf:
    """Gives its events in order, then waits for more, or ends."""

    events_: list[Event] = field(default_factory=list)
    ends: bool = False
    given: list[Event] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    fails: Exception | None = None
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, event: Event) -> None:
        self.events_.append(event)
        self._more.set()

    async def events(self) -> AsyncGenerator[Event, None]:
        while True:
            while len(self.given) < len(self.events_):
                assert self.given == self.told, "asked for the next before the last was written"
                self.given.append(self.events_[len(self.given)])
                yield self.given[-1]
            if self.fails is not None:
                raise self.fails
            if self.ends:
                return
            self._more.clear()
            await self._more.wait()

    async def written(self, event: Event) -> None:
        await asyncio.sleep(0)
        self.told.append(event)

    async def heartbeat(self) -> str:
        return f'{{"position":{len(self.told)},"proof":"…"}}'


def numbered(count: int) -> list[Event]:
    """Events with cursors from 1."""
    return [Event(str(n), b'{"n":%d}' % n) for n in range(1, count + 1)]
