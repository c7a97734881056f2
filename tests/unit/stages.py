"""The stages of a hub around a store in memory: what was accepted, routed, given and told, at the time that is set."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from adapters.base import Event
from broker.api.services import Services
from broker.caller import Caller
from broker.label import Label
from broker.policy.ways import Way
from broker.ports.alert_log import StoredAlert
from broker.ports.outbox import Opened
from broker.settings import Settings
from broker.store.in_memory import MemoryStore
from broker.store.keys import APPENDED
from broker.streaming import Reader
from broker.subscribing import Subscribing
from broker.trust.directory import Snapshot
from broker.trust.hubkeys import load_or_make
from broker.wiring import router_of, wire
from schemas.subscription import NewSubscription
from tests.unit import making

AGREEMENT = {
    "from": making.DYKE,
    "to": making.PROVINCE,
    "domains": ["disaster"],
    "statuses": ["actual"],
    "tlps": ["clear", "green", "amber", "amber+strict", "red"],
    "severity": "extreme",
    "personal": ["none"],
    "purposes": ["prevention"],
}


@dataclass
class Fixed:
    """A directory of one version."""

    snapshot: Snapshot

    def current(self) -> Snapshot:
        return self.snapshot

    async def at(self, digest: str) -> Snapshot:
        return self.snapshot


class Stages:
    """A hub without a network. The dyke agency has an agreement with the province, unless `world` says otherwise."""

    def __init__(self, folder: Path, **world: Any) -> None:
        self.now: datetime = making.NOW
        self.snapshot = making.directory(**{"agreements": [AGREEMENT], **world})
        self.store = MemoryStore(timer=lambda: self.clock().timestamp())
        with _quiet():
            keys = load_or_make(folder, self.snapshot)
        self.services: Services = wire(
            Settings(folder, folder), self.store, Fixed(self.snapshot), keys, lambda: self.now
        )
        services = self.services
        self.subscribing = Subscribing(
            self.store, services.directory, services.giving, services.voice, services.adapters
        )

    def caller(self, agency: str = making.PROVINCE, way: Way = Way.READ_BOUND) -> Caller:
        """A client of the agency, with a token for everything."""
        return Caller(agency, "desk", frozenset({"read", "subscribe"}), way)

    async def subscribe(self, agency: str = making.PROVINCE, **members: Any) -> str:
        """The id of a new subscription."""
        stated = {"adapter": "stream", "purpose": ["prevention"], **members}
        made, _ = await self.subscribing.create(self.caller(agency), NewSubscription.model_validate(stated))
        return made.id

    async def accepted(self, *labels: Label) -> None:
        """The alerts, appended and routed."""
        for label in labels:
            known = label.model_copy(update={"directory": self.snapshot.digest})
            await self.store.log.append(StoredAlert(known, "e30.e30.AA", receipt="e30.e30.AA"))
        store, stop = self.store, asyncio.Event()
        router = router_of(self.services, "router")
        routing = asyncio.create_task(router.run(stop))
        while {n: await store.log.cursor(n) for n in range(store.log.partitions)} != await store.log.tails():
            await asyncio.sleep(0.001)
        stop.set()
        store.log._bells.ring(APPENDED)
        await routing

    async def reader(self, subscription: str, *, way: Way = Way.READ_BOUND, after: str | None = None) -> Reader:
        """One connection to the subscription's stream."""
        held = await self.store.subscriptions.get(subscription)
        assert held is not None
        services = self.services
        reader = Reader(
            held,
            way,
            services.giving,
            self.store.outbox,
            self.store.subscriptions,
            services.keys,
            making.HUB,
            self.clock,
            _always,
        )
        await reader.begin(after)
        return reader

    def clock(self) -> datetime:
        """The time that is set."""
        return self.now


async def written(reader: Reader) -> list[Opened]:
    """What the stream gives until it has to wait, all of it written."""
    given: list[Opened] = []
    while (sending := await reader._next()) is not None:
        reader._sent[sending.opened.position] = sending
        await reader.written(Event(str(sending.opened.position), sending.text))
        given.append(sending.opened)
    reader._look_anew()
    return given


async def _always() -> bool:
    return True


@contextmanager
def _quiet() -> Iterator[None]:
    """The directory of these tests lists no key of the hub's, and says so each time."""
    with structlog.testing.capture_logs():
        yield
