"""A hub in three processes that pushes to ten endpoints, and how fast its courier does."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.setting import READER, Setting, broker, free_port, get, running
from broker.client.asynchronous import AsyncClient
from broker.store.places import socket_path
from broker.trust.keys import load_jwk

ENDPOINTS = 10
IN_FLIGHT = 8
PATIENCE_S = 300


@dataclass(frozen=True)
class Fanning:
    """One hub: its ingress runs, router and courier are started for each round."""

    setting: Setting
    hub: str
    receiver: str
    router: Sequence[str]
    courier: Sequence[str]

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path, receiver: str, dead: Sequence[str] = ()) -> Iterator[Self]:
        """With ten subscriptions to the receiver, and one to each of the dead URLs."""
        setting, port = Setting(folder, receiver, sorted({_origin(url) for url in dead})), free_port()
        hub, store = f"http://127.0.0.1:{port}", folder / "data" / "store"
        common = ["--directory", str(folder / "directory"), "--hub-keys", str(folder / "hub-keys"), "--issuer", hub]
        ingress = broker("--role", "ingress", "--port", str(port), "--data", str(folder / "data"), *common)
        with running(ingress, port, folder / "ingress.log"):
            url = f"unix://{socket_path(store.absolute())}"
            router, courier = (
                broker("--role", role, "--data", str(folder / role), "--redis-url", url, *common)
                for role in ("router", "courier")
            )
            made = cls(setting, hub, receiver, router, courier)
            asyncio.run(made._subscribe(dead))
            yield made

    def round(self, alerts: int) -> float:
        """Posts so many, has them routed, then starts the courier: deliveries a second to the ten."""
        forget(self.receiver)
        with running(self.router, None, self.setting.folder / "router.log"):
            file = self.setting.statements(alerts)
            load = [sys.executable, "-m", "benchmarks.load", self.hub.rpartition(":")[2], str(file), "16"]
            subprocess.run(load, check=True, capture_output=True, timeout=PATIENCE_S)
            asyncio.run(self._until_routed(alerts))
        with running(self.courier, None, self.setting.folder / "courier.log"):
            return rate(self.receiver, alerts * ENDPOINTS)

    async def _subscribe(self, dead: Sequence[str]) -> None:
        async with self._reader() as reader:
            for url in [*(f"{self.receiver}/{number}" for number in range(ENDPOINTS)), *dead]:
                settings = {"url": url, "max_in_flight": IN_FLIGHT, "timeout_s": 5}
                await reader.subscribe({"adapter": "webhook", "purpose": ["prevention"], "settings": settings})

    async def _until_routed(self, alerts: int) -> None:
        async with self._reader() as reader:
            while any(each.health.waiting < alerts for each in await reader.subscriptions()):
                await asyncio.sleep(0.2)

    def _reader(self) -> AsyncClient:
        return AsyncClient(self.hub, READER, auth_key=load_jwk(self.setting.keys[READER]["auth"]))


@contextlib.contextmanager
def endpoints(folder: Path) -> Iterator[str]:
    """The origin of a process that takes what comes to any of its paths, and counts."""
    port = free_port()
    with running([sys.executable, "-m", "benchmarks.receiver", str(port)], port, folder / "receiver.log"):
        yield f"http://127.0.0.1:{port}"


def rate(receiver: str, expected: int) -> float:
    """Arrivals a second, from the first to the last, once all have come."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        told = json.loads(get(receiver + "/"))
        if told["count"] >= expected:
            return float(told["count"]) / float(told["seconds"])
        time.sleep(0.2)
    raise RuntimeError(f"only {told['count']} of {expected} arrived")


def forget(receiver: str) -> None:
    urllib.request.urlopen(urllib.request.Request(receiver + "/", method="DELETE"), timeout=5).close()


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])
