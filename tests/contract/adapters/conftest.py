"""What the suite hands to each of its tests: certificates, names, and one adapter after the other."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import trustme

from adapters.allowance import Allowance
from adapters.base import Outcome, Parcel
from adapters.means import Means
from adapters.outgoing import Outgoing
from tests.contract.adapters.counterparts import SECRET, Counterpart, Entry
from tests.contract.adapters.entries import ENTRIES

LOOPBACK = Allowance.of([], ["127.0.0.0/8"])
HOSTS = ("127.0.0.1", "localhost", "receiver.example", "mixed.example", "moves.example")


PATIENCE_S = 20.0


async def until(condition: Callable[[], bool]) -> None:
    """For what the other end of a connection sees a moment later."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Certificates:
    """An authority of our own, in a file, and a server's certificate by it."""

    authority: Path
    server: ssl.SSLContext


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once: keys take a while."""
    authority, path = trustme.CA(), tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(server)
    return Certificates(path, server)


@dataclass
class Names:
    """A name service of our own: what each name resolves to, and how often it was asked."""

    answers: dict[str, list[list[str]]]
    """The lists are answers in turn; the last stands for good."""
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
        turns = self.answers.get(host)
        if turns is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        self.asked.append(host)
        found = turns.pop(0) if len(turns) > 1 else turns[0]
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, address) for address in found]


@pytest.fixture
def names() -> Names:
    """One good, one with a forbidden address, one that changes its mind."""
    return Names(
        {
            "receiver.example": [["127.0.0.1"]],
            "mixed.example": [["127.0.0.1", "10.0.0.1"]],
            "moves.example": [["127.0.0.1"], ["169.254.169.254"]],
        }
    )


@pytest.fixture
async def outgoing(certificates: Certificates, names: Names) -> AsyncIterator[Outgoing]:
    """Trusts our authority, asks our names."""
    async with Outgoing(certificates.authority, names) as opened:
        yield opened


@dataclass
class Delivering:
    """An adapter at work on one counterpart."""

    entry: Entry
    counterpart: Counterpart
    means: Means

    def parcel(self, host: str = "127.0.0.1", **changes: object) -> Parcel:
        parcel = Parcel(
            subscription="sub_1",
            delivery="dlv_5wVp0",
            position=1,
            alert="vn.mae.dyke/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d",
            text='{"statement":"lũ khẩn cấp"}'.encode(),
            media_type="application/vnd.interagency.alert+json",
            settings=self.entry.transport.settings.model_validate(self.counterpart.settings(host)).model_dump(),
            attempt=1,
            timestamp=1_795_309_200,
        )
        return replace(parcel, **changes)  # type: ignore[arg-type]  # whichever members a test changes

    async def __call__(self, parcel: Parcel | None = None, means: Means | None = None) -> Outcome:
        assert self.entry.transport.push is not None
        outcome = await self.entry.transport.push(means or self.means).deliver(parcel or self.parcel())
        assert SECRET not in repr(outcome)
        return outcome


@pytest.fixture(params=ENTRIES, ids=lambda entry: entry.name)
def entry(request: pytest.FixtureRequest) -> Entry:
    """Each in turn."""
    entry: Entry = request.param
    return entry


@pytest.fixture
async def deliver(entry: Entry, certificates: Certificates, outgoing: Outgoing) -> AsyncIterator[Delivering]:
    """The entry's adapter, its counterpart listening."""
    async with entry.counterpart(certificates.server) as counterpart:
        yield Delivering(entry, counterpart, Means(outgoing, LOOPBACK, lambda data: bytes(64)))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, and at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
