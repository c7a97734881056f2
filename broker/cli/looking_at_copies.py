"""Whether one server of a cluster, or of those under sentinels, may take over for another without losing anything."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from broker.cli.findings import Finding, Grade
from broker.settings import Settings
from broker.store.address import Address, Place
from broker.store.route import ask_once

Look = Callable[[Redis], AsyncIterator[Finding]]
"""What is looked at in every server."""
Judge = Callable[[Mapping[str, Any], Mapping[str, str]], Iterator[Finding]]
"""By what it tells of its replication, and of its settings."""

SETTINGS: Final = (
    "min-replicas-to-write",
    "min-slaves-to-write",
    "replica-priority",
    "cluster-require-full-coverage",
    "cluster-replica-no-failover",
    "cluster-allow-reads-when-down",
)


async def look_at_several(address: Address, settings: Settings, look: Look) -> list[Finding]:
    """Every server by itself, and then what only shows between them."""
    wanted = 1 if settings.replicas is None else settings.replicas
    found: list[Finding] = []
    if not wanted:
        lost = "with 0 replicas a primary that fails takes the last seconds of what it acknowledged with it"
        found.append(Finding("replicas", Grade.ERROR, lost, "give --replicas 1"))
    primaries = await (_of_cluster(address) if address.kind == "cluster" else _of_sentinel(address))
    for place in primaries:
        found += await _look(address, place, look, partial(_primary, wanted, address.kind == "cluster"))
        for replica in await _replicas(address, place):
            found += await _look(address, replica, look, _replica)
    if address.kind == "sentinel":
        found += await _sentinels(address)
    return found


async def look_at_replicas(client: Redis, wanted: int) -> list[Finding]:
    """Of the one server that was named, where its writes are to wait for replicas."""
    return list(_primary(wanted, False, await client.info("replication"), await _stated(client)))


async def _look(address: Address, place: Place, look: Look, judge: Judge) -> list[Finding]:
    """One server: what holds for each, and what its part asks for."""
    name = f"{place[0]}:{place[1]}"
    try:
        async with Redis.from_url(address.node(place), decode_responses=True, socket_timeout=5) as client:
            found = [each async for each in look(client)]
            found += judge(await client.info("replication"), await _stated(client))
    except (RedisError, OSError) as why:
        found = [Finding("store", Grade.ERROR, f"does not answer: {type(why).__name__}", "start it")]
    return [replace(each, about=f"{each.about} {name}") for each in found]


async def _stated(client: Redis) -> Mapping[str, str]:
    """Its settings; none where it may not tell them."""
    try:
        stated = await client.config_get(*SETTINGS)
    except ResponseError:
        return {}
    return {str(name): str(value) for name, value in stated.items()}


def _primary(wanted: int, of_cluster: bool, told: Mapping[str, Any], stated: Mapping[str, str]) -> Iterator[Finding]:
    rows = [told[f"slave{number}"] for number in range(int(told.get("connected_slaves", 0)))]
    there = sum(row.get("state") == "online" for row in rows)
    if there < wanted:
        found = f"{there} replicas follow it, {wanted} must have each write: nothing is taken in"
        yield Finding("replicas", Grade.ERROR, found, "start its replicas, or give it more")
    else:
        price = "lost only if it goes with those that had it" if there > wanted else "while one is away, posts wait"
        yield Finding("replicas", Grade.OK, f"{there} follow it, {wanted} must have each write: {price}")
    if "min-replicas-to-write" in stated and int(stated["min-replicas-to-write"]) < wanted:
        found = "cut off from its replicas it takes writes that count for nobody, and are lost at a take-over"
        yield Finding("replicas", Grade.WARNING, found, f"set in its configuration: min-replicas-to-write {wanted}")
    if of_cluster:
        yield from _coverage(stated)


def _coverage(stated: Mapping[str, str]) -> Iterator[Finding]:
    if stated.get("cluster-require-full-coverage") == "yes":
        found = "while one primary has no successor, all the others refuse too"
        yield Finding("cluster", Grade.WARNING, found, "set in its configuration: cluster-require-full-coverage no")
    if stated.get("cluster-allow-reads-when-down") == "yes":
        found = "a node that was cut off answers from what it had"
        yield Finding("cluster", Grade.ERROR, found, "set in its configuration: cluster-allow-reads-when-down no")


def _replica(told: Mapping[str, Any], stated: Mapping[str, str]) -> Iterator[Finding]:
    if told.get("master_link_status") != "up":
        yield Finding(
            "replicas", Grade.ERROR, "it lost its primary", "look at its log, and at the network between them"
        )
    if stated.get("cluster-replica-no-failover") == "yes" or stated.get("replica-priority") == "0":
        found = "it never takes over"
        mend = "set in its configuration: cluster-replica-no-failover no, replica-priority 100"
        yield Finding("replicas", Grade.WARNING, found, mend)


async def _sentinels(address: Address) -> list[Finding]:
    """Whether they are enough to agree."""
    try:
        told = str(await ask_once(address.sentinel(address.seeds[0]), "SENTINEL", "CKQUORUM", address.primary))
    except ResponseError as why:
        return [Finding("sentinels", Grade.ERROR, str(why), "start the missing ones: three, on three machines")]
    except (RedisError, OSError) as why:
        found = f"the first does not answer: {type(why).__name__}"
        return [Finding("sentinels", Grade.WARNING, found, "start it, or correct REDIS_URL")]
    return [Finding("sentinels", Grade.OK, told)]


async def _of_cluster(address: Address) -> Sequence[Place]:
    """Its primaries, as the first node that answers sees them."""
    ranges = await _first(address.seeds, lambda place: ask_once(address.node(place), "CLUSTER", "SLOTS"))
    return sorted({(row[2][0] or address.seeds[0][0], row[2][1]) for row in ranges})


async def _of_sentinel(address: Address) -> Sequence[Place]:
    words = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.primary)
    named = await _first(address.seeds, lambda place: ask_once(address.sentinel(place), *words))
    if not named:
        raise ConnectionError("no sentinel knows the primary by that name")
    return [(named[0], int(named[1]))]


async def _first(places: Sequence[Place], ask: Callable[[Place], Any]) -> Any:
    """The first answer; the last error where there is none."""
    last: Exception = ConnectionError("nobody to ask")
    for place in places:
        try:
            return await ask(place)
        except (RedisError, OSError) as why:
            last = why
    raise last


async def _replicas(address: Address, primary: Place) -> Sequence[Place]:
    """Those that follow it, as it says."""
    try:
        async with Redis.from_url(address.node(primary), decode_responses=True, socket_timeout=5) as client:
            told = await client.info("replication")
    except (RedisError, OSError):
        return []  # that it does not answer is told once
    rows = [told[f"slave{number}"] for number in range(int(told.get("connected_slaves", 0)))]
    return [(str(row["ip"]), int(row["port"])) for row in rows]
