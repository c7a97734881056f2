"""One round: a fresh world, its processes, alerts under fire, then rest, a clean end, and a look at what is left."""

import asyncio
import signal
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from broker.client.asynchronous import AsyncClient
from broker.client.connection import Options
from broker.client.problem import ProblemError
from broker.client.retrying import Retries
from broker.store.in_redis import RedisStore
from broker.trust.keys import load_jwk
from tests.crash import looking, world
from tests.crash.checker import Broken, broken, repeats
from tests.crash.disk import small_disk
from tests.crash.engine import Engine
from tests.crash.evidence import Evidence
from tests.crash.faults import HARMLESS, Faults
from tests.crash.lives import UNFIT, Life
from tests.crash.mutants.catalogue import Mutant
from tests.crash.nursery import Nursery
from tests.crash.pace import CLAIM_LEASE_S
from tests.crash.plan import SLOTS, Plan
from tests.crash.posting import Issuer
from tests.crash.proxy import Proxy
from tests.crash.reading import StreamReader
from tests.crash.receiver import Receiver
from tests.crash.world import WISHES, Wish

DRAIN_S = 60.0
END_S = 20.0
BURIED_S = 5.0
DISK_MIB = 64
"""Of the disk of Redis, in which a round takes a few."""
POINT_S = 2.0
"""A process that does not come to its point within this is killed at random."""
REST_S = 0.3
"""Between two alerts of an issuer."""
HEAD_START, KILLS_AN_ALERT = 20, 3
"""Nothing is disrupted while more were killed than these allow for what was accepted."""
PATIENT = Options(retries=Retries(most=1_000, first_s=0.02, longest_s=0.2), timeout_s=3)
ROLES = ("ingress", "router", "courier")


@dataclass
class Outcome:
    """What a round was, in figures, and what it broke."""

    seed: int
    seconds: float = 0.0
    storm_s: float = 0.0
    alerts: int = 0
    arrivals: int = 0
    repeats: int = 0
    lost_bytes: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    """By point, `<role>: at random`, or what was done to Redis."""
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    """Processes that ended by themselves, by role and code: those that began while Redis was away."""
    broken: list[Broken] = field(default_factory=list)


@dataclass
class Round:
    """Everything of one round. `nursery` is shared by all rounds of a run."""

    plan: Plan
    nursery: Nursery
    port: int
    folder: Path
    mutant: Mutant | None = None
    drain_s: float = DRAIN_S
    issuer_rest_s: float = REST_S
    kills: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    wishes: dict[str, Wish] = field(default_factory=dict)
    storm_s: float = 0.0
    """How long things were disrupted."""
    _lives: dict[str, Life] = field(default_factory=dict)
    _born: dict[str, float] = field(default_factory=dict)
    _running: "asyncio.Task[Outcome] | None" = None
    _calm: bool = False
    _ending: bool = False
    _exits: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.receiver = Receiver(self.plan.part("receiver"))
        self.engine = Engine(self.folder / "redis", fsync=self.mutant.fsync if self.mutant else "always")
        self.proxies = {role: Proxy(self.folder / f"{role}.sock", self.engine.socket) for role in ROLES}
        self.faults = Faults(self.engine, self.nursery, self.proxies, self.plan.part("faults"), self._prey)
        self.issuers: list[Issuer] = []
        self.hub = f"http://127.0.0.1:{self.port}"

    async def run(self) -> Outcome:
        """Its Redis has a small disk of its own if that is to be filled. Raises `NoDiskError`."""
        with ExitStack() as disk:
            if self.plan.weights.get("disk full"):
                disk.enter_context(small_disk(self.engine.folder, DISK_MIB, keep=True))
            return await self._run()

    async def _run(self) -> Outcome:
        started, self._running = time.monotonic(), asyncio.current_task()
        await self.receiver.start()
        secrets = world.write(self.folder, f"http://127.0.0.1:{self.receiver.port}", datetime.now(UTC))
        watching = asyncio.create_task(self.engine.watch())
        try:
            await self.engine.start()
            for proxy in self.proxies.values():
                await proxy.start()
            evidence = await self._play(secrets)
        finally:
            watching.cancel()
            self.nursery.ended = lambda slot, pid, code: None
            for slot in SLOTS:
                self.nursery.signal(slot, signal.SIGKILL)
            self.faults.end()
            self.engine.stop()
            for proxy in self.proxies.values():
                proxy.stop()
            until = time.monotonic() + BURIED_S
            while self.nursery.pids and time.monotonic() < until:
                await asyncio.sleep(0.01)
            await self.receiver.stop()
        return self._outcome(evidence, time.monotonic() - started)

    async def _play(self, secrets: world.Json) -> Evidence:
        self.nursery.ended = self._ended
        for slot in SLOTS:
            self._start(slot, mortal=False)
        clients = {agency: _client(self.hub, agency, secrets) for agency in world.MAY_GIVE}
        await self._subscribe(clients)
        issuers = self.issuers = [
            Issuer(name, load_jwk(secrets[name]["statement"]), self.hub, self.plan.part(name), self.issuer_rest_s)
            for name in world.ISSUERS
        ]
        [streamed] = [name for name, wish in self.wishes.items() if not wish.endpoint]
        reader = StreamReader(
            clients[world.HEALTH], streamed, self.receiver.arrived[streamed], self.plan.part("reader")
        )
        stop = asyncio.Event()
        posting = [asyncio.create_task(issuer.run(stop)) for issuer in issuers]
        reading = asyncio.create_task(reader.run())
        waking = asyncio.create_task(self._wake_paused(clients[world.HEALTH]))
        began = time.monotonic()
        await self._storm()
        self.storm_s = time.monotonic() - began
        stop.set()
        await self._calm_down()
        await asyncio.gather(*posting)
        async with _open(self.engine.url) as store:
            drained = await self._drain(store, reader)
            for task in (reading, waking):
                task.cancel()
            await asyncio.gather(reading, waking, return_exceptions=True)
            for client in clients.values():
                await client.close()
            await self._end()
            evidence = Evidence(
                posted=[posted for issuer in issuers for posted in issuer.posted],
                wishes=self.wishes,
                arrived=self.receiver.arrived,
                disruptions=self._disruptions(),
                drained=drained,
                stream_error=reader.wrong,
                exits=self._exits,
            )
            await looking.look(store, self.wishes, evidence)
        return evidence

    async def _subscribe(self, clients: dict[str, AsyncClient]) -> None:
        for wish in WISHES:
            new: world.Json = {
                "adapter": "webhook" if wish.endpoint else "stream",
                "purpose": ["prevention"],
                "order": wish.order,
                "filter": {"domains": list(wish.domains), "severity": wish.severity},
            }
            if wish.endpoint:
                url = f"http://127.0.0.1:{self.receiver.port}/{wish.endpoint}"
                new["settings"] = {"url": url, "timeout_s": 1}
            self.wishes[(await clients[wish.agency].subscribe(new)).id] = wish

    async def _storm(self) -> None:
        """Until enough was killed, or the time is over."""
        until = time.monotonic() + self.plan.most_s
        for slot in SLOTS:  # those that began without a plan
            self.faults.killing.add(self.nursery.pids.get(slot, 0))
            self.nursery.signal(slot, signal.SIGKILL)
        while self._killed() < self.plan.kills and time.monotonic() < until:
            await asyncio.sleep(self.plan.rest())
            if self._outrun():
                continue
            if what := self.plan.disruption():
                await self.faults.strike(what)

    def _outrun(self) -> bool:
        """Processes die faster than they start, as on a starved machine: what is never accepted cannot be lost."""
        accepted = sum(each.accepted for issuer in self.issuers for each in issuer.posted)
        return self._killed() > HEAD_START + KILLS_AN_ALERT * accepted

    async def _calm_down(self) -> None:
        """Nothing is disrupted from now on. Who would die at a point dies now."""
        self._calm = True
        self.receiver.healed = True
        await self.faults.calm()
        for slot, life in list(self._lives.items()):
            if life.point:
                self.faults.killing.add(self.nursery.pids.get(slot, 0))
                self.nursery.signal(slot, signal.SIGKILL)

    async def _drain(self, store: RedisStore, reader: StreamReader) -> bool:
        until = time.monotonic() + self.drain_s
        quiet = 0
        while time.monotonic() < until and not reader.wrong:
            head = (await store.outbox.head(reader.subscription)).position
            read_on = head == 0 or reader.cursor == str(head) or not await self._readable(store, reader, head)
            quiet = quiet + 1 if read_on and await looking.at_rest(store, self.wishes) else 0
            if quiet == 3:
                await asyncio.sleep(CLAIM_LEASE_S)  # of those that were killed last
                return True
            await asyncio.sleep(0.1)
        return False

    async def _readable(self, store: RedisStore, reader: StreamReader, head: int) -> bool:
        """Whether something after the reader's cursor is still to be given: what ended without being sent is not."""
        after = await store.outbox.opened(reader.subscription, int(reader.cursor), head)
        ends = [await store.dossiers.ends(each.alert) for each in after]
        return any(
            each.state == "delivered" and each.subscription == reader.subscription for end in ends for each in end
        )

    async def _end(self) -> None:
        """Asks all to end."""
        self._ending = True
        for slot in SLOTS:
            self.nursery.signal(slot, signal.SIGTERM)
        until = time.monotonic() + END_S
        while self.nursery.pids and time.monotonic() < until:
            await asyncio.sleep(0.02)
        self._exits += [f"{slot} did not end in {END_S:.0f} s" for slot in self.nursery.pids]

    async def _wake_paused(self, client: AsyncClient) -> None:
        """An owner who sets what was paused by a 410 active again."""
        gone = [name for name, wish in self.wishes.items() if wish.endpoint == "gone"]
        while True:
            await asyncio.sleep(1.0)
            for name in gone:
                with suppress(ProblemError):
                    await client.patch(name, state="active")

    def _prey(self) -> list[str]:
        """Who does not die at a point, or has not come to it for long."""
        before = time.monotonic() - POINT_S
        return [
            slot
            for slot in SLOTS
            if slot in self.nursery.pids and slot in self._lives
            if self._lives[slot].point is None or self._born[slot] < before
        ]

    def _start(self, slot: str, *, mortal: bool = True) -> None:
        role, self._born[slot] = slot.partition("-")[0], time.monotonic()
        point, passing = self.plan.point(role) if mortal else (None, 1)
        self._lives[slot] = Life(
            role=role,
            folder=str(self.folder),
            redis_url=f"unix://{self.proxies[role].path}",
            port=self.port,
            point=point,
            passing=passing,
            jump_s=self.plan.jump() if mortal else 0.0,
            mutant=self.mutant.name if self.mutant else None,
        )
        self.nursery.start(slot, self._lives[slot])

    def _ended(self, slot: str, pid: int, code: int) -> None:
        life = self._lives.pop(slot)
        if code == UNFIT and self._running is not None:
            self._running.cancel(f"a patch of {life} does not fit any more: see roles.log")
        if self._ending:
            if code != 0:
                self._exits.append(f"{slot} ended with {code} when it was asked to end")
            return
        if code == -signal.SIGKILL:
            at_random = pid in self.faults.killing or life.point is None
            self.kills[f"{life.role}: at random" if at_random else str(life.point)] += 1
        else:
            self.ended[f"{life.role}: {code}"] += 1
        self.faults.killing.discard(pid)
        asyncio.get_running_loop().call_later(0.02 if code < 0 else 0.2, self._start_again, slot)

    def _start_again(self, slot: str) -> None:
        if not self._ending and slot not in self._lives:
            self._start(slot, mortal=not self._calm)

    def _killed(self) -> int:
        return sum(self.kills.values()) + self.faults.redis_kills

    def _disruptions(self) -> int:
        """Everything after which something that was in flight may come again."""
        done = sum(count for name, count in self.faults.counts.items() if name not in HARMLESS | {"kill"})
        return done + sum(self.kills.values()) + sum(self.ended.values())

    def _outcome(self, evidence: Evidence, seconds: float) -> Outcome:
        return Outcome(
            seed=self.plan.seed,
            seconds=seconds,
            storm_s=self.storm_s,
            alerts=sum(each.accepted for each in evidence.posted),
            arrivals=sum(map(len, self.receiver.arrived.values())),
            repeats=sum(repeats(each) for name, each in self.receiver.arrived.items() if self.wishes[name].endpoint),
            lost_bytes=self.engine.lost_bytes,
            kills=self.kills + self.faults.deaths,
            faults=self.faults.counts,
            ends=Counter(evidence.audit),
            ended=self.ended,
            broken=broken(evidence),
        )


def _client(hub: str, agency: str, secrets: world.Json) -> AsyncClient:
    keys = secrets[agency]
    return AsyncClient(hub, agency, load_jwk(keys["statement"]), load_jwk(keys["auth"]), options=PATIENT)


class _open:  # noqa: N801 - reads as what it does
    """The store, past all proxies."""

    def __init__(self, url: str) -> None:
        self._store = RedisStore(url, unsafe_not_durable=True)

    async def __aenter__(self) -> RedisStore:
        await self._store.open()
        return self._store

    async def __aexit__(self, *_: object) -> None:
        await self._store.close()
