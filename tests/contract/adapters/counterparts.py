"""The other end of a push adapter: real, on loopback, and able to misbehave."""

import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

from adapters.registry import Transport

SECRET = "s3cr3t"
"""Stands in every entry's settings, and in what a receiver babbles: never in an outcome."""


class Manner(Enum):
    """How a counterpart behaves once a parcel begins to arrive."""

    TAKES = auto()
    REFUSES = auto()
    STALLS = auto()
    """Reads, and never answers."""
    DRIPS = auto()
    """Begins an answer, a byte at a time, and never ends it."""
    CLOSES_MIDWAY = auto()
    """Before it has read everything."""
    CLOSES_UNANSWERED = auto()
    BABBLES = auto()
    """Answers in another protocol."""
    TALKS_ON = auto()
    """Takes it, and never stops answering."""
    TRICKLES = auto()
    """Takes it, and goes on answering, slowly."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What arrived: the idempotency key, and the text."""

    delivery: str
    text: bytes


class Counterpart(Protocol):
    """A receiver of one transport."""

    port: int
    manner: Manner
    taken: list[Taken]
    """Read whole, in whatever manner it was answered."""
    connected: int
    """How often somebody connected."""

    def settings(self, host: str) -> dict[str, Any]:
        """An endpoint's settings that lead here, with a time-out of one second and `SECRET` somewhere in them."""
        ...

    def open_connections(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """An adapter in the suite."""

    name: str
    transport: Transport
    counterpart: Callable[[ssl.SSLContext], AbstractAsyncContextManager[Counterpart]]
