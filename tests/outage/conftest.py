"""A hub, its store and an endpoint that a test may break; small disks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.store.conftest import alert
from tests.crash import disk
from tests.integration.agencies import HEALTH, World
from tests.integration.asking import Caller, sign_in
from tests.integration.processes import Engine, Hub, engine, until
from tests.integration.receivers import Receiver, receiving

__all__ = ["alert"]


@dataclass(frozen=True)
class Partner:
    """The ministry of health, with a webhook."""

    receiver: Receiver
    world: World

    def subscribe(self, hub: Hub) -> str:
        """The id of its subscription."""
        settings = {"url": self.receiver.origin + "/in", "timeout_s": 5}
        return self.caller(hub).subscribe(adapter="webhook", settings=settings)

    def caller(self, hub: Hub) -> Caller:
        return sign_in(hub, self.world, HEALTH)

    def waiting(self, hub: Hub, subscription: str) -> int:
        """How many are owed to it."""
        told = self.caller(hub).call("GET", f"/v1/subscriptions/{subscription}").json()
        return int(told["health"]["waiting"])

    def set(self, hub: Hub, subscription: str, state: str) -> None:
        """Pauses it, or sets it active, as soon as the hub can."""
        until(lambda: self._asked(hub, subscription, state))

    def _asked(self, hub: Hub, subscription: str, state: str) -> bool:
        answer = hub.http.get("/readyz")
        if answer.status_code == 503 and "does not answer" in answer.text:
            return False
        return self.caller(hub).call("PATCH", f"/v1/subscriptions/{subscription}", {"state": state}).status_code == 200


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Takes whatever comes."""
    with receiving() as one:
        yield one


@pytest.fixture
def partner(tmp_path: Path, receiver: Receiver) -> Partner:
    """In a world of its own."""
    return Partner(receiver, World.make(tmp_path, http_endpoints=[receiver.origin]))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """A server that the test may stop."""
    with engine(tmp_path / "engine") as one:
        yield one


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """160 MiB of memory as a disk, where the hub keeps its data."""
    try:
        with disk.small_disk(tmp_path / "data", 160) as place:
            yield place
    except disk.NoDiskError as why:
        pytest.skip(f"needs to mount a tmpfs: run as root, or in a container that may ({why})")
