"""The reader of the stream: it goes away at times, and comes again with the last cursor that it kept."""

import asyncio
import random
from contextlib import aclosing, suppress
from dataclasses import dataclass

from broker.client import NotVerified
from broker.client.asynchronous import AsyncClient
from broker.client.problem import ProblemError
from tests.crash.receiver import Arrival


@dataclass
class StreamReader:
    """Verifies each delivery as a partner would, and writes it down among the arrivals."""

    client: AsyncClient
    subscription: str
    arrived: list[Arrival]
    dice: random.Random
    cursor: str = "0"
    """It names one from the beginning: without, what was written to a connection that broke would not come again."""
    wrong: str = ""
    """What could not be verified: nothing may."""

    async def run(self) -> None:
        while not self.wrong:
            stays = self.dice.uniform(1.0, 8.0)
            with suppress(ProblemError, TimeoutError):
                async with asyncio.timeout(stays):
                    await self._read()
            await asyncio.sleep(self.dice.uniform(0.0, 0.2))

    async def _read(self) -> None:
        try:
            async with aclosing(self.client.stream(self.subscription, self.cursor)) as stream:
                async for cursor, received in stream:
                    hub = received.hub
                    assert hub.position is not None
                    assert hub.delivery is not None
                    self.arrived.append(
                        Arrival(hub.delivery, received.id, hub.position, hub.previous, received.digest, 200)
                    )
                    self.cursor = cursor
        except NotVerified as why:
            self.wrong = str(why)
