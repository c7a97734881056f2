"""Whether an endpoint that keeps failing is tried at all: a value, from its failures in a row and the clock."""

from dataclasses import dataclass

from broker.policy.retry import BUSY, Tried

TRIPS_AFTER = 5
"""Failures in a row, of any deliveries, after which nothing but a probe goes out."""
FIRST_PROBE_S = 5.0
LONGEST_PROBE_S = 600.0
REQUEST_TIMEOUT = 408


@dataclass(frozen=True, slots=True)
class Breaker:
    """One endpoint's failures in a row, and until when nothing is tried; in seconds since the epoch."""

    failures: int = 0
    until: float = 0.0

    @property
    def open(self) -> bool:
        """Whether it has tripped: one probe at a time, and what waits stays a reference."""
        return self.failures >= TRIPS_AFTER

    def allows(self, now: float, in_flight: int, limit: int) -> int:
        """How many more may be tried now, beside those under way; `limit` holds while the endpoint is well."""
        if not self.open:
            return max(limit - in_flight, 0)
        return 1 if in_flight == 0 and now >= self.until else 0


WELL = Breaker()


def after(breaker: Breaker, tried: Tried, now: float, jitter: float) -> Breaker:
    """The breaker after one attempt; `jitter` is a random number in [0, 1).

    An endpoint that answers is there, whatever it thinks of this alert; one that is silent, overloaded or broken is
    not. A fault of our own says nothing about it.
    """
    if tried.ours:
        return breaker
    if tried.status is not None and tried.status < 500 and tried.status not in {*BUSY, REQUEST_TIMEOUT}:
        return WELL
    failures = breaker.failures + 1
    wait = 0.0 if failures < TRIPS_AFTER else min(FIRST_PROBE_S * 2 ** min(failures - TRIPS_AFTER, 16), LONGEST_PROBE_S)
    return Breaker(failures, now + wait * (0.5 + 0.5 * jitter))
