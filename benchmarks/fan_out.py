"""Deliveries a second by the courier, against a bare aiohttp loop: same bytes, endpoints and concurrency."""

import asyncio
import sys
import tempfile
from pathlib import Path

import aiohttp

from benchmarks.fanning import ENDPOINTS, IN_FLIGHT, Fanning, endpoints, forget, rate
from benchmarks.report import Row, row

ALERTS = 200
ROUNDS = 5


def measure(rounds: int = ROUNDS, alerts: int = ALERTS) -> Row:
    """Each round posts fresh alerts, lets them be routed, and only then starts a courier."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as made,
        endpoints(Path(made)) as receiver,
        Fanning.started(Path(made), receiver) as fanning,
    ):
        rates = [(fanning.round(alerts), _floor(receiver, alerts)) for _ in range(rounds + 1)][1:]
    return row("fan_out", "deliveries/s", [each[0] for each in rates], [each[1] for each in rates])


def _floor(receiver: str, alerts: int) -> float:
    forget(receiver)
    asyncio.run(_bare(receiver, alerts))
    return rate(receiver, alerts * ENDPOINTS)


async def _bare(receiver: str, alerts: int) -> None:
    """A loop of posts, with nothing read or written down around it."""
    body = b"x" * 2_600
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=64)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def lane(endpoint: int, count: int) -> None:
            for _ in range(count):
                async with session.post(f"{receiver}/{endpoint}", data=body) as answer:
                    await answer.read()

        share = alerts // IN_FLIGHT
        await asyncio.gather(*(lane(each, share) for each in range(ENDPOINTS) for _ in range(IN_FLIGHT)))


if __name__ == "__main__":
    sys.exit(print(measure()))
