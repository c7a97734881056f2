"""The one place that reads settings: the command line first, then `BROKER_…` and `REDIS_URL` of the environment."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may bring, in bytes unless said otherwise (protocol §4); what one agency may hold."""

    statement: int = 16_384
    statement_header: int = 7_000
    part: int = 1_048_576
    envelope: int = 4_194_304
    lines: int = 1_000
    batch: int = 8_388_608
    headers: int = 32_768
    body: int = 65_536
    """Of every other request."""
    subscriptions: int = 1_000
    """That one agency may have."""
    streams: int = 8
    """Of one subscription at once, in each process."""
    refusals_per_s: float = 100
    """By one address, of what nobody vouches for or was said before; 0 is no limit, as of the next two."""
    posts_per_s: float = 500
    """By one agency, of what is new."""
    calls_per_s: float = 500
    """By one agency, with tokens."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator decides about one process."""

    data: Path
    directory: Path
    hub_keys: Path | None = None
    """None: `hub-keys` in the data folder, made on first start."""
    directory_trust: str | None = None
    """The word for the first signed version: its digest, or a threshold and registrars' kids. None: may be unsigned."""
    redis_url: str | None = None
    """None: a private server in the data folder."""
    replicas: int | None = None
    """How many replicas must have a write before it counts; None: 1 on a cluster or Sentinel, else 0."""
    host: str = "127.0.0.1"
    port: int = 8080
    issuer: str | None = None
    """The hub's URL as others see it. None: made of scheme, host and port."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    outgoing_ca: Path | None = None
    """More certificates that webhook endpoints may show (PEM)."""
    partitions: int = 4
    drain_s: float = 10.0
    limits: Limits = field(default_factory=Limits)

    def origin(self) -> str:
        """The hub's URL: what was set, or where it listens."""
        scheme = "https" if self.tls_cert else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.issuer or f"{scheme}://{host}:{self.port}").rstrip("/")
