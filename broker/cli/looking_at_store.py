"""Whether Redis answers, keeps what it acknowledges, has room, holds data of this release, and knows the time."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from broker.cli.findings import Finding, Grade
from broker.cli.looking_at_copies import look_at_replicas, look_at_several
from broker.cli.store import running_url
from broker.errors import Broken
from broker.ports.failures import Unavailable
from broker.settings import Settings
from broker.store.address import address_of
from broker.store.in_redis import DURABLE
from broker.store.keys import SCHEMA, VERSION
from broker.store.link import Link
from broker.store.server import program

OLDEST = 7
"""The release of Redis, or of what Valkey says that it is like, below which commands are missing."""
CLOCKS_APART_S = 2.0
FAR_APART_S = 60.0
FULL = 0.8
"""Of `maxmemory`."""


async def look_at_store(settings: Settings) -> list[Finding]:
    """Of the Redis that was named, or of the private server if it runs; else which one would be started."""
    url = settings.redis_url or await running_url(settings.data)
    if url is None:
        return [_private_server(settings)]
    try:
        address = address_of(url)
        if address.several:
            return [*await look_at_several(address, settings, _ask), *await _schema_of_several(url, settings)]
        async with Redis.from_url(url, decode_responses=True, socket_timeout=5, socket_connect_timeout=5) as client:
            told = await client.info("replication")
            replica = [] if told.get("role") == "master" else [_follows(told)]
            found = [finding async for finding in _ask(client)]
            if settings.replicas:
                found += await look_at_replicas(client, settings.replicas)
            return [*replica, *found, *_schema(await client.hgetall(SCHEMA), settings)]
    except (RedisError, OSError, ValueError) as why:
        silent = f"does not answer: {type(why).__name__}"  # the message may hold a URL with its password
        return [Finding("store", Grade.ERROR, silent, "start it, or correct REDIS_URL")]


async def _schema_of_several(url: str, settings: Settings) -> list[Finding]:
    link = Link(url)
    try:
        return list(_schema(await link.command("HGETALL", SCHEMA), settings))
    except Unavailable as why:
        return [Finding("store", Grade.ERROR, str(why), "start it, or correct REDIS_URL")]
    finally:
        await link.close()


async def _ask(client: "Redis") -> AsyncIterator[Finding]:
    """Of any server, whatever its part."""
    told: dict[str, Any] = await client.info()
    for finding in (*_server(told), *_file(told), *_memory(told)):
        yield finding
    try:
        stated = await client.config_get(*DURABLE)
    except ResponseError:
        wanted = "does not tell its settings: " + ", ".join(f"{name} {value}" for name, value in DURABLE.items())
        yield Finding("durability", Grade.WARNING, wanted, "make sure of them with whoever runs it")
    else:
        yield durability(stated)
    before = time.time()
    seconds, microseconds = await client.time()
    yield clock(seconds + microseconds / 1e6 - (before + time.time()) / 2)


def _server(told: Mapping[str, Any]) -> Iterator[Finding]:
    name, version = told.get("server_name", "redis"), str(told.get("redis_version", "0"))
    shown = f"{name} {told.get(f'{name}_version', version)}"
    if int(version.partition(".")[0]) < OLDEST:
        yield Finding("store", Grade.ERROR, f"{shown} is too old", f"Redis {OLDEST}.0, Valkey 8, or newer")
    else:
        yield Finding("store", Grade.OK, shown)


def _follows(told: Mapping[str, Any]) -> Finding:
    found = f"it is a replica of {told.get('master_host')}: it can only be read"
    return Finding("store", Grade.ERROR, found, "name the primary")


def _file(told: Mapping[str, Any]) -> Iterator[Finding]:
    if told.get("aof_last_write_status", "ok") != "ok":
        yield Finding("store", Grade.ERROR, "the last write to its file failed", "look at its disk and its log")
    if told.get("aof_last_bgrewrite_status", "ok") != "ok":
        found = "the last rewriting of its file failed: it only grows"
        yield Finding("store", Grade.WARNING, found, "look at its disk, memory and log, then: redis-cli bgrewriteaof")


def _memory(told: Mapping[str, Any]) -> Iterator[Finding]:
    most, used = int(told.get("maxmemory", 0)), int(told.get("used_memory", 0))
    if int(told.get("evicted_keys", 0)):
        found = f"it threw away {told['evicted_keys']} keys for want of memory"
        yield Finding("memory", Grade.ERROR, found, "set maxmemory-policy noeviction, and restore what is missing")
    if most and used > FULL * most:
        found = f"{used / 1024**2:.0f} of {most / 1024**2:.0f} MiB are used; full, it refuses posts"
        yield Finding("memory", Grade.WARNING, found, "raise maxmemory, or give it a larger machine")


def durability(stated: Mapping[Any, Any]) -> Finding:
    """Whether what is acknowledged survives a power cut, by the settings that Redis tells."""
    wrong = [f"{name} {value}" for name, value in DURABLE.items() if stated.get(name) != value]
    if not wrong:
        return Finding("durability", Grade.OK, ", ".join(f"{name} {value}" for name, value in DURABLE.items()))
    found = "it could lose what it acknowledged"
    return Finding("durability", Grade.ERROR, found, "set in its configuration: " + ", ".join(wrong))


def _schema(found: Mapping[Any, Any], settings: Settings) -> Iterator[Finding]:
    mine = {"version": str(VERSION), "partitions": str(settings.partitions)}
    other = [f"{name} {found[name]}" for name, value in mine.items() if found.get(name, value) != value]
    if other:
        mend = "start the release that made it, or migrate it (docs/operating.md, Upgrades)"
        yield Finding("store", Grade.ERROR, f"what is stored has {', '.join(other)}: not of this release", mend)


def clock(apart: float) -> Finding:
    """`apart`: seconds from this machine's clock to the store's."""
    if abs(apart) <= CLOCKS_APART_S:
        return Finding("clock", Grade.OK, f"{abs(apart):.3f} s from the store's")
    grade = Grade.ERROR if abs(apart) > FAR_APART_S else Grade.WARNING
    found = f"{abs(apart):.1f} s {'behind' if apart > 0 else 'ahead of'} the store's; statements are taken within 300 s"
    return Finding("clock", grade, found, "let both machines keep time by NTP")


def _private_server(settings: Settings) -> Finding:
    try:
        found = f"a private server, not running now; it would be {program()}"
    except Broken as why:
        return Finding("store", Grade.ERROR, str(why), "install one of these, or give REDIS_URL")
    return Finding("store", Grade.OK, f"{found}, in {settings.data / 'store'}")
