"""Outgoing calls that go only where they may: resolve, check, connect to the checked address.

No redirects, no proxies of the environment, no cookies, a bounded answer. Private, local and special addresses are
refused unless the directory opened them for that agency, whatever name or notation leads there.
"""

import ipaddress
import socket
import ssl
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CONNECT_S = 5.0
PER_HOST = 64
SESSIONS = 1024
"""Distinct allowances kept open at once; the one used longest ago is closed for a new one."""

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")


class Forbidden(OSError):  # noqa: N818 - what it is, as the log says it
    """The address is none that this endpoint may lie at."""


def carried(address: Address) -> Address:
    """The IPv4 address inside mapped, compatible, 6to4, Teredo and NAT64 forms, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64) or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def may_connect(text: str, networks: Sequence[Network]) -> bool:
    """Whether a connection to this address is allowed: it is global, or within a network that was opened."""
    try:
        address = carried(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if any(address in network for network in networks if network.version == address.version):
        return True
    site_local = isinstance(address, ipaddress.IPv6Address) and address in _SITE_LOCAL
    return address.is_global and not address.is_multicast and not site_local  # Python calls site-local global


class _Resolver(AbstractResolver):
    """Refuses a name when any of its addresses is forbidden: one bad answer taints the rest."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._inner = ThreadedResolver()
        self._networks = networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not all(may_connect(each["host"], self._networks) for each in found):
            raise Forbidden(f"{host} resolves to an address that is not allowed")
        return found

    async def close(self) -> None:
        await self._inner.close()


class Outgoing:
    """The process's outgoing sessions, one for each set of networks that an agency's endpoints may lie in."""

    def __init__(self, authorities: Path | None = None) -> None:
        """`authorities`: more certificates that endpoints may show (PEM)."""
        self._tls = ssl.create_default_context()
        if authorities is not None:
            self._tls.load_verify_locations(authorities)
        self._sessions: OrderedDict[tuple[Network, ...], aiohttp.ClientSession] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def session(self, networks: Sequence[str]) -> aiohttp.ClientSession:
        """A session that connects to global addresses and to these networks (CIDR), and to nothing else."""
        opened = tuple(ipaddress.ip_network(each) for each in networks)
        session = self._sessions.pop(opened, None) or self._open(opened)
        self._sessions[opened] = session
        if len(self._sessions) > SESSIONS:
            _, oldest = self._sessions.popitem(last=False)
            await oldest.close()
        return session

    def _open(self, networks: Sequence[Network]) -> aiohttp.ClientSession:
        def guarded(info: aiohttp.connector.AddrInfoType) -> socket.socket:
            """Sees the address that is really connected to, for names and literals alike."""
            family, kind, protocol, _, where = info
            if not may_connect(str(where[0]), networks):
                raise Forbidden(f"{where[0]} is not allowed")
            return socket.socket(family, kind, protocol)

        connector = aiohttp.TCPConnector(
            resolver=_Resolver(networks),
            socket_factory=guarded,
            ssl=self._tls,
            limit=0,
            limit_per_host=PER_HOST,
            ttl_dns_cache=30,
        )
        return aiohttp.ClientSession(
            connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )


def networks_for(url: str, origins: frozenset[str], networks: Sequence[str]) -> list[str]:
    """What the directory opened for this endpoint: its agency's private networks, and the address of a listed origin.

    Listing an origin with a literal address is the directory's word that this address is meant.
    """
    parts = urlsplit(url)
    opened = list(networks)
    if f"{parts.scheme}://{parts.netloc}" in origins:
        opened += _literal(parts.hostname or "")
    return opened


def _literal(host: str) -> list[str]:
    try:
        return [str(ipaddress.ip_network(host))]
    except ValueError:
        return ["127.0.0.0/8", "::1/128"] if host == "localhost" else []


def reason(error: BaseException) -> str:
    """Why a call failed, in words without addresses' secrets: the first cause, shortened."""
    inner: Any = error
    while inner.__cause__ is not None:
        inner = inner.__cause__
    text = str(inner) or type(inner).__name__
    return text[:200]
