"""Deadlines in Redis: a sorted set beside each partition of the log."""

from collections.abc import Sequence
from typing import Final

from broker.store import keys
from broker.store.link import Link


class RedisDeadlines:
    """See `ports.Deadlines`."""

    def __init__(self, link: Link, partitions: int) -> None:
        self._link = link
        self._partitions: Final = partitions

    async def set(self, alert: str, at: float) -> None:
        await self._link.script("remember", [self._of(alert).deadlines], (alert, at))

    async def over(self, partition: int, now: float, limit: int) -> Sequence[str]:
        name = keys.Partition(partition).deadlines
        found: Sequence[str] = await self._link.command("ZRANGE", name, "-inf", now, "BYSCORE", "LIMIT", 0, limit)
        return found

    async def put_off(self, alert: str, at: float) -> None:
        await self._link.command("ZADD", self._of(alert).deadlines, "XX", at, alert)

    async def done(self, alert: str) -> None:
        await self._link.command("ZREM", self._of(alert).deadlines, alert)

    def _of(self, alert: str) -> keys.Partition:
        return keys.Partition(keys.partition_of(alert, self._partitions))
