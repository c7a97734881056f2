"""What follows an attempt: a value, from the attempts so far, the outcome and the clock (protocol §10)."""

from dataclasses import dataclass

WAITS_S = (5.0, 30.0, 120.0, 600.0, 3_600.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0)
"""After the first failure, the second, …; after the last of these, dead."""
JITTER = 0.2
"""A wait is stretched by up to this share, so that what failed together is not retried together."""
OURS_S = 15.0
"""After a fault of our own; up to twice as long."""
BUSY = frozenset({429, 503})
GONE = 410
ASKED_MOST_S = 86_400.0
"""More than the schedule's longest wait is not waited, whatever a receiver asks for."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt's outcome: the status that came back, None for no answer; what Retry-After asked for, in seconds."""

    status: int | None
    retry_after: float | None = None
    ours: bool = False
    """It failed on this side, and says nothing about the receiver."""

    @property
    def delivered(self) -> bool:
        """2xx, and nothing else: a redirect is not followed and so delivers nothing."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Done:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again at this time, in seconds since the epoch."""

    at: float


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """The fault was ours: try again at this time, and do not count it against the receiver."""

    at: float


@dataclass(frozen=True, slots=True)
class PauseSubscription:
    """The endpoint is gone for good; what is owed stays owed, and is due again at this time once it is active."""

    at: float


@dataclass(frozen=True, slots=True)
class Dead:
    """Nothing more is tried unless somebody asks for it."""

    after: int
    """Attempts made."""


Step = Done | RetryAt | WaitUntil | PauseSubscription | Dead


def next_step(attempts_before: int, tried: Tried, now: float, jitter: float) -> Step:
    """`attempts_before` counts those before this one; `jitter` is a random number in [0, 1)."""
    if tried.delivered:
        return Done()
    if tried.ours:
        return WaitUntil(now + OURS_S * (1 + jitter))
    if tried.status == GONE:
        return PauseSubscription(now)
    if attempts_before >= len(WAITS_S):
        return Dead(attempts_before + 1)
    return RetryAt(now + max(WAITS_S[attempts_before], _asked_s(tried)) * (1 + JITTER * jitter))


def _asked_s(tried: Tried) -> float:
    """The least that the receiver asked to wait (RFC 9110 §10.2.3). It lengthens a wait and never shortens one: what is
    under maintenance for an hour and says `1` to everybody would otherwise be dead within minutes.
    """
    if tried.status not in BUSY or tried.retry_after is None:
        return 0.0
    return min(tried.retry_after, ASKED_MOST_S)
