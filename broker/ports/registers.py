"""Who asks, by which credentials; and what must be provable later."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from broker.ledger.receipts import Entry
from broker.ports.alert_log import LogEntry
from schemas.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Held:
    """A subscription with its owner and its webhook secret (`whsec_…`), if it has one."""

    agency: str
    subscription: Subscription
    secret: str | None = field(default=None, repr=False)
    begins: tuple[str, ...] = ()
    """Of each partition the position that it begins after; empty: it hears of everything that is not routed yet."""

    def hears_of(self, entry: LogEntry) -> bool:
        """Whether the alert was accepted after the subscription was."""
        return not self.begins or entry.follows(self.begins[entry.partition])


@dataclass(frozen=True, slots=True)
class Change:
    """Who did what to a subscription or a token of an agency, and when: names of members, never what stands in them."""

    at: str
    by: str
    """`<agency>#<client>`, `operator:<login>`, or `hub`."""
    what: Literal["created", "changed", "deleted", "token issued", "token revoked"]
    subscription: str
    members: tuple[str, ...] = ()
    """Which were changed."""
    token: str | None = None
    """The name of the token."""


class Subscriptions(Protocol):
    """Who wants what. `revision` grows with each change, before the change is answered.

    A `Change` that is handed in stands in the agency's history exactly if what it tells of was done.
    """

    async def create(
        self,
        agency: str,
        subscription: Subscription,
        secret: str | None,
        begins: tuple[str, ...] = (),
        *,
        most: int = 1_000,
        change: Change | None = None,
    ) -> bool:
        """False, and nothing is kept, where the agency has `most` already."""
        ...

    async def get(self, subscription: str) -> "Held | None": ...

    async def all(self) -> Sequence["Held"]: ...

    async def of(self, agency: str) -> Sequence["Held"]:
        """The agency's own, at the cost of these alone, however many the others have."""
        ...

    async def replace(self, held: "Held", before: "Held", change: Change | None = None) -> bool:
        """Keeps `held`, made from `before`; False, and nothing is kept, where another stands there: read it again."""
        ...

    async def delete(self, subscription: str, change: Change | None = None) -> None: ...

    async def note(self, agency: str, change: Change) -> None:
        """Adds to the history what is done elsewhere."""
        ...

    async def history(self, agency: str) -> Sequence[Change]:
        """The agency's own, oldest first; it outlives what it tells of. About the last 100,000 are kept."""
        ...

    async def revision(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A named API token (protocol §6): read-only, one subscription, kept as `hash` (sha256 of the token) alone."""

    hash: str
    name: str
    agency: str
    subscription: str
    expires: float


class Credentials(Protocol):
    """What must be used once, and the API tokens."""

    async def first_use(self, kind: str, value: str, seconds: float) -> bool:
        """True the first time within `seconds` that this value is seen (a `jti`, protocol §6)."""
        ...

    async def add_token(self, token: ApiToken) -> None: ...

    async def token(self, hash_: str) -> ApiToken | None: ...

    async def tokens(self, agency: str) -> Sequence[ApiToken]: ...

    async def revoke_token(self, hash_: str) -> None: ...


class Ledger(Protocol):
    """What must be provable later besides the accepted alerts (those stand in the log with their entries)."""

    async def add(self, entry: Entry) -> None:
        """Once: what was said before (`Entry.said`) is not added again, whenever and with whatever salt it comes."""
        ...

    def entries(self) -> AsyncIterator[Entry]: ...
