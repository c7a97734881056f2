"""From the log to the outboxes, partition by partition, each in its order.

Every step can be repeated: facts are noted once, notices are the same each time, and an outbox takes a log position
once. So a router that dies anywhere is followed by one that begins at the cursor, and nothing is lost or doubled.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from broker.clock import Clock, told
from broker.metrics import Metrics
from broker.planning import Planning, Queued
from broker.ports.alert_log import AlertLog, LogEntry
from broker.ports.failures import Unavailable
from broker.ports.leases import Leases
from broker.ports.outbox import Outbox
from broker.reminding import Reminding
from broker.share import Share

BATCH = 128
REST_S = 1.0
REMIND_S = 5.0


log_line = structlog.get_logger("router")


@dataclass
class Router:
    """Routes the partitions that it holds a lease on, each in the order of its log."""

    log: AlertLog
    leases: Leases
    outbox: Outbox
    planning: Planning
    reminding: Reminding
    clock: Clock
    name: str
    metrics: Metrics = field(default_factory=Metrics)
    _reminded: float | None = None
    _taken_over: dict[int, int] = field(default_factory=dict)
    """Partitions whose parked alerts were tried again, with the newest token of the lease under which they were."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then the partitions are free for another at once."""
        share = Share(self.leases, self.log.partitions, self.name)
        try:
            while not stop.is_set():
                await self._round(share)
        finally:
            with suppress(Unavailable):  # then they lapse
                await share.give_back()

    async def _round(self, share: Share) -> None:
        try:
            cursors = await self._step(share)
            if cursors is not None:
                await self.log.wait(cursors, REST_S)
        except Unavailable as why:
            log_line.warning("store away", why=str(why))
            await asyncio.sleep(REST_S)

    async def _step(self, share: Share) -> Mapping[int, str] | None:
        """One batch of each partition that is ours. None when there was something, else where to wait."""
        cursors: dict[int, str] = {}
        moved = False
        await self._remind(share)
        for partition, token in dict(await share.tokens()).items():
            if self._taken_over.get(partition) != token:
                await self._try_parked(partition)
                self._taken_over[partition] = token
            cursor = await self.log.cursor(partition)
            entries = await self.log.read(partition, cursor, BATCH)
            cursors[partition] = cursor
            if entries:
                moved = True
                await self._batch(entries, token, share)
        return None if moved else cursors

    async def _remind(self, share: Share) -> None:
        """Now and then, what was to be answered by now in a partition of ours."""
        now = asyncio.get_running_loop().time()
        if self._reminded is not None and now - self._reminded < REMIND_S:
            return
        self._reminded = now
        for partition in tuple(await share.tokens()):
            await self.reminding.remind(partition)

    async def _batch(self, entries: Sequence[LogEntry], token: int, share: Share) -> None:
        """Routes them in their order, for as long as the partition is ours."""
        await self.planning.refresh()
        for entry in entries:
            await self._route_or_park(entry)
            ours = await self.log.routed(entry.partition, entry.position, token)
            if not ours or (await share.tokens()).get(entry.partition) != token:
                return

    async def _route_or_park(self, entry: LogEntry) -> None:
        """What an alert leads to is put where it is owed. One that cannot be worked out is set aside with its reason,
        and its partition goes on.
        """
        try:
            queued = await self.planning.plan(entry)
        except Unavailable:
            raise
        except Exception as why:
            log_line.exception("parked", alert=entry.alert, partition=entry.partition, position=entry.position)
            await self.log.park(entry, type(why).__name__, told(self.clock()))
            self.metrics.parked.inc()
            return
        await asyncio.gather(*(self._put(entry, subscription, queued) for subscription in queued))
        await self._routed(entry, queued)

    async def _put(self, entry: LogEntry, subscription: str, queued: Queued) -> None:
        urgent = self.planning.urgent(subscription, queued)
        await self.outbox.put(subscription, entry.partition, entry.position, queued[subscription], urgent=urgent)

    async def _try_parked(self, partition: int) -> None:
        """When a partition is taken over, by a newer release perhaps, what was set aside in it is tried again."""
        for parked in await self.log.parked():
            if parked.entry.partition != partition:
                continue
            await self.planning.refresh()
            try:
                queued = await self.planning.plan(parked.entry)
            except Unavailable:
                raise
            except Exception:
                log_line.exception("still parked", alert=parked.entry.alert, since=parked.at)
                continue
            for subscription, alerts in queued.items():
                for alert in alerts:  # the outbox took later positions meanwhile, so it would pass over this one
                    await self.outbox.add(subscription, alert, urgent=self.planning.urgent(subscription, queued))
            await self._routed(parked.entry, queued)
            await self.log.unpark(parked.entry.alert)

    async def _routed(self, entry: LogEntry, queued: Queued) -> None:
        told = (self.outbox.signal(each, push=self.planning.is_push(each)) for each in queued)
        await asyncio.gather(*told)
        self.metrics.routed.inc()
        self.metrics.queued.inc(sum(map(len, queued.values())))
        log_line.info(
            "routed", alert=entry.alert, partition=entry.partition, position=entry.position, queued=len(queued)
        )
