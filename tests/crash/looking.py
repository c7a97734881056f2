"""Reads everything that a run left in the store into `Evidence`, past the ports where they tell less than is kept."""

from collections.abc import Iterable, Mapping
from typing import Any

from broker import auditing
from broker.ports.outbox import Attempt, Opened
from broker.store import keys
from broker.store.in_redis import RedisStore
from broker.store.texts import ALERT
from tests.crash.evidence import Evidence, Outboxed
from tests.crash.world import Wish

PAGE = 512
EMPTY = ("queue", "urgent", "open", "due", "tries", "again")
"""Keys of an outbox in which nothing may be left."""
HUB = "vn.hub/"


async def look(store: RedisStore, wishes: Mapping[str, Wish], evidence: Evidence) -> None:
    """Fills in what the store knows."""
    link, log = store._link, store.log
    evidence.log = {number: [alert async for alert in _logged(store, number)] for number in range(log.partitions)}
    evidence.records = {id_: ours async for id_, ours in _records(link)}
    evidence.ends = {
        alert: {each.subscription: each.state for each in await store.dossiers.ends(alert)}
        for alert in dict.fromkeys(_all(evidence.log))
    }
    evidence.outboxes = {name: await _outbox(store, name) for name in wishes}
    evidence.tails = await log.tails()
    evidence.cursors = {number: await log.cursor(number) for number in range(log.partitions)}
    evidence.parked = [each.entry.alert for each in await log.parked()]
    evidence.strays = [key async for key in _scan(link, f"{keys.PREFIX}:{{sub_*") if _owner(key) not in wishes]
    evidence.taken = await _taken(link, log.partitions)
    audit = await auditing.audit(store)
    evidence.audit, evidence.audit_broken = dict(audit.ends), list(audit.broken)
    if audit.unrouted:
        evidence.audit_broken.append(f"{audit.unrouted} not routed")


async def at_rest(store: RedisStore, wishes: Mapping[str, Wish]) -> bool:
    """Whether nothing is owed to anybody and every partition is routed to its end."""
    for number, tail in (await store.log.tails()).items():
        if await store.log.cursor(number) != tail:
            return False
    return all([await store.outbox.depth(name) == 0 for name in wishes])


def _all(log: Mapping[int, Iterable[str]]) -> Iterable[str]:
    for alerts in log.values():
        yield from alerts


async def _logged(store: RedisStore, partition: int) -> Any:
    after = "0-0"
    while page := await store.log.read(partition, after, PAGE):
        for entry in page:
            yield entry.alert
        after = page[-1].position


async def _records(link: Any) -> Any:
    async for key in _scan(link, f"{keys.PREFIX}:{{partition-*}}:alert:*"):
        alert = ALERT.read(await link.command("GET", key))
        yield alert.label.id, alert.label.id.startswith(HUB)


async def _scan(link: Any, pattern: str) -> Any:
    cursor, seen = "0", set[str]()
    while True:
        cursor, found = await link.command("SCAN", cursor, "MATCH", pattern, "COUNT", 1_000)
        for key in found:
            if key not in seen:
                seen.add(key)
                yield key
        if str(cursor) == "0":
            return


async def _outbox(store: RedisStore, subscription: str) -> Outboxed:
    opened: list[Opened] = []
    while page := await store.outbox.opened(subscription, opened[-1].position if opened else 0, PAGE):
        opened += page
    attempts: list[Attempt] = []
    after: str | None = None
    while True:
        some, after = await store.outbox.attempts(subscription, after, PAGE)
        attempts += some
        if after is None:
            break
    names = dict(zip(EMPTY, keys.outbox(subscription, *EMPTY), strict=True))
    pending = {name: await _size(store._link, key) for name, key in names.items()}
    return Outboxed(opened, attempts, await store.outbox.dead(subscription), pending)


async def _size(link: Any, key: str) -> int:
    how = {"stream": "XLEN", "zset": "ZCARD", "set": "SCARD", "hash": "HLEN"}
    kind = await link.command("TYPE", key)
    return 0 if kind == "none" else int(await link.command(how[kind], key))


async def _taken(link: Any, partitions: int) -> list[str]:
    claims, lapse = keys.courier("claims", "lapse")
    held = [f"the claim of {name}" for name in await link.command("HKEYS", claims)]
    held += [f"the lapse of {name}" for name in await link.command("ZRANGE", lapse, 0, -1)]
    for number in range(partitions):
        holder = await link.command("HGET", keys.lease(f"partition-{number}"), "holder")
        if holder is not None:
            held.append(f"partition {number} by {holder}")
    return held


def _owner(key: str) -> str:
    return key.partition("{")[2].partition("}")[0]
