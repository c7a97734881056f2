"""What a run leaves behind, as values: what was posted, what arrived, and everything that the store keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from broker.ports.outbox import Attempt, Opened
from tests.crash.posting import Posted
from tests.crash.receiver import Arrival
from tests.crash.world import Wish


@dataclass
class Outboxed:
    """One subscription's outbox after the run."""

    opened: Sequence[Opened] = ()
    attempts: Sequence[Attempt] = ()
    dead: Sequence[Attempt] = ()
    pending: Mapping[str, int] = field(default_factory=dict)
    """How many entries stand in each key that must be empty."""


@dataclass
class Evidence:
    """Everything that the checker looks at."""

    posted: Sequence[Posted] = ()
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    """What was subscribed to, by the subscription's id."""
    arrived: Mapping[str, Sequence[Arrival]] = field(default_factory=dict)
    """By subscription, in their order."""
    log: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """Alerts by partition, in the order of the log."""
    records: Mapping[str, bool] = field(default_factory=dict)
    """Of each stored record whether the hub itself said it."""
    ends: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Alert to subscription to state, as the dossiers tell."""
    outboxes: Mapping[str, Outboxed] = field(default_factory=dict)
    strays: Sequence[str] = ()
    """Keys of outboxes that no subscription has."""
    cursors: Mapping[int, str] = field(default_factory=dict)
    tails: Mapping[int, str] = field(default_factory=dict)
    parked: Sequence[str] = ()
    taken: Sequence[str] = ()
    """Claims and leases that somebody still holds after all have ended."""
    disruptions: int = 0
    """Kills, stops, cuts and outages: after each, what was in flight may come again."""
    drained: bool = True
    stream_error: str = ""
    exits: Sequence[str] = ()
    """Processes that ended by themselves."""
    audit: Mapping[str, int] = field(default_factory=dict)
    """Deliveries by how they ended, as `broker audit` sums them up."""
    audit_broken: Sequence[str] = ()
