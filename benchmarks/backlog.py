"""What a backlog costs: ingress beside a million undelivered references, and the memory of each reference."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from redis import Redis

from benchmarks.ingress import rate
from benchmarks.report import Row, row
from benchmarks.setting import READER, Setting, broker, free_port, running
from broker.settings import Settings
from broker.store.in_redis import RedisStore
from broker.store.places import socket_path
from broker.trust.posted import posted_alone
from broker.wiring import Hub, open_hub
from schemas.subscription import Subscription, SubscriptionState
from schemas.terms import Purpose

REFERENCES, OUTBOXES, AT_ONCE = 1_000_000, 100, 1_000
ALERTS = 3_000
ROUNDS = 5
FEW, MANY, COUNTED = 10, 110, 300
ALLOWED = 200.0
"""Bytes of Redis that an undelivered reference may cost, its release decision included."""


def one_backlog(rounds: int = ROUNDS, alerts: int = ALERTS) -> Row:
    """Alerts accepted a second by a hub with a million references waiting, against one with none."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        full, empty = (stack.enter_context(_ingress(folder / name)) for name in ("full", "empty"))
        asyncio.run(_fill(folder / "full"))
        rates = []
        for _ in range(rounds + 1):  # the first warms up
            files = [(port, setting.statements(alerts)) for setting, port in (full, empty)]
            rates.append([rate(port, file) for port, file in files])
    return row("one_backlog", "alerts/s", [each[0] for each in rates[1:]], [each[1] for each in rates[1:]])


def backlog_memory() -> Row:
    """200 bytes against what one more subscription costs for each alert that waits for it, by the router's own hand."""
    costs = []
    for _ in range(3):
        few, many = asyncio.run(_used(FEW)), asyncio.run(_used(MANY))
        costs.append((many - few) / ((MANY - FEW) * COUNTED))
    return row("backlog_memory", "bytes/reference", [ALLOWED] * len(costs), costs)


@contextlib.contextmanager
def _ingress(folder: Path) -> Iterator[tuple[Setting, int]]:
    setting = Setting(folder, "http://127.0.0.1:9")
    port = free_port()
    serve = broker("--role", "ingress", "--port", str(port), "--data", str(folder / "data"))
    serve += ["--directory", str(folder / "directory"), "--hub-keys", str(folder / "hub-keys")]
    with running(serve, port, folder / "ingress.log"):
        yield setting, port


async def _fill(folder: Path) -> None:
    """A million references to alerts over a hundred outboxes, put there as a router does."""
    store = RedisStore(f"unix://{socket_path((folder / 'data' / 'store').absolute())}")
    await store.open()
    each = [f"vn.mae.dyke/019aa8f0-5d2e-7c3a-9a51-{number:012x}" for number in range(AT_ONCE)]
    for turn in range(REFERENCES // OUTBOXES // AT_ONCE):
        await asyncio.gather(
            *(store.outbox.put(f"sub_backlog_{number}", 0, f"1-{turn + 1}", each) for number in range(OUTBOXES))
        )
    await store.close()


async def _used(subscriptions: int) -> int:
    """Bytes of Redis after alerts were accepted and routed to so many subscriptions, none of which is delivered to."""
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        setting = Setting(folder, "http://127.0.0.1:9")
        settings = Settings(folder / "data", folder / "directory", folder / "hub-keys")
        async with open_hub(settings) as hub:
            await _subscribe(hub, subscriptions)
            before = _memory(folder)
            for token in setting.statements(COUNTED).read_bytes().split():
                await hub.services.accepting.accept(posted_alone(token))
            await _route(hub)
            return _memory(folder) - before


async def _subscribe(hub: Hub, count: int) -> None:
    for number in range(count):
        made = Subscription(
            id=f"sub_{number:016d}", adapter="stream", purpose=(Purpose.PREVENTION,), state=SubscriptionState.PAUSED
        )
        await hub.services.store.subscriptions.create(READER, made, None)
        await hub.services.store.outbox.open_at(made.id, await hub.services.store.log.tails())


async def _route(hub: Hub) -> None:
    log, stop = hub.services.store.log, asyncio.Event()
    routing = asyncio.create_task(hub.workers["router"](stop))
    tails = await log.tails()
    while any([await log.cursor(partition) != tail for partition, tail in tails.items()]):
        await asyncio.sleep(0.1)
    stop.set()
    await routing


def _memory(folder: Path) -> int:
    with Redis(unix_socket_path=str(socket_path((folder / "data" / "store").absolute()))) as redis:
        return int(redis.info("memory")["used_memory"])


if __name__ == "__main__":
    sys.exit(print(backlog_memory()))
