"""Outgoing calls that go only where they may: resolve, check, connect to the checked address.

No redirects, no proxies of the environment, no cookies, a bounded answer. The directory's allowance for an agency
holds for its connections too: they are never shared with those of another.
"""

import asyncio
import io
import socket
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from adapters.addresses import Network, may_connect
from adapters.allowance import Allowance
from adapters.base import Outcome
from adapters.outcomes import Forbidden, answered, unreachable

ANSWER_BYTES = 65_536
ANSWER_S = 1.0
"""How much of an answer's body is read, and for how long: only so that its connection can be used again."""
CONNECT_S = 5.0
NAMES_AT_ONCE = 32
"""Threads that ask for names, apart from the process's others: a dead name server holds each for many seconds."""
NAMES_KEPT_S = 30
IN_ONE_WRITE = 1 << 20
"""Larger bodies are written in steps, so that other calls go on in between."""

Lookup = Callable[[str, int], list[tuple[socket.AddressFamily, str]]]
"""All addresses of a name. Blocks; raises `socket.gaierror`."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, to be tried once within `seconds`. `at` is now, since the epoch."""

    method: str
    url: URL
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    seconds: float
    at: float


def system_lookup(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    """As the machine resolves names."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [(family, str(where[0])) for family, _, _, _, where in found]


class Outgoing:
    """The process's outgoing calls: one set of connections for each set of networks that calls may go to."""

    def __init__(self, authorities: Path | None = None, lookup: Lookup = system_lookup) -> None:
        """`authorities`: certificates (PEM) that endpoints may show beside those that the machine trusts."""
        self._tls = ssl.create_default_context()
        if authorities is not None:
            self._tls.load_verify_locations(authorities)
        self._lookup = lookup
        self._names = ThreadPoolExecutor(NAMES_AT_ONCE, "names")
        self._sessions: dict[frozenset[Network], aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as closing:
            for session in self._sessions.values():
                closing.push_async_callback(session.close)
        self._names.shutdown(wait=False, cancel_futures=True)

    async def send(self, call: Call, allowance: Allowance) -> Outcome:
        """Tries once. Raises nothing but cancellation; only the answer's status and Retry-After are believed."""
        started = perf_counter()
        try:
            async with asyncio.timeout(call.seconds):
                answer = await self._answer(call, allowance)
        except Exception as error:  # whatever it is, the attempt tells it
            return unreachable(error, _ms(started))
        taken = _ms(started)
        await _let_go(answer)
        return answered(answer.status, answer.headers, call.at + taken / 1000, taken)

    async def _answer(self, call: Call, allowance: Allowance) -> aiohttp.ClientResponse:
        if call.url.scheme != "https" and not allowance.lists(call.url):
            raise Forbidden(f"{call.url.host} may not be reached without TLS")
        return await self._session(allowance.opened(call.url)).request(
            call.method,
            call.url,
            data=call.body if len(call.body) <= IN_ONE_WRITE else io.BytesIO(call.body),
            headers=call.headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        )

    def _session(self, opened: frozenset[Network]) -> aiohttp.ClientSession:
        """Kept while the process runs: there are as many as the directory has named sets of networks."""
        if opened not in self._sessions:
            self._sessions[opened] = self._open(opened)
        return self._sessions[opened]

    def _open(self, opened: frozenset[Network]) -> aiohttp.ClientSession:
        def guarded(info: aiohttp.connector.AddrInfoType) -> socket.socket:
            """Sees the address that is really connected to; a resolver never sees one that stands in the URL."""
            family, kind, protocol, _, where = info
            if not may_connect(str(where[0]), opened):
                raise Forbidden(f"{where[0]} is not an address that may be called")
            return socket.socket(family, kind, protocol)

        connector = aiohttp.TCPConnector(
            resolver=_Resolver(opened, self._lookup, self._names),
            socket_factory=guarded,
            ssl=self._tls,
            limit=0,  # each subscription's `max_in_flight` is the bound: one shared here would let the slow stop others
            ttl_dns_cache=NAMES_KEPT_S,
        )
        return aiohttp.ClientSession(
            connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )


class _Resolver(AbstractResolver):
    """Refuses a name when any of its addresses is forbidden: one bad answer taints the rest."""

    def __init__(self, opened: frozenset[Network], lookup: Lookup, threads: ThreadPoolExecutor) -> None:
        self._opened = opened
        self._lookup = lookup
        self._threads = threads

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(self._threads, self._lookup, host, port)
        if not all(may_connect(address, self._opened) for _, address in found):
            raise Forbidden(f"{host} has an address that may not be called")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=version, proto=0, flags=socket.AI_NUMERICHOST)
            for version, address in found
        ]

    async def close(self) -> None:
        """Nothing: the threads are the process's."""


async def _let_go(answer: aiohttp.ClientResponse) -> None:
    """Reads on for a moment; closes the connection of an answer that is longer or slower than that."""
    try:
        async with asyncio.timeout(ANSWER_S):
            read = 0
            while read <= ANSWER_BYTES and (chunk := await answer.content.readany()):
                read += len(chunk)
    except (aiohttp.ClientError, OSError):
        pass  # its status was already told
    finally:
        answer.release()


def _ms(started: float) -> int:
    return round((perf_counter() - started) * 1000)
