"""`REDIS_URL`: its scheme alone decides whether there is one server, a cluster, or a primary that sentinels name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from redis.connection import parse_url

Kind = Literal["one", "cluster", "sentinel"]
Place = tuple[str, int]
"""Host and port."""

PORTS: Final[Mapping[str, int]] = {"cluster": 6379, "sentinel": 26379}
SENTINEL_WORDS: Final = ("sentinel_username", "sentinel_password")
FORMS: Final = (
    "redis://host:6379/0, rediss:// for TLS, unix:///path, redis+cluster://host:port,host:port"
    " or redis+sentinel://host:port,host:port/name-of-the-primary"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the store is. `seeds` are nodes of the cluster, or sentinels, of which any one is enough."""

    kind: Kind
    url: str
    """As it was given: it may hold a password."""
    seeds: tuple[Place, ...] = ()
    primary: str = ""
    """The name by which sentinels know it."""

    @property
    def several(self) -> bool:
        """Whether another server may take over, which then must have what was acknowledged."""
        return self.kind != "one"

    def node(self, place: Place) -> str:
        """The URL of one server of it."""
        if self.kind == "one":
            return self.url
        parts = urlsplit(self.url)
        query = urlencode([pair for pair in parse_qsl(parts.query) if pair[0] not in SENTINEL_WORDS])
        credentials, at, _ = parts.netloc.rpartition("@")
        return f"{parts.scheme.partition('+')[0]}://{credentials}{at}{_host(place)}" + (f"?{query}" if query else "")

    def sentinel(self, place: Place) -> str:
        """The URL of one sentinel: credentials of its own, the same kind of transport."""
        parts = urlsplit(self.url)
        pairs = parse_qsl(parts.query)
        own = [
            ("username" if name == SENTINEL_WORDS[0] else "password", value)
            for name, value in pairs
            if name in SENTINEL_WORDS
        ]
        query = urlencode([*own, *(pair for pair in pairs if pair[0] not in SENTINEL_WORDS)])
        return f"{parts.scheme.partition('+')[0]}://{_host(place)}" + (f"?{query}" if query else "")


def address_of(url: str) -> Address:
    """`ValueError` for what is no such URL; its message repeats nothing of it."""
    parts = urlsplit(url)
    transport, _, kind = parts.scheme.partition("+")
    if not kind:
        parse_url(url)  # type: ignore[no-untyped-call] # redis-py types only parts of itself
        return Address("one", url)
    name = unquote(parts.path.strip("/"))
    if transport not in {"redis", "rediss"} or kind not in PORTS or (kind == "sentinel") is not bool(name):
        raise ValueError(f"no URL of a Redis: {FORMS}")
    listed = parts.netloc.rpartition("@")[2]
    seeds = tuple(_place(each, PORTS[kind]) for each in listed.split(","))
    return Address("cluster" if kind == "cluster" else "sentinel", url, seeds, name)


def _place(text: str, port: int) -> Place:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(f"no URL of a Redis: {FORMS}")
    return parts.hostname, parts.port or port


def _host(place: Place) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
