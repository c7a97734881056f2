"""What the directory opened for one agency's endpoints, beyond TLS to global addresses."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Self

from yarl import URL

from adapters.addresses import Network

Origin = tuple[str, str | None, int | None]
"""Scheme, host in lower case, and the port, also where it is the scheme's own."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Nothing by default. `origins` may be reached over plain http, `networks` although they are private."""

    origins: frozenset[Origin] = frozenset()
    networks: frozenset[Network] = frozenset()

    @classmethod
    def of(cls, http_endpoints: Iterable[str], private_networks: Iterable[str]) -> Self:
        """As a directory entry has them: origins, and networks in CIDR notation. ValueError where they are none."""
        origins = frozenset(_origin(URL(origin)) for origin in http_endpoints)
        return cls(origins, frozenset(ip_network(network) for network in private_networks))

    def lists(self, url: URL) -> bool:
        """Whether the directory names this very origin: scheme, host and port."""
        return _origin(url) in self.origins

    def opened(self, url: URL) -> frozenset[Network]:
        """Where a call to `url` may go. An origin listed by its address means that address; a name does not open
        whatever it may resolve to, but for `localhost`.
        """
        return self.networks | _meant(url.host or "") if self.lists(url) else self.networks


def _origin(url: URL) -> Origin:
    return url.scheme, url.host, url.port


def _meant(host: str) -> frozenset[Network]:
    if host == "localhost":
        return frozenset({ip_network("127.0.0.0/8"), ip_network("::1/128")})
    try:
        return frozenset({ip_network(host)})
    except ValueError:
        return frozenset()
