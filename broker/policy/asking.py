"""Who asks for an alert, by which way, and what is known beside the alert itself."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from broker.label import Label
from broker.policy.ways import Way
from broker.trust.directory import Snapshot
from schemas.terms import Purpose, Status

PUBLIC = "@public"
"""Asks for feeds without sign-in; it is no agency."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One who would have it. `delivering` is false for reads and replays, which also give what has ended, marked."""

    agency: str
    subscription: str | None
    statuses: Collection[Status]
    purposes: Collection[Purpose]
    way: Way
    delivering: bool
    hub: str | None = None
    """To which hub, where the way is one."""

    @property
    def is_public(self) -> bool:
        """Whether everybody asks, and nobody in particular."""
        return self.agency == PUBLIC


@dataclass(frozen=True, slots=True)
class Source:
    """An alert that another derives from, as it is known here."""

    label: Label
    consents: frozenset[str]
    d0: Snapshot | None


@dataclass(frozen=True, slots=True)
class Situation:
    """What became of the alert, and what stands around it."""

    recalled: bool = False
    suspended: bool = False
    compromised: bool = False
    """Signed when others may have had the key, as the directory of now knows (docs/adr/0013)."""
    awaiting: bool = False
    """A second officer has not approved it."""
    cancelled: bool = False
    superseded: bool = False
    """By one that was released to who asks."""
    consents: frozenset[str] = frozenset()
    """Agencies that the issuer's answers to `onward` requests name."""
    direct_to: frozenset[str] = frozenset()
    """Whom a direct kind goes to."""
    derived: Mapping[str, Source | None] = field(default_factory=dict)
    """What it derives from; None, or missing, for what is not known here."""
