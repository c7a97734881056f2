"""The store in Redis or Valkey: all ports over one connection pool."""

import asyncio
from pathlib import Path
from time import time
from typing import Final

from redis.exceptions import ResponseError

from broker.errors import Broken
from broker.store import keys
from broker.store.bells import Bells
from broker.store.ending import end
from broker.store.headroom import Headroom
from broker.store.link import Link
from broker.store.listening import listen
from broker.store.redis_deadlines import RedisDeadlines
from broker.store.redis_dossiers import RedisDossiers
from broker.store.redis_leases import RedisLeases
from broker.store.redis_log import RedisLog
from broker.store.redis_outbox import RedisOutbox
from broker.store.redis_registers import RedisCredentials, RedisDirectories, RedisLedger, RedisSubscriptions

DURABLE: Final = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",  # else nothing is fsynced for as long as the file is being rewritten
    "maxmemory-policy": "noeviction",
}
"""What Redis must be set to, or an acknowledged alert could be lost."""


class RedisStore:
    """See `ports.Store`. `folder` is where Redis keeps its files, if that disk is ours to watch.

    `copies`: how many replicas must have a write before it counts (None: see `link.Link`).
    """

    def __init__(
        self,
        url: str,
        *,
        partitions: int = 4,
        folder: Path | None = None,
        copies: int | None = None,
        unsafe_not_durable: bool = False,
    ) -> None:
        self._link = Link(url, copies)
        self._bells = Bells()
        self._partitions = partitions
        self._unsafe_not_durable = unsafe_not_durable
        self._watching: list[asyncio.Task[None]] = []
        self._headroom = Headroom(self._link, folder)
        self.log = RedisLog(self._link, self._bells, partitions, self._headroom)
        self.leases = RedisLeases(self._link)
        self.dossiers = RedisDossiers(self._link, partitions)
        self.deadlines = RedisDeadlines(self._link, partitions)
        self.outbox = RedisOutbox(self._link, self._bells)
        self.subscriptions = RedisSubscriptions(self._link)
        self.credentials = RedisCredentials(self._link)
        self.directories = RedisDirectories(self._link)
        self.ledger = RedisLedger(self._link)

    async def open(self) -> None:
        """Checks the schema and that Redis is set to keep what it is given; `Broken` says what does not fit."""
        await self._check_schema()
        if not self._unsafe_not_durable:
            await self._check_durable()
        await self._headroom.look()
        for work in (listen(self._link, self._bells), self._headroom.watch()):
            self._watching.append(asyncio.create_task(work))

    async def close(self) -> None:
        """After the posts that were taken in have their answers."""
        await self.log.finish()
        for task in self._watching:
            await end(task)
        await self._link.close()

    async def ping(self) -> None:
        """Writes into every partition, so that a Redis that can only read, or lacks a part, is found out."""
        self._headroom.check()
        pings = (keys.Partition(number).ping for number in range(self._partitions))
        await asyncio.gather(*(self._link.command("SET", ping, int(time())) for ping in pings))

    async def _check_schema(self) -> None:
        mine = {"version": str(keys.VERSION), "partitions": str(self._partitions)}
        for name, value in mine.items():
            await self._link.command("HSETNX", keys.SCHEMA, name, value)
        found = await self._link.command("HGETALL", keys.SCHEMA)
        for name, value in mine.items():
            if found[name] != value:
                raise Broken(
                    f"What is stored in Redis has {name} {found[name]}, this broker works with {value}. "
                    "Start the release, or with the number of partitions, that it was made with, or migrate it."
                )

    async def _check_durable(self) -> None:
        try:
            told = await self._link.everywhere("CONFIG", "GET", *DURABLE)
        except ResponseError:  # a managed Redis may not tell; `broker doctor` says so
            return
        wrong = [
            f"{name} {value}" for name, value in DURABLE.items() if any(found.get(name) != value for found in told)
        ]
        if wrong:
            raise Broken(f"Redis could lose what it acknowledged. Set in its configuration: {', '.join(wrong)}.")
