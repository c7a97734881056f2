"""The engines on which every promise of the ports is tried, and alerts to try it with."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis import Redis

from broker.label import Label
from broker.ports.alert_log import StoredAlert
from broker.ports.outbox import Attempt, Opened
from broker.ports.store import Store
from broker.store.in_memory import MemoryStore
from broker.store.in_redis import RedisStore
from broker.store.server import PrivateServer, program
from schemas.envelope import SaltedPart
from schemas.handling import Addressing, Handling
from schemas.terms import Kind, Onward, PersonalData, Purpose, Severity, Status, Tlp

SERVERS = [
    pytest.param("valkey", id="valkey"),
    pytest.param("redis_7", id="redis_7", marks=pytest.mark.needs_redis_server),
]
ENGINES = [pytest.param("memory", id="memory"), *SERVERS]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The embedded server."""
    async with PrivateServer(tmp_path_factory.mktemp("valkey") / "store") as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis_7(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Debian's server."""
    async with PrivateServer(tmp_path_factory.mktemp("redis") / "store", _binary("redis_7")) as url:
        yield url


@pytest.fixture(params=SERVERS)
def address(request: pytest.FixtureRequest) -> str:
    """Of an empty server."""
    return _emptied(request.getfixturevalue(request.param))


@pytest.fixture
def inside(address: str) -> Iterator[Redis]:
    """A look into that server, past the store."""
    with Redis.from_url(address, decode_responses=True) as client:
        yield client


@pytest.fixture(params=SERVERS)
def binary(request: pytest.FixtureRequest) -> Path:
    """For tests that start and kill servers of their own."""
    return _binary(request.param)


@pytest.fixture(params=ENGINES)
def new_store(request: pytest.FixtureRequest) -> Callable[[], Store]:
    """Makes a store, not yet opened; those in Redis share one empty server."""
    if request.param == "memory":
        return MemoryStore
    url = _emptied(request.getfixturevalue(request.param))
    return lambda: RedisStore(url)


@pytest_asyncio.fixture
async def store(new_store: Callable[[], Store]) -> AsyncIterator[Store]:
    """An open store, empty."""
    store = new_store()
    await store.open()
    yield store
    await store.close()


def _binary(engine: str) -> Path:
    return program() if engine == "valkey" else Path(shutil.which("redis-server") or "redis-server")


def _emptied(url: str) -> str:
    with Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture
def alert() -> Callable[..., StoredAlert]:
    """Makes an alert of an issuer; each with an id of its own unless one is given."""
    return _alert


def _alert(iss: str = "vn.mae", id_: str | None = None, **label: object) -> StoredAlert:
    id_ = id_ or f"{iss}/{uuid.uuid4()}"
    values: dict[str, object] = {
        "id": id_,
        "digest": "sha256:" + "0" * 64,
        "iss": iss,
        "issuer": iss,
        "kid": "kid",
        "kind": Kind.ALERT,
        "status": Status.ACTUAL,
        "domain": "disaster.flood",
        "severity": Severity.EXTREME,
        "handling": Handling(
            tlp=Tlp.GREEN, onward=Onward.NONE, purpose=(Purpose.PREVENTION,), personal_data=PersonalData.NONE
        ),
        "addressing": Addressing(to=("th.police",), release_to=("vn.*",)),
        "iat": 1795309200,
        "accepted_at": "2026-11-22T01:00:00.000Z",
        "directory": "sha256:" + "1" * 64,
    }
    part = SaltedPart(salt="A" * 43, data="bMWpIGzhu6V0")
    return StoredAlert(Label.model_validate({**values, **label}), "header.payload.signature", {"main": part})


@pytest.fixture
def opened() -> Callable[..., Opened]:
    """Makes what `Outbox.open` takes."""
    return _opened


def _opened(position: int, alert: str = "vn.mae/1", **more: object) -> Opened:
    values: dict[str, object] = {
        "position": position,
        "alert": alert,
        "delivery": f"delivery-{position}",
        "released": None,
        "marked": (),
        "conditions": (),
        "previous": f"sha256:{position - 1}" if position > 1 else None,
        "digest": f"sha256:{position}",
        "opened_at": "2026-11-22T01:00:00.000Z",
    }
    return Opened(**{**values, **more})  # type: ignore[arg-type] # the defaults above have the types


@pytest.fixture
def attempt() -> Callable[..., Attempt]:
    """Makes the record of one try."""
    return _attempt


def _attempt(position: int, outcome: str = "unreachable") -> Attempt:
    return Attempt(
        f"delivery-{position}", "vn.mae/1", position, "2026-11-22T01:00:01.000Z", outcome, None, 12, "no route", None
    )


@pytest.fixture
def until() -> Callable[[Callable[[], Awaitable[object]]], Awaitable[object]]:
    """Asks again until the answer is true: for what lapses by the store's own clock."""
    return _until


async def _until(ask: Callable[[], Awaitable[object]]) -> object:
    async with asyncio.timeout(10):
        while not (answer := await ask()):
            await asyncio.sleep(0.005)
    return answer
