"""What the routes need, handed in by wiring."""

from dataclasses import dataclass

from broker import parcel
from broker.accept import Accepting
from broker.clock import Clock
from broker.giving import Giving
from broker.metrics import Metrics
from broker.notices import HubVoice
from broker.pace import Paces
from broker.ports.store import Store
from broker.reading import Reading
from broker.settings import Limits
from broker.trust.directory import Directory
from broker.trust.hubkeys import HubKeys


@dataclass(frozen=True, slots=True)
class Services:
    """One running hub, as its routes see it."""

    issuer: str
    """The hub's own URL: the audience of assertions, the origin that DPoP proofs name."""
    hub: parcel.Hub
    store: Store
    directory: Directory
    keys: HubKeys
    accepting: Accepting
    reading: Reading
    giving: Giving
    voice: HubVoice
    clock: Clock
    limits: Limits
    metrics: Metrics
    paces: Paces
    adapters: frozenset[str]
    """Names of the adapters that a subscription may choose."""
