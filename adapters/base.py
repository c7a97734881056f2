"""What a transport is. Three small protocols, and what each promises.

`Push`: the hub brings. `Pull`: the reader comes. `Intake`: the hub fetches what others publish.
A transport decides nothing: whether to try again, and whether a reader may have an alert, is asked elsewhere.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from schemas.terms import Tlp, tlp_rank


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery, ready to go. `text` was written once: send these bytes, and no others."""

    subscription: str
    delivery: str
    """The idempotency key (`dlv_…`): equal over all attempts at one position, so that a receiver can tell a repeat."""
    position: int
    alert: str
    text: bytes = field(repr=False)
    """The envelope (protocol §5); it has no line break."""
    media_type: str
    settings: Mapping[str, Any] = field(repr=False)
    """As the adapter's settings model has checked them."""
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
    """No answer: what was sent may or may not have arrived. A `fault` of ours is none of the receiver's failures."""

    error: str
    duration_ms: int
    fault: Literal["theirs", "ours"] = "theirs"


Outcome = Delivered | Refused | Unreachable
"""`error` is for the subscription's owner: it names hosts and causes, never a secret, a URL's path or content."""


@dataclass(frozen=True, slots=True)
class Protection:
    """Up to which TLP a way keeps what it carries (protocol §9, rule 12), and what it does for that."""

    up_to: Tlp
    tls: bool = False
    known: bool = False
    """The other end has shown that it is the one meant: by a certificate for the name, by a sign-in, by a token."""
    to_recipient: bool = False
    """Encrypted so that only the recipient can read it, whoever carries it."""

    def __post_init__(self) -> None:
        if tlp_rank(self.up_to) > tlp_rank(Tlp.GREEN) and not (self.to_recipient or (self.tls and self.known)):
            raise ValueError("above green, a way needs TLS to a known other end, or encryption to the recipient")


class Push(Protocol):
    """Brings parcels to one subscription's endpoint.

    `deliver` returns an outcome and raises nothing but cancellation; it tries once, ends within its time-out (and a
    second to let go), leaves nothing open when cancelled; it sends `text` as it is, and goes only where the directory
    allows; of an answer only its status, and how long to wait, is believed. Concurrent calls are allowed.
    """

    async def deliver(self, parcel: Parcel) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Event:
    """One delivery to a reader who comes: `cursor` is what it may resume after; `text` has no line break."""

    cursor: str
    text: bytes = field(repr=False)


class Cursors(Protocol):
    """What the broker hands to a transport that is read: what follows the place where one reader left off."""

    def events(self) -> AsyncGenerator[Event, None]:
        """In order, while the subscription is active. Asked for the next only after `written`, or closed."""
        ...

    async def written(self, event: Event) -> None:
        """The event went out to a reader who was still there: that is its delivery (protocol §6)."""
        ...

    async def heartbeat(self) -> str:
        """The text of a heartbeat, signed now; without line break."""
        ...


Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Pull(Protocol):
    """Serves one reader over one ASGI connection, from its cursors, until either side ends it.

    An event that went out is told to the cursors as written; one that did not stays owed.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a poller found: bytes and where they came from. Whether it becomes an alert is for ingress."""

    source: str
    media_type: str
    data: bytes = field(repr=False)


class Intake(Protocol):
    """Fetches what others publish. A candidate may come twice; none is lost between two calls."""

    async def poll(self) -> Sequence[Candidate]: ...
