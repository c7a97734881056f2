"""The sum of all deliveries by how they ended, and whatever breaks a promise (docs/reliability.md).

Reads page by page what others may be changing meanwhile; what seems lost is looked at again before it is told.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from broker.label import Label
from broker.ports.alert_log import LogEntry
from broker.ports.dossiers import Ended
from broker.ports.store import Store
from schemas.terms import Kind

PAGE = 256
LOOKS = 3
"""How often something is looked at before it counts as lost: it may have moved between two pages."""

BySubscription = defaultdict[str, set[str]]


@dataclass
class Audit:
    """What was found. `ends` counts pairs of alert and subscription by state; those of deleted ones count too."""

    alerts: int = 0
    unrouted: int = 0
    """Accepted, and not yet decided for anybody."""
    ends: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


async def audit(store: Store) -> Audit:
    """Goes through the whole log, then through the outbox of each subscription."""
    found = Audit()
    waiting, delivered = await _sum(store, found)
    for parked in await store.log.parked():
        alert = parked.entry.alert
        found.broken.append(f"{alert} could not be routed ({parked.why}), and is set aside since {parked.at}")
    for held in await store.subscriptions.all():
        subscription = held.subscription.id
        for alert in sorted(delivered[subscription] - await _opened(store, subscription)):
            found.broken.append(f"{alert} is told as delivered to {subscription}, and never had a position there")
        for alert in sorted(await _lost(store, subscription, waiting[subscription])):
            found.broken.append(f"{alert} is waiting for {subscription}, and is not owed there")
    return found


async def _sum(store: Store, found: Audit) -> tuple[BySubscription, BySubscription]:
    """Counts what the dossiers tell. The alerts that are waiting, and those that are delivered, by subscription."""
    waiting, delivered = BySubscription(set), BySubscription(set)
    seen: set[str] = set()
    async for entry, routed in _entries(store):
        if entry.alert in seen:
            found.broken.append(f"{entry.alert} has more than one entry in the log")
            continue
        seen.add(entry.alert)
        found.alerts += 1
        found.unrouted += not routed
        record = await store.log.find(entry.alert)
        if record is None:
            found.broken.append(f"{entry.alert} has an entry in the log and no record")
        for each in await store.dossiers.ends(entry.alert):
            found.ends[each.state] += 1
            if each.state == "delivered":
                delivered[each.subscription].add(entry.alert)
        if record is not None and routed and (lets_go := _lets_go(record.label)):
            for each in await store.dossiers.ends(lets_go):
                if each.state == "waiting":
                    waiting[each.subscription].add(lets_go)
    return waiting, delivered


def _lets_go(label: Label) -> str | None:
    """The alert that is queued once this one was routed: itself, or what it approves."""
    if label.kind is Kind.APPROVE:
        return label.references[0]
    return None if label.awaits_approval else label.id


async def _entries(store: Store) -> AsyncIterator[tuple[LogEntry, bool]]:
    """Each entry of the log, and whether its partition was routed beyond it."""
    for partition in range(store.log.partitions):
        cursor, after = await store.log.cursor(partition), "0-0"
        while page := await store.log.read(partition, after, PAGE):
            for entry in page:
                yield entry, not entry.follows(cursor)
            after = page[-1].position


async def _lost(store: Store, subscription: str, waiting: set[str]) -> set[str]:
    """What should be in the outbox and is not, however often one looks."""
    for _ in range(LOOKS):
        waiting = {alert for alert in waiting if _state(await store.dossiers.ends(alert), subscription) == "waiting"}
        if waiting:
            waiting = waiting - await _owed(store, subscription)
    return waiting


def _state(ends: Sequence[Ended], subscription: str) -> str | None:
    return next((each.state for each in ends if each.subscription == subscription), None)


async def _owed(store: Store, subscription: str) -> set[str]:
    """The alerts in the outbox that did not end: queued, or open."""
    outbox = store.outbox
    alerts: set[str] = set()
    for urgent in (True, False):
        after = ""
        while page := await outbox.owed(subscription, PAGE, after, urgent=urgent):
            alerts.update(each.alert for each in page)
            after = page[-1].ref
    open_ = await outbox.due(subscription, float("inf"), max(1, await outbox.depth(subscription)))
    return alerts | {each.alert for each in open_}


async def _opened(store: Store, subscription: str) -> set[str]:
    """The alerts that ever had a position."""
    alerts: set[str] = set()
    after = 0
    while page := await store.outbox.opened(subscription, after, PAGE):
        alerts.update(each.alert for each in page)
        after = page[-1].position
    return alerts
