"""Deliveries a second by the courier, against a bare aiohttp loop: same bytes, endpoints and concurrency."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import aiohttp

from benchmarks.report import Row, row
from benchmarks.setting import READER, Setting, broker, free_port, get, running
from broker.client.asynchronous import AsyncClient
from broker.store.places import socket_path
from broker.trust.keys import load_jwk

ENDPOINTS = 10
IN_FLIGHT = 8
ALERTS = 200
ROUNDS = 5


def measure(rounds: int = ROUNDS, alerts: int = ALERTS) -> Row:
    """Each round posts fresh alerts, lets them be routed, and only then starts a courier."""
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder, port = Path(made), free_port()
        receiver = f"http://127.0.0.1:{port}"
        setting = Setting(folder, receiver)
        hub, redis = free_port(), folder / "data" / "store"
        common = ["--directory", str(folder / "directory"), "--hub-keys", str(folder / "hub-keys")]
        common += ["--issuer", f"http://127.0.0.1:{hub}"]
        ingress = broker("--role", "ingress", "--port", str(hub), "--data", str(folder / "data"), *common)
        endpoints = [sys.executable, "-m", "benchmarks.receiver", str(port)]
        with running(endpoints, port, folder / "receiver.log"), running(ingress, hub, folder / "ingress.log"):
            asyncio.run(_subscribe(setting, f"http://127.0.0.1:{hub}", receiver))
            url = f"unix://{socket_path(redis.absolute())}"
            workers = [
                broker("--role", role, "--data", str(folder / role), "--redis-url", url, *common)
                for role in ("router", "courier")
            ]
            rates = [_round(setting, alerts, hub, receiver, workers) for _ in range(rounds + 1)][1:]
    return row("fan_out", "deliveries/s", [each[0] for each in rates], [each[1] for each in rates])


def _round(setting: Setting, alerts: int, hub: int, receiver: str, workers: list[list[str]]) -> tuple[float, float]:
    router, courier = workers
    _forget(receiver)
    with running(router, None, setting.folder / "router.log"):
        file = setting.statements(alerts)
        load = [sys.executable, "-m", "benchmarks.load", str(hub), str(file), "16"]
        subprocess.run(load, check=True, capture_output=True, timeout=120)
        asyncio.run(_until_routed(setting, f"http://127.0.0.1:{hub}", alerts))
    with running(courier, None, setting.folder / "courier.log"):
        ours = _rate(receiver, alerts * ENDPOINTS)
    _forget(receiver)
    asyncio.run(_bare(receiver, alerts))
    return ours, _rate(receiver, alerts * ENDPOINTS)


async def _subscribe(setting: Setting, hub: str, receiver: str) -> None:
    async with _reader(setting, hub) as reader:
        for number in range(ENDPOINTS):
            settings = {"url": f"{receiver}/{number}", "max_in_flight": IN_FLIGHT}
            await reader.subscribe({"adapter": "webhook", "purpose": ["prevention"], "settings": settings})


async def _until_routed(setting: Setting, hub: str, alerts: int) -> None:
    async with _reader(setting, hub) as reader:
        while any(each.health.waiting < alerts for each in await reader.subscriptions()):
            await asyncio.sleep(0.1)


def _reader(setting: Setting, hub: str) -> AsyncClient:
    return AsyncClient(hub, READER, auth_key=load_jwk(setting.keys[READER]["auth"]))


async def _bare(receiver: str, alerts: int) -> None:
    """The floor: a loop of posts, with nothing read or written down around it."""
    body = b"x" * 2_600
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=64)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def lane(endpoint: int, count: int) -> None:
            for _ in range(count):
                async with session.post(f"{receiver}/{endpoint}", data=body) as answer:
                    await answer.read()

        share = alerts // IN_FLIGHT
        await asyncio.gather(*(lane(each, share) for each in range(ENDPOINTS) for _ in range(IN_FLIGHT)))


def _rate(receiver: str, expected: int) -> float:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        told = json.loads(get(receiver + "/"))
        if told["count"] >= expected:
            return float(told["count"]) / float(told["seconds"])
        time.sleep(0.2)
    raise RuntimeError(f"only {told['count']} of {expected} arrived")


def _forget(receiver: str) -> None:
    urllib.request.urlopen(urllib.request.Request(receiver + "/", method="DELETE"), timeout=5).close()
