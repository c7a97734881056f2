"""`python -m tests.crash.soak --minutes 30`: half the measured rate for long, while subscriptions come and go.

First it measures the rate of the whole way: alerts a second, from the first post to the last delivery. Then it posts
half of that, with the product's own waits and leases, and samples the memory of each process. It ends with JSON:
the slope of each process's memory after the warm-up with its 95% interval, the 99th percentile of the time from when
a post was due to its 202 in the first and the last part, and what `broker audit` says. Exit 1 when a promise is broken,
or, in runs of fifteen minutes or more, when memory grows or answers get slower.
"""

import argparse
import asyncio
import json
import math
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
import psutil

from broker import auditing
from broker.client.asynchronous import AsyncClient
from broker.client.posting import request_for
from broker.client.problem import ProblemError
from broker.client.signing import Draft, sign
from broker.store.in_redis import RedisStore
from broker.trust.keys import PrivateKey, load_jwk
from tests.crash import looking, world
from tests.crash.engine import Engine
from tests.crash.lives import Life
from tests.crash.nursery import Nursery, warm_parent
from tests.crash.posting import LONGEST_HEADER, Posted, _event
from tests.crash.receiver import Receiver
from tests.crash.rounds import _client
from tests.e2e.world import NETWORK

ROLES = ("ingress", "router", "courier")
MEASURED_S: Final = 8.0
LANES = 16
SAMPLE_S = 2.0
JUDGED_FROM_MINUTES = 15.0
GROWTH: Final = 2**20
"""Bytes an hour that the upper end of a slope's interval may show."""
SLOWER: Final = 1.2
GUESTS = 10
"""Subscriptions that are there besides, each for some seconds."""


@dataclass
class Soak:
    """One run and what it measured."""

    folder: Path
    nursery: Nursery
    port: int
    minutes: float
    seed: int
    rate: float = 0.0
    """Alerts a second, by the whole way."""
    accepted: int = 0
    failed: int = 0
    latencies: list[tuple[float, float]] = field(default_factory=list)
    """When (s since the begin), and how long."""
    memory: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    guests: int = 0

    async def run(self) -> dict[str, Any]:
        receiver, engine = Receiver(random.Random(self.seed)), Engine(self.folder)
        await receiver.start()
        secrets = world.write(self.folder, f"http://127.0.0.1:{receiver.port}", datetime.now(UTC))
        await engine.start()
        try:
            for role in ROLES:
                life = Life(role, str(self.folder), engine.url, self.port, plain=True)
                self.nursery.start(role, life)
            return await self._measure_and_soak(engine, receiver, secrets)
        finally:
            for role in ROLES:
                self.nursery.signal(role, signal.SIGKILL)
            engine.stop()
            await receiver.stop()

    async def _measure_and_soak(self, engine: Engine, receiver: Receiver, secrets: world.Json) -> dict[str, Any]:
        hub = f"http://127.0.0.1:{self.port}"
        health = _client(hub, world.HEALTH, secrets)
        keys = [(issuer, load_jwk(secrets[issuer]["statement"])) for issuer in world.ISSUERS]
        await health.subscribe(_subscription(receiver.port, "minor"))
        store = RedisStore(engine.url, unsafe_not_durable=True)
        await store.open()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            post = Post(session, hub, keys)
            await self._measure(post, store)
            self.latencies.clear()
            tasks = [asyncio.create_task(self._come_and_go(health, receiver.port)) for _ in range(GUESTS)]
            tasks.append(asyncio.create_task(self._sample(engine, receiver)))
            await self._post_evenly(post)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await _rest(store)
        found = await auditing.audit(store)
        await store.close()
        await health.close()
        return self._told(found)

    async def _measure(self, post: "Post", store: RedisStore) -> None:
        started = time.monotonic()

        async def lane() -> int:
            done = 0
            while time.monotonic() - started < MEASURED_S:
                done += await post.one()
            return done

        done = sum(await asyncio.gather(*(lane() for _ in range(LANES))))
        await _rest(store)
        self.rate = done / (time.monotonic() - started)
        self.accepted += done

    async def _post_evenly(self, post: "Post") -> None:
        """Each post at its time, however long others take."""
        begin, number = time.monotonic(), 0
        under_way: set[asyncio.Task[None]] = set()
        while (due := number / (self.rate / 2)) < self.minutes * 60:
            await asyncio.sleep(max(0.0, begin + due - time.monotonic()))
            task = asyncio.create_task(self._one(post, begin, due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            number += 1
        if under_way:
            await asyncio.wait(under_way)

    async def _one(self, post: "Post", begin: float, due: float) -> None:
        done = await post.one()
        self.accepted += done
        self.failed += not done
        self.latencies.append((due, time.monotonic() - begin - due))

    async def _come_and_go(self, client: AsyncClient, port: int) -> None:
        dice = random.Random(f"{self.seed} {self.guests}")
        while True:
            self.guests += 1
            with suppress(ProblemError):
                guest = await client.subscribe(_subscription(port, dice.choice(("severe", "extreme"))))
                await asyncio.sleep(dice.uniform(5, 30))
                await client.delete(guest.id)

    async def _sample(self, engine: Engine, receiver: Receiver) -> None:
        began = time.monotonic()
        assert engine.process is not None
        while True:
            pids = self.nursery.pids | {"redis": engine.process.pid}
            for role, pid in pids.items():
                self.memory[role].append((time.monotonic() - began, psutil.Process(pid).memory_info().rss))
            receiver.arrived.clear()  # they are not what is measured here
            await asyncio.sleep(SAMPLE_S)

    def _told(self, found: auditing.Audit) -> dict[str, Any]:
        part = min(300.0, self.minutes * 60 / 6)
        first = [took for at, took in self.latencies if at < part]
        last = [took for at, took in self.latencies if at >= self.minutes * 60 - part]
        slopes = {role: slope([each for each in seen if each[0] >= part]) for role, seen in self.memory.items()}
        told: dict[str, Any] = {
            "minutes": self.minutes,
            "measured_per_s": round(self.rate, 1),
            "posted_per_s": round(self.rate / 2, 1),
            "accepted": self.accepted,
            "failed": self.failed,
            "subscriptions_that_came_and_went": self.guests,
            "p99_ms": {"first": _p99_ms(first), "last": _p99_ms(last)},
            "mib_an_hour": {role: [round(each / GROWTH, 2) for each in three] for role, three in slopes.items()},
            "rss_mib": {role: round(seen[-1][1] / GROWTH, 1) for role, seen in self.memory.items()},
            "audit": {"alerts": found.alerts, "ends": dict(sorted(found.ends.items())), "broken": found.broken},
        }
        wrong = list(found.broken[:5])
        if found.alerts != self.accepted:
            wrong.append(f"{self.accepted} were accepted, {found.alerts} are in the log")
        if self.minutes >= JUDGED_FROM_MINUTES:
            wrong += [f"{role} grows" for role in ROLES if slopes[role][2] >= GROWTH]
            if _p99_ms(last) > SLOWER * _p99_ms(first):
                wrong.append("answers got slower")
        return told | {"wrong": wrong}


@dataclass
class Post:
    """Posts one alert after another, of one issuer after another."""

    session: aiohttp.ClientSession
    hub: str
    keys: Sequence[tuple[str, PrivateKey]]
    number: int = 0

    async def one(self) -> int:
        """1 if it was accepted."""
        self.number += 1
        agency, key = self.keys[self.number % len(self.keys)]
        severity = world.SEVERITIES[self.number // 7 % len(world.SEVERITIES)]
        event = _event(Posted("", agency, "alert", world.FLOOD, severity), timedelta(hours=6))
        ask = request_for(sign(key, agency, NETWORK, Draft(event)), LONGEST_HEADER)
        try:
            async with self.session.post(self.hub + ask.path, data=ask.content, headers=dict(ask.headers)) as answer:
                await answer.read()
                return int(answer.status == 202)
        except (aiohttp.ClientError, OSError):
            return 0


def slope(samples: Sequence[tuple[float, int]]) -> tuple[float, float, float]:
    """Bytes an hour by least squares, with the ends of its 95% interval."""
    if len(samples) < 3:
        return 0.0, -math.inf, math.inf
    hours, sizes = [at / 3600 for at, _ in samples], [size for _, size in samples]
    fit = statistics.linear_regression(hours, sizes)
    left = [size - fit.intercept - fit.slope * at for at, size in zip(hours, sizes, strict=True)]
    middle = statistics.fmean(hours)
    spread = math.sqrt(sum(each**2 for each in left) / (len(left) - 2) / sum((at - middle) ** 2 for at in hours))
    return fit.slope, fit.slope - 1.96 * spread, fit.slope + 1.96 * spread


def _p99_ms(seconds: Sequence[float]) -> float:
    return round(1000 * statistics.quantiles(seconds, n=100)[98], 1) if len(seconds) > 1 else 0.0


def _subscription(port: int, severity: str) -> world.Json:
    return {
        "adapter": "webhook",
        "purpose": ["prevention"],
        "filter": {"severity": severity},
        "settings": {"url": f"http://127.0.0.1:{port}/well"},
    }


async def _rest(store: RedisStore) -> None:
    for _ in range(1_200):
        names = {held.subscription.id: world.WISHES[0] for held in await store.subscriptions.all()}
        if await looking.at_rest(store, names):
            return
        await asyncio.sleep(0.1)
    raise RuntimeError("it does not come to rest")


async def _soak(nursery: Nursery, port: int, folder: Path, minutes: float, seed: int) -> dict[str, Any]:
    listening = asyncio.create_task(nursery.listen())
    try:
        return await Soak(folder, nursery, port, minutes, seed).run()
    finally:
        listening.cancel()


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed}: {asked.minutes} minutes", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as made:
        folder = Path(made)
        with warm_parent(folder / "roles.log") as (nursery, port):
            told = asyncio.run(_soak(nursery, port, folder, asked.minutes, asked.seed))
    print(json.dumps(told, indent=1))
    return 1 if told["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
