"""`python -m tests.crash --kills 80 [--seed N]`: posts alerts while processes die, then checks what arrived."""

import argparse
import asyncio
import json
import os
import random
import socket
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.client.asynchronous import AsyncClient
from broker.client.connection import Options
from broker.client.problem import ProblemError
from broker.client.retrying import Retries
from broker.client.signing import Signed
from broker.trust.keys import load_jwk
from tests.crash.checker import broken, in_order
from tests.crash.processes import ROLES, Processes
from tests.crash.receiver import Receiver
from tests.e2e import world

POSTERS = 4
DRAIN_S = 90.0
PATIENT = Options(retries=Retries(most=400, first_s=0.05, longest_s=0.5), timeout_s=10)


@dataclass
class Run:
    """One run: a world, its processes, and what was acknowledged."""

    kills: int
    seed: int
    folder: Path
    lanes: list[list[str]] = field(default_factory=lambda: [[] for _ in range(POSTERS)])
    """What each poster had acknowledged, one after the other."""
    repeats: int = 0
    killed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ROLES, 0))

    @property
    def acknowledged(self) -> list[str]:
        return [alert for lane in self.lanes for alert in lane]

    async def run(self) -> list[str]:
        """The invariants that did not hold."""
        receiver, hub_port = Receiver(_free_port()), _free_port()
        world.write(self.folder, f"http://127.0.0.1:{receiver.port}", datetime.now(UTC))
        secrets = json.loads((self.folder / "keys.json").read_text())
        processes = Processes(self.folder, hub_port, self.folder / "directory", self.folder / "hub-keys")
        await receiver.start()
        try:
            processes.start_missing()
            return await self._play(processes, receiver, f"http://127.0.0.1:{hub_port}", secrets)
        finally:
            processes.stop()
            await receiver.stop()

    async def _play(self, processes: Processes, receiver: Receiver, hub: str, secrets: world.Json) -> list[str]:
        dice = random.Random(self.seed)
        reader = _client(hub, "vn.moh", secrets)
        await _until_ready(reader)
        ordered = await self._subscribe(reader, receiver)
        stop = asyncio.Event()
        posting = [asyncio.create_task(self._post(hub, secrets, stop, lane)) for lane in self.lanes]
        await self._kill(processes, dice)
        stop.set()
        keeping = asyncio.create_task(_keep_alive(processes))
        await asyncio.gather(*posting)
        await self._drain(receiver)
        keeping.cancel()
        await reader.close()
        found = broken(self.acknowledged, receiver.arrived)
        if not all(in_order(lane, receiver.arrived[ordered]) for lane in self.lanes):
            found.append(f"{ordered}: an issuer's alerts arrived in another order than they were acknowledged in")
        self.repeats = sum(len(each) - len({one.alert for one in each}) for each in receiver.arrived.values())
        return found

    async def _subscribe(self, reader: AsyncClient, receiver: Receiver) -> str:
        """Three subscriptions; the id of the one that asked for the issuer's order."""
        ids = []
        for number, order in enumerate(("none", "none", "issuer")):
            settings = {"url": f"http://127.0.0.1:{receiver.port}/{number}", "timeout_s": 5}
            new = {"adapter": "webhook", "purpose": ["prevention"], "order": order, "settings": settings}
            ids.append((await reader.subscribe(new)).id)
            receiver.arrived[ids[-1]] = []
        return ids[-1]

    async def _post(self, hub: str, secrets: world.Json, stop: asyncio.Event, lane: list[str]) -> None:
        """Posts one alert after another, each until it is acknowledged: the same bytes again and again."""
        async with _client(hub, "vn.mae.dyke", secrets) as poster:
            while not stop.is_set():
                signed = await _signed(poster)
                await poster.post(signed)
                lane.append(signed.id)
                await asyncio.sleep(0.005)

    async def _kill(self, processes: Processes, dice: random.Random) -> None:
        for _ in range(self.kills):
            await asyncio.sleep(dice.uniform(0.05, 1.2))
            role = dice.choice(ROLES)
            processes.kill(role)
            self.killed[role] += 1
            await asyncio.sleep(dice.uniform(0.0, 0.4))
            processes.start_missing()

    async def _drain(self, receiver: Receiver) -> None:
        """Waits until everything acknowledged has arrived everywhere, or for as long as that may take."""
        until = time.monotonic() + DRAIN_S
        posted = set(self.acknowledged)
        while time.monotonic() < until:
            if all(posted <= {each.alert for each in arrivals} for arrivals in receiver.arrived.values()):
                return
            await asyncio.sleep(0.2)


def _client(hub: str, agency: str, secrets: world.Json) -> AsyncClient:
    keys = secrets["agencies"][agency]
    return AsyncClient(hub, agency, load_jwk(keys["statement"]), load_jwk(keys["auth"]), options=PATIENT)


async def _until_ready(client: AsyncClient) -> None:
    await client.discover()
    await client.token()


async def _signed(poster: AsyncClient) -> Signed:
    expires = (datetime.now(UTC) + timedelta(hours=6)).isoformat(timespec="seconds")
    event = {
        "kind": "alert",
        "product": "warning",
        "status": "actual",
        "domain": "disaster.flood",
        "urgency": "immediate",
        "severity": "severe",
        "certainty": "observed",
        "expires": expires,
        "areas": [{"iso": "VN-13"}],
        "headline": {"vi": "Lũ trên sông Hồng vượt báo động 3"},
        "handling": {"tlp": "green", "onward": "none", "purpose": ["prevention"], "personal_data": "none"},
        "addressing": {"to": ["vn.moh"]},
    }
    return await poster.sign(event)


async def _keep_alive(processes: Processes) -> None:
    while True:
        processes.start_missing()
        await asyncio.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Prints the seed first, and a summary as JSON last; exit 1 when an invariant is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=80)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--keep", type=Path, help="a folder for logs and data, kept")
    options = parser.parse_args()
    print(f"seed {options.seed}: {options.kills} kills", flush=True)
    with tempfile.TemporaryDirectory(prefix="crash-") as made:
        run = Run(options.kills, options.seed, options.keep or Path(made))
        run.folder.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        try:
            found = asyncio.run(run.run())
        except ProblemError as why:
            found = [f"a client gave up: {why}"]
    summary = {
        "seed": options.seed,
        "kills": run.killed,
        "acknowledged": len(run.acknowledged),
        "repeats": run.repeats,
        "seconds": round(time.monotonic() - started, 1),
        "broken": found,
    }
    print(json.dumps(summary))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
