"""From the log to the outboxes: what an accepted alert does, who may have it, and who hears of it otherwise.

Every step can be repeated: facts are noted once, notices are the same each time, and an outbox takes a log position
once. So a router that dies anywhere is followed by one that begins at the cursor, and nothing is lost or doubled.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from broker.clock import Clock, told
from broker.giving import ask_of
from broker.judge import Judge
from broker.label import Label
from broker.notices import HubVoice
from broker.policy.lifecycle import Notify, effects
from broker.policy.release import Released, Withheld
from broker.ports import (
    AlertLog,
    Decided,
    Dossiers,
    Ended,
    Given,
    Held,
    Leases,
    LogEntry,
    Outbox,
    StoredAlert,
    Subscriptions,
    Unavailable,
)
from broker.routing.match import Index
from broker.telling import decision_text, outcome
from broker.ways import is_push, way_of

LEASE_S = 10.0
BATCH = 128
REST_S = 1.0

log_line = structlog.get_logger("router")


@dataclass
class Router:
    """Routes the partitions that it holds a lease on, each in the order of its log."""

    log: AlertLog
    leases: Leases
    outbox: Outbox
    dossiers: Dossiers
    subscriptions: Subscriptions
    judge: Judge
    voice: HubVoice
    clock: Clock
    name: str
    _index: Index = field(default_factory=Index)
    _held: dict[str, Held] = field(default_factory=dict)
    _revision: int = -1

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then the partitions are free for another at once."""
        try:
            while not stop.is_set():
                await self._round()
        finally:
            for partition in range(self.log.partitions):
                await self.leases.release(f"partition-{partition}", self.name)

    async def _round(self) -> None:
        try:
            cursors = await self._step()
            if cursors is not None:
                await self.log.wait(cursors, REST_S)
        except Unavailable as why:
            log_line.warning("store away", why=str(why))
            await asyncio.sleep(REST_S)

    async def _step(self) -> Mapping[int, str] | None:
        """One batch of each partition that is ours. None when there was something, else where to wait."""
        cursors: dict[int, str] = {}
        moved = False
        for partition in range(self.log.partitions):
            token = await self.leases.acquire(f"partition-{partition}", self.name, LEASE_S)
            if token is None:
                continue
            cursor = await self.log.cursor(partition)
            entries = await self.log.read(partition, cursor, BATCH)
            if entries:
                await self._refresh()
                moved = True
            for entry in entries:
                await self.route(entry)
                if not await self.log.routed(partition, entry.position, token):
                    break
            cursors[partition] = entries[-1].position if entries else cursor
        return None if moved else cursors

    async def route(self, entry: LogEntry) -> None:
        """Everything that follows from one accepted alert."""
        alert = await self.log.find(entry.alert)
        if alert is None:
            raise Unavailable(f"{entry.alert} stands in the log, but its record does not answer")
        consequences = effects(alert.label, await self._referenced(alert.label))
        for about, facts in consequences.facts.items():
            await self.dossiers.note(about, *facts)
        queued: dict[str, list[str]] = defaultdict(list)
        await self._by_release(alert, consequences.by_release, queued)
        await self._directly(alert, consequences.addressees, queued)
        await self._notices(consequences.notices, queued)
        for subscription, alerts in queued.items():
            await self.outbox.put(subscription, entry.partition, entry.position, alerts)
        for subscription in queued:
            await self.outbox.signal(subscription, push=is_push(self._held[subscription]))
        log_line.info(
            "routed", alert=entry.alert, partition=entry.partition, position=entry.position, queued=len(queued)
        )

    async def _referenced(self, label: Label) -> Mapping[str, Label]:
        found = [await self.log.find(id_) for id_ in label.references]
        return {alert.label.id: alert.label for alert in found if alert}

    async def _by_release(self, alert: StoredAlert, wanted: bool, queued: dict[str, list[str]]) -> None:
        if not wanted:
            return
        given_before = await self._given_subscriptions(alert.label.references)
        for held in self._index.matching(alert.label, given_before):
            await self._decide(alert, held, queued)

    async def _directly(self, alert: StoredAlert, agencies: Sequence[str], queued: dict[str, list[str]]) -> None:
        """Direct kinds reach every active subscription of the addressee whose status and kinds fit (protocol §2.1)."""
        for held in self._held.values():
            if held.agency in agencies and held.subscription.id not in queued and takes_direct(held, alert.label):
                await self._decide(alert, held, queued)

    async def _decide(self, alert: StoredAlert, held: Held, queued: dict[str, list[str]]) -> None:
        now = self.clock()
        id_, subscription = alert.label.id, held.subscription.id
        decision = await self.judge.decide(alert, ask_of(held, way_of(held), delivering=True), now)
        owed = isinstance(decision, Released) or decision.stays_owed
        said = decision_text(alert, subscription, decision, now)
        await self.dossiers.note(
            id_,
            Decided(held.agency, subscription, said, outcome(decision)),
            Ended(held.agency, subscription, "waiting" if owed else "withheld", told(now)),
        )
        if owed:
            queued[subscription].append(id_)

    async def _notices(self, notify: Sequence[Notify], queued: dict[str, list[str]]) -> None:
        """A notice for each subscription that was given the alert and does not get what changed it."""
        for each in notify:
            for given in await self.dossiers.given(each.about.id):
                held = self._held.get(given.subscription)
                if held is None or each.cause in queued.get(given.subscription, ()):
                    continue
                notice = await self.voice.notice(each.about, each.fate, each.cause, self.clock())
                if notice not in queued[given.subscription]:
                    queued[given.subscription].append(notice)

    async def _given_subscriptions(self, references: Sequence[str]) -> frozenset[str]:
        given: list[Given] = []
        for id_ in references:
            given += await self.dossiers.given(id_)
        return frozenset(each.subscription for each in given)

    async def _refresh(self) -> None:
        """The subscriptions as they were no earlier than the last entry read: one that was answered is known here."""
        revision = await self.subscriptions.revision()
        if revision == self._revision:
            return
        self._held = {held.subscription.id: held for held in await self.subscriptions.all()}
        self._index = Index(self._held.values())
        self._revision = revision


def takes_direct(held: Held, label: Label) -> bool:
    """The only parts of a filter that count for direct kinds: its status, and its kinds when it names some."""
    wanted = held.subscription.filter
    return label.status in wanted.status and (not wanted.kinds or label.kind in wanted.kinds)


__all__ = ["Router", "Withheld", "takes_direct"]
