"""Carries out what the plan shows: one disruption of Redis, of a process, or of the way between them."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.crash.engine import Engine
from tests.crash.nursery import Nursery
from tests.crash.pace import BEYOND_LEASES_S
from tests.crash.proxy import Proxy

OF_REDIS = frozenset({"redis killed", "power cut", "redis paused", "redis away", "disk full"})
HARMLESS = frozenset({"file rewritten", "replies late"})
"""Nothing is taken away, so nothing may come again because of them."""


@dataclass
class Faults:
    """The hands of a run. One disruption of Redis at a time; those of processes beside it."""

    engine: Engine
    nursery: Nursery
    proxies: Mapping[str, Proxy]
    dice: random.Random
    prey: Callable[[], Sequence[str]]
    """Slots whose processes are to be killed at random: those that don't die at a point."""
    counts: Counter[str] = field(default_factory=Counter)
    """What was done, by name."""
    deaths: Counter[str] = field(default_factory=Counter)
    """Ends of Redis by what ended it: a disk that was full while nothing was written ended nobody."""
    killing: set[int] = field(default_factory=set)
    """Pids that were killed from here, and not at a point."""
    _redis: asyncio.Task[None] | None = None
    _others: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def redis_kills(self) -> int:
        return self.deaths.total()

    async def strike(self, what: str) -> None:
        """Begins it; what takes a while goes on by itself."""
        if what in OF_REDIS:
            if self._redis is None or self._redis.done():
                self.counts[what] += 1
                self._redis = asyncio.create_task(self._strike_redis(what))
            return
        self.counts[what] += 1
        if what == "kill":
            self._kill()
        elif what == "asked to end":
            self._ask_to_end()
        elif what in ("memory full", "file rewritten", "stop a process"):
            task = asyncio.create_task(self._takes_a_while(what))
            self._others.add(task)
            task.add_done_callback(self._others.discard)
        else:
            self._strike_way(what)

    async def calm(self) -> None:
        """Returns when whatever was begun is over."""
        tasks = [*self._others, *([self._redis] if self._redis else [])]
        if tasks:
            await asyncio.gather(*tasks)
        for proxy in self.proxies.values():
            proxy.lose, proxy.late_until = 0, 0.0

    def end(self) -> None:
        """Whatever is under way is given up: Redis is not started again behind the back of who stops it."""
        for task in (*self._others, *([self._redis] if self._redis else [])):
            task.cancel()

    def _kill(self) -> None:
        if prey := self.prey():
            slot = self.dice.choice(prey)
            self.killing.add(self.nursery.pids[slot])
            self.nursery.signal(slot, signal.SIGKILL)

    def _ask_to_end(self) -> None:
        """It finishes what is under way and ends, while there is more to do: others take that up."""
        if self.nursery.pids:
            self.nursery.signal(self.dice.choice(sorted(self.nursery.pids)), signal.SIGTERM)

    async def _strike_redis(self, what: str) -> None:
        if what == "redis paused":
            await self.engine.pause(self.dice.uniform(0.1, 1.6))
            return
        if what == "disk full":
            if not await self.engine.fill_disk(self.dice.uniform(0.3, 1.0)):
                return
        elif what == "power cut":
            await self.engine.power_cut(list(self.proxies.values()), self.dice)
        else:
            self.engine.kill()
        self.deaths[what] += 1
        if what == "redis away":
            await asyncio.sleep(self.dice.uniform(0.5, 2.5))
        await self.engine.start()

    async def _takes_a_while(self, what: str) -> None:
        if what == "memory full":
            await self.engine.fill(self.dice.uniform(0.3, 1.0))
        elif what == "file rewritten":
            await self.engine.rewrite()
        elif self.nursery.pids:
            slot = self.dice.choice(sorted(self.nursery.pids))
            self.nursery.signal(slot, signal.SIGSTOP)
            await asyncio.sleep(self.dice.uniform(0.5, 1.5) * BEYOND_LEASES_S)
            self.nursery.signal(slot, signal.SIGCONT)

    def _strike_way(self, what: str) -> None:
        proxy = self.proxies[self.dice.choice(sorted(self.proxies))]
        if what == "reply lost":
            proxy.lose += 1
        elif what == "replies late":
            proxy.delay(self.dice.uniform(0.01, 0.3), self.dice.uniform(0.1, 1.0))
        elif what == "connections cut":
            proxy.cut()
        else:
            proxy.half_open()
