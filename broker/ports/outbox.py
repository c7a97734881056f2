"""What is owed to each subscription."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from broker.policy.breaker import Breaker


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

    async def waiting(self, subscription: str, now: float) -> Sequence[Opened]:
        """Opened, not settled, and to be tried after now."""
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
