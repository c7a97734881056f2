"""The log in Redis: a stream a partition, a record an alert, one script a group of posts."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from broker.label import Label
from broker.ports.alert_log import Appended, LogEntry, Parked, StoredAlert
from broker.store import keys
from broker.store.bells import Bells
from broker.store.facts import place_of
from broker.store.grouping import Grouping, Record
from broker.store.headroom import Headroom
from broker.store.link import Link
from broker.store.texts import ALERT, PARKED


class RedisLog:
    """See `ports.AlertLog`."""

    def __init__(self, link: Link, bells: Bells, partitions: int, headroom: Headroom) -> None:
        self._link = link
        self._bells = bells
        self._headroom = headroom
        self._partitions = [keys.Partition(number) for number in range(partitions)]
        self._groups = [Grouping(partial(self._write, partition)) for partition in self._partitions]

    @property
    def partitions(self) -> int:
        return len(self._partitions)

    async def append(self, alert: StoredAlert) -> Appended:
        group = self._groups[self._of(alert.label.id).number]
        before = await group.add(Record(alert.label.id, ALERT.write(alert)))
        return Appended(alert, fresh=True) if before is None else Appended(ALERT.read(before), fresh=False)

    async def _write(self, partition: keys.Partition, records: Sequence[Record]) -> Sequence[str | None]:
        """One script, so one fsync. For each the text that stood there before, or None."""
        self._headroom.check()
        names = [partition.log, *(partition.alert(record.alert) for record in records)]
        words: list[str | bytes | int] = [keys.APPENDED, partition.number]
        for record in records:
            words += (record.alert, record.text)
        before: Sequence[str | None] = await self._link.script("append", names, words)
        return before

    async def keep(self, alert: StoredAlert) -> StoredAlert:
        self._headroom.check()
        key = self._of(alert.label.id).alert(alert.label.id)
        before = await self._link.command("SET", key, ALERT.write(alert), "NX", "GET")
        return alert if before is None else ALERT.read(before)

    async def find(self, alert: str) -> StoredAlert | None:
        text = await self._link.command("GET", self._of(alert).alert(alert))
        return None if text is None else ALERT.read(text)

    async def label(self, alert: str) -> Label | None:
        text = await self._link.script("label", [self._of(alert).alert(alert)])
        return None if text is None else Label.model_validate_json(text)

    async def read(self, partition: int, after: str, limit: int) -> Sequence[LogEntry]:
        entries = await self._link.command("XRANGE", self._partitions[partition].log, f"({after}", "+", "COUNT", limit)
        return [LogEntry(partition, position, fields["a"]) for position, fields in entries]

    async def wait(self, after: Mapping[int, str], seconds: float) -> None:
        tails = await self.tails()
        if not any(place_of(tails[partition]) > place_of(position) for partition, position in after.items()):
            await self._bells.wait(keys.APPENDED, seconds)

    async def tails(self) -> Mapping[int, str]:
        asked = (self._link.command("XREVRANGE", each.log, "+", "-", "COUNT", 1) for each in self._partitions)
        last = await asyncio.gather(*asked)
        return {number: entries[0][0] if entries else "0-0" for number, entries in enumerate(last)}

    async def cursor(self, partition: int) -> str:
        position: str | None = await self._link.command("GET", self._partitions[partition].cursor)
        return position or "0-0"

    async def routed(self, partition: int, position: str, token: int) -> bool:
        names = (self._partitions[partition].lease, self._partitions[partition].cursor)
        return bool(await self._link.script("routed", names, (token, *place_of(position))))

    async def park(self, entry: LogEntry, why: str, at: str) -> None:
        name = self._partitions[entry.partition].parked
        await self._link.command("HSET", name, entry.alert, PARKED.write(Parked(entry, why, at)))

    async def parked(self) -> Sequence[Parked]:
        found = await asyncio.gather(*(self._link.command("HVALS", each.parked) for each in self._partitions))
        return sorted((PARKED.read(text) for texts in found for text in texts), key=lambda each: each.at)

    async def unpark(self, alert: str) -> None:
        await self._link.command("HDEL", self._of(alert).parked, alert)

    async def finish(self) -> None:
        """Returns when every post that was taken in has its answer."""
        for group in self._groups:
            await group.finish()

    def _of(self, alert: str) -> keys.Partition:
        return self._partitions[keys.partition_of(alert, len(self._partitions))]
