"""What a transport is. Three small protocols, and what each promises.

`Push`: the broker brings. `Pull`: the reader comes. `Intake`: the broker fetches what others publish.
A transport decides nothing: whether to retry, and whether a reader may have an alert, is asked elsewhere.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.terms import Tlp


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery, ready to go. `text` was written once: send these bytes, and no others."""

    subscription: str
    delivery: str
    """The idempotency key: equal over all attempts at one position, so that a receiver can tell a repeat."""
    position: int
    alert: str
    text: bytes
    media_type: str
    settings: Mapping[str, Any] = field(repr=False)
    attempt: int
    """Counts from 1."""
    timestamp: int
    """Of this attempt, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it and said so."""

    status: int | None
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The receiver answered, and did not take it. `retry_after` in seconds, where it said so."""

    status: int | None
    error: str
    duration_ms: int
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No answer: what was sent may or may not have arrived. `ours` when the fault is on this side."""

    error: str
    duration_ms: int
    ours: bool = False


Outcome = Delivered | Refused | Unreachable


@dataclass(frozen=True, slots=True)
class Protection:
    """Up to which TLP a way keeps what it carries (protocol §9, rule 12), and why."""

    up_to: Tlp
    because: str


class Push(Protocol):
    """Brings parcels to one subscription's endpoint.

    `deliver` returns an outcome and raises nothing but cancellation; it ends within its time-out; it tries once; it
    sends `text` as it is; a receiver's answer is never believed beyond its status. Concurrent calls are allowed.
    """

    async def deliver(self, parcel: Parcel) -> Outcome: ...


class Cursors(Protocol):
    """What the broker hands to a transport that is read: the events after the place where a reader left off."""

    def events(self) -> AsyncIterator["Event"]:
        """Without end while the subscription is active; None-free, in the order of positions."""
        ...

    async def written(self, event: "Event") -> None:
        """The event went out on the wire: that is its delivery."""
        ...

    async def heartbeat(self) -> str:
        """The text of a heartbeat, signed now."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """One delivery to a reader: `cursor` is what it may resume after."""

    cursor: str
    text: bytes


class Pull(Protocol):
    """Serves one reader over an ASGI connection, from its cursors, until either side ends it."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a poller found: bytes and where they came from. Whether it becomes an alert is for ingress."""

    source: str
    media_type: str
    data: bytes


class Intake(Protocol):
    """Fetches what others publish. A candidate may come twice; none is lost between two calls."""

    async def poll(self) -> Sequence[Candidate]: ...
