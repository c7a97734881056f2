"""When to try again, and how long to wait: values, so that the loop is one."""

import random
from dataclasses import dataclass

from broker.client.problem import ProblemError, UnreachableError

BUSY = frozenset({429, 503})
AWAY = frozenset({502, 504})
"""What a proxy says when the hub behind it gave no answer."""


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `most` tries, after about 0.5 s, 1 s, 2 s … with full jitter; a `Retry-After` of the hub comes first."""

    most: int = 6
    first_s: float = 0.5
    longest_s: float = 30.0
    patience_s: float = 120.0
    """A hub that asks for a longer wait is not waited for: the problem is told instead."""

    def wait(self, tried: int, why: ProblemError, *, repeatable: bool) -> float | None:
        """Seconds until the next try, None for no other.

        After no answer, only what is `repeatable` may be sent again: the hub may have done it already.
        """
        no_answer = isinstance(why, UnreachableError) or why.status in AWAY
        again = repeatable if no_answer else why.status in BUSY
        if not again or tried >= self.most:
            return None
        if why.retry_after is not None and why.retry_after > self.patience_s:
            return None
        if why.retry_after is not None:
            return why.retry_after + random.uniform(0, self.first_s)  # noqa: S311 - spreads load, keeps no secret
        return random.uniform(0, min(self.first_s * 2**tried, self.longest_s))  # noqa: S311 - the same
