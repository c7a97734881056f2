"""What the stages need from the outside, as small protocols with their promises.

Each is implemented by `store.in_redis` and by its true twin `store.in_memory`, and both pass `tests/contract`.
Times are RFC 3339 text in UTC with milliseconds where they are told to people, seconds since the epoch (float)
where they are compared. Every method may raise `Unavailable`: the store is away and nothing was decided.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from broker.label import Label
from broker.ledger.receipts import Entry
from broker.policy.breaker import Breaker
from broker.trust.directory import DirectoryHistory
from schemas.envelope import SaltedPart
from schemas.subscription import Subscription


class Unavailable(Exception):  # noqa: N818 - a state of the store, told to posters as `busy`
    """The store cannot answer now. Whether a write that was under way took place is unknown: repeat it."""


class Full(Unavailable):
    """There is no room for more of `what`: nothing new is taken in, what was taken in goes on."""

    def __init__(self, what: Literal["disk", "memory"], why: str) -> None:
        super().__init__(why)
        self.what = what


# What is kept of an alert ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An accepted alert, a notice or a test of the hub: everything a later stage needs, as it came.

    `parts` hold the base64url text that was posted; nothing the originator signed is ever re-serialised.
    `receipt` and `entry` are None for notices (protocol §2.1).
    """

    label: Label
    statement: str
    parts: Mapping[str, SaltedPart] = field(default_factory=dict)
    cosignatures: tuple[str, ...] = ()
    receipt: str | None = None
    entry: Entry | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """The alert that stands in the log under that id: the caller's own if `fresh`, else the one of before."""

    alert: StoredAlert
    fresh: bool


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One accepted alert at its place in a partition; positions compare as (ms, sequence) and only grow."""

    partition: int
    position: str
    alert: str

    def follows(self, position: str) -> bool:
        """Whether it stands behind that position of its partition."""
        return _place(self.position) > _place(position)


def _place(position: str) -> tuple[int, int]:
    ms, _, sequence = position.partition("-")
    return int(ms), int(sequence)


@dataclass(frozen=True, slots=True)
class Parked:
    """An accepted alert that could not be routed, and why; `at` is when it was set aside."""

    entry: LogEntry
    why: str
    at: str


class AlertLog(Protocol):
    """The durable record of what was accepted.

    `append` returns only when the alert would survive a power cut, and appends an id at most once, ever;
    entries of one issuer keep their order; a reader that stops anywhere resumes without gap or repeat.
    Concurrent calls of `append` share one write and one fsync. When too many wait, it refuses with `busy`.
    """

    @property
    def partitions(self) -> int: ...

    async def append(self, alert: StoredAlert) -> Appended: ...

    async def keep(self, alert: StoredAlert) -> StoredAlert:
        """Stores what the hub itself says (a notice, a test) without a log entry; the first of an id stays."""
        ...

    async def find(self, alert: str) -> StoredAlert | None: ...

    async def read(self, partition: int, after: str, limit: int) -> Sequence[LogEntry]:
        """What follows `after` ("0-0" is the beginning), oldest first; empty when there is nothing yet."""
        ...

    async def wait(self, after: Mapping[int, str], seconds: float) -> None:
        """Returns when one of the partitions may have something after its position, or the time is over."""
        ...

    async def tails(self) -> Mapping[int, str]:
        """The last position of each partition."""
        ...

    async def cursor(self, partition: int) -> str:
        """Up to where the partition has been routed."""
        ...

    async def routed(self, partition: int, position: str, token: int) -> bool:
        """Moves the cursor forward; False if `token` is not the newest of the lease `partition-<n>`: stop at once."""
        ...

    async def park(self, entry: LogEntry, why: str, at: str) -> None:
        """Sets an alert aside that cannot be routed, so that its partition goes on; kept until `unpark`."""
        ...

    async def parked(self) -> Sequence["Parked"]:
        """What was set aside, oldest first."""
        ...

    async def unpark(self, alert: str) -> None: ...


# Leases ------------------------------------------------------------------------------------------------------------


class Leases(Protocol):
    """One holder at a time for a named thing, until it lapses by the store's clock. Tokens only grow (fencing)."""

    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        """The token; the same holder gets its own again, prolonged. None while another holds it."""
        ...

    async def release(self, name: str, holder: str) -> None: ...

    async def present(self, group: str, member: str, seconds: float) -> int:
        """Says that `member` is there for so long (0: that it leaves). How many are, by the store's clock."""
        ...


# What became of an alert -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """It was sent to the agency in an attempt, a stream, a poll answer or a read ("" for one without subscription)."""

    agency: str
    subscription: str
    at: str


Outcome = Literal["whole", "part", "withheld"]


@dataclass(frozen=True, slots=True)
class Decided:
    """A release decision, as what it was made from: `judge.again` makes it again, with what every rule said.

    `inputs` is the text of a `judgement.Inputs`, `directory` the digest of D1. One that differs from that
    subscription's decision before in nothing but its `at` is not kept again.
    """

    agency: str
    subscription: str
    outcome: Outcome
    inputs: str
    directory: str
    at: str


@dataclass(frozen=True, slots=True)
class Matched:
    """What the router decided about an alert, for all who want it at once: a few bytes for each.

    Those in `owed` are waiting from then on, the others withheld, until an `Ended` says otherwise.
    """

    decided: tuple[Decided, ...]
    owed: frozenset[str]


State = Literal["waiting", "delivered", "withheld", "expired", "superseded", "dead"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How the delivery to a subscription stands, after what was matched. The last one said counts, except that what
    was delivered stays so.
    """

    agency: str
    subscription: str
    state: State
    at: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    agency: str
    ack: str
    outcome: str
    at: str


@dataclass(frozen=True, slots=True)
class Stood:
    """The alert's standing changed by another: `cause` is that alert's id, `by` the agency that issued it.

    `resumed` with the cause of a `suspended` says that this challenge was answered, and ends it; with any other cause
    it is a withdrawal, and ends the challenges that the same agency made before it.
    """

    change: Literal["cancelled", "superseded", "recalled", "suspended", "resumed"]
    cause: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Consented:
    """The issuer answered an `onward` request about the alert: `agencies` may (or may not) have it; the last counts."""

    consent: str
    agencies: tuple[str, ...]
    granted: bool


Fact = Given | Decided | Matched | Ended | Acknowledged | Stood | Consented


@dataclass(frozen=True, slots=True)
class Standing:
    """What release must know of an alert's fate."""

    cancelled_by: tuple[str, ...] = ()
    superseded_by: tuple[str, ...] = ()
    recalled_by: tuple[str, ...] = ()
    suspended: bool = False
    consents: frozenset[str] = frozenset()


class Dossiers(Protocol):
    """What became of each alert: facts, added once however often they are said, never removed."""

    async def note(self, alert: str, *facts: Fact) -> None: ...

    async def standing(self, alert: str) -> Standing: ...

    async def given(self, alert: str) -> Sequence[Given]: ...

    async def was_given(self, alert: str, agency: str) -> bool: ...

    async def decisions(self, alert: str) -> Sequence[Decided]: ...

    async def released_to(self, alert: str, agency: str) -> bool:
        """Whether a decision ever released any of it to the agency, told without reading what others were told."""
        ...

    async def ends(self, alert: str) -> Sequence[Ended]: ...

    async def acknowledgements(self, alert: str) -> Sequence[Acknowledged]: ...


# What is owed ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owed:
    """An alert in a subscription's queue that was not attempted yet. `ref` is its place in its lane."""

    ref: str
    alert: str
    urgent: bool = False
    given: tuple[str, ...] | None = None
    """Parts that were given already: the rest of it waits for a way that may carry more (protocol §5)."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last position given in a subscription, and the sha256 digest of its text (None at 0)."""

    position: int
    digest: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A delivery that has its position: with the stored alert this makes its text again, byte for byte."""

    position: int
    alert: str
    delivery: str
    released: tuple[str, ...] | None
    """None is whole, else the parts that were released."""
    marked: tuple[str, ...]
    conditions: tuple[str, ...]
    previous: str | None
    digest: str
    opened_at: str
    attempts: int = 0
    """Tries since it was opened, or asked for again, that failed; 0 once settled."""
    again: bool = False
    """Asked for again (`Outbox.again`) and not settled since: to be given as a replay is."""
    replaced: bool = False
    """The content changed since: a later position stands for it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, as told by `GET …/attempts`. `outcome`: delivered, refused, unreachable, ended."""

    delivery: str
    alert: str
    position: int
    at: str
    outcome: str
    status: int | None
    duration_ms: int
    error: str | None
    next_at: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A push subscription that this worker alone serves until the claim lapses."""

    subscription: str
    token: int
    signals: int


Follows = Literal["delivered", "retry", "wait", "dead"]


class Outbox(Protocol):
    """What is owed to each subscription: a queue of references, then numbered deliveries until they end.

    Nothing leaves it but by `drop`, or `settle` to delivered or dead. A step that is repeated adds nothing twice.
    """

    # the router's side
    async def put(
        self, subscription: str, partition: int, position: str, alerts: Sequence[str], *, urgent: bool = False
    ) -> bool:
        """Queues the alerts, in order, unless that log position was taken from that partition before.

        `urgent`: in the lane that overtakes whatever waits in the other.
        """
        ...

    async def open_at(self, subscription: str, tails: Mapping[int, str]) -> None:
        """A new subscription begins after these positions."""
        ...

    async def add(self, subscription: str, alert: str, *, urgent: bool = False) -> Owed:
        """Queues what does not come from the log (a notice, a test), once ever; then it gives the same place."""
        ...

    async def signal(self, subscription: str, *, push: bool, owner: bool = False) -> None:
        """Tells who serves the subscription that there may be something: to be said after `put`, and safe to repeat.

        `owner`: it is the owner who asks, and is heard even where the subscription was left alone.
        """
        ...

    # whoever sends
    async def owed(self, subscription: str, limit: int, after: str = "", *, urgent: bool = False) -> Sequence[Owed]:
        """One lane of the queue from its beginning, or from what follows the place `after`."""
        ...

    async def head(self, subscription: str) -> Head: ...

    async def open(
        self, subscription: str, what: Owed | Opened, delivery: Opened, *, rest: bool = False, settled: bool = False
    ) -> bool:
        """Gives `delivery.position` to what was owed, or to an opened one whose content changed (then `replaced`).

        `rest`: more of the alert stays owed than `delivery.released`, and is queued in the same step.
        `settled`: also to one that is delivered, dead or dropped, where a reader asks for it again.
        Durable when it returns. False when the position is not the head's next, or somebody else took it: look again.
        """
        ...

    async def drop(self, subscription: str, what: Owed | Opened) -> None:
        """It ended without being sent (again); why stands in the dossier, noted before."""
        ...

    async def due(self, subscription: str, now: float, limit: int, after: int = 0) -> Sequence[Opened]:
        """Opened, not settled, and to be tried by now; lowest position first (of the 1,024 longest overdue), from
        behind the position `after`. What was asked for again together is overdue by its position.

        `now` infinite: whatever is not settled.
        """
        ...

    async def next_due(self, subscription: str) -> float | None: ...

    async def settle(self, subscription: str, attempt: Attempt, then: Follows, at: float | None = None) -> None:
        """Records the attempt and what follows; `at` is the time of the next try, in seconds since the epoch.

        `retry` counts the try, `wait` does not. What was settled, dropped or replaced meanwhile stays so. The newest
        10,000 attempts are kept.
        """
        ...

    async def breaker(self, subscription: str) -> Breaker: ...

    async def trip(self, subscription: str, breaker: Breaker) -> None:
        """Keeps the state of the endpoint's breaker for whoever serves the subscription next."""
        ...

    # reading back
    async def opened(self, subscription: str, after: int, limit: int) -> Sequence[Opened]:
        """Deliveries by position, whatever became of them."""
        ...

    async def unsettled(self, subscription: str) -> int | None:
        """The lowest position that is neither delivered nor dead nor dropped."""
        ...

    async def attempts(
        self, subscription: str, after: str | None, limit: int
    ) -> tuple[Sequence[Attempt], str | None]: ...

    async def dead(self, subscription: str) -> Sequence[Attempt]:
        """The last attempt of each dead delivery."""
        ...

    async def again(self, subscription: str, positions: Sequence[int], now: float) -> int:
        """Makes deliveries due again (replay, dead letters) with their tries counted anew: how many.

        Those that were replaced or never opened are passed over. Say `signal` after it.
        """
        ...

    async def depth(self, subscription: str) -> int:
        """How many are owed, opened or not."""
        ...

    async def remove(self, subscription: str) -> None:
        """It is gone with all that was owed. What a router or a courier that was under way still says of it leaves
        nothing behind, for a day.
        """
        ...

    # claims of push subscriptions
    async def claim(self, worker: str, now: float, seconds: float, limit: int) -> Sequence[Claim]:
        """Push subscriptions with something to do that nobody else serves, first signalled first.

        `now` is compared with `next_due`; claims lapse by the store's own clock.
        """
        ...

    async def renew(self, worker: str, claim: Claim, seconds: float) -> Claim | None:
        """The claim with the newest count of signals; None when it was lost: stop sending."""
        ...

    async def leave(self, worker: str, claim: Claim, next_due: float | None, *, alone: bool = False) -> None:
        """Gives the subscription up until `next_due`, or at once if it was signalled since `claim.signals`.

        `alone`: not before `next_due` whatever is signalled, so that a dead endpoint costs nothing meanwhile.
        """
        ...

    async def woken(self, subscription: str | None, seconds: float) -> None:
        """Returns when the subscription (None: any) was signalled, or the time is over; may return early.

        A signal that comes while nobody of this process waits is kept for the next who does.
        """
        ...


# Who asks ----------------------------------------------------------------------------------------------------------


class Subscriptions(Protocol):
    """Who wants what. `revision` grows with each change, before the change is answered."""

    async def create(
        self,
        agency: str,
        subscription: Subscription,
        secret: str | None,
        begins: tuple[str, ...] = (),
        *,
        most: int = 1_000,
    ) -> bool:
        """False, and nothing is kept, where the agency has `most` already."""
        ...

    async def get(self, subscription: str) -> "Held | None": ...

    async def all(self) -> Sequence["Held"]: ...

    async def of(self, agency: str) -> Sequence["Held"]:
        """The agency's own, at the cost of these alone, however many the others have."""
        ...

    async def replace(self, held: "Held", before: "Held") -> bool:
        """Keeps `held`, made from `before`; False, and nothing is kept, where another stands there: read it again."""
        ...

    async def delete(self, subscription: str) -> None: ...

    async def revision(self) -> int: ...


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


# Directory and ledger ----------------------------------------------------------------------------------------------


class Ledger(Protocol):
    """What must be provable later besides the accepted alerts (those stand in the log with their entries)."""

    async def add(self, entry: Entry) -> None:
        """Once: what was said before (`Entry.said`) is not added again, whenever and with whatever salt it comes."""
        ...

    def entries(self) -> AsyncIterator[Entry]: ...


class Store(Protocol):
    """All ports of one engine, and its life."""

    @property
    def log(self) -> AlertLog: ...

    @property
    def leases(self) -> Leases: ...

    @property
    def dossiers(self) -> Dossiers: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def subscriptions(self) -> Subscriptions: ...

    @property
    def credentials(self) -> Credentials: ...

    @property
    def directories(self) -> DirectoryHistory: ...

    @property
    def ledger(self) -> Ledger: ...

    async def open(self) -> None:
        """Connects, and checks the schema version of what is there (`Broken` says what does not fit)."""
        ...

    async def close(self) -> None: ...

    async def ping(self) -> None:
        """Raises `Unavailable` unless the engine can write durably now."""
        ...
