"""What was accepted: the alerts, and their places in the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from broker.label import Label
from broker.ledger.receipts import Entry
from schemas.envelope import SaltedPart


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

    async def label(self, alert: str) -> Label | None:
        """What stands on its outside, at a cost that its parts have no share in."""
        ...

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


def _place(position: str) -> tuple[int, int]:
    ms, _, sequence = position.partition("-")
    return int(ms), int(sequence)
