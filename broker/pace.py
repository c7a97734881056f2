"""How fast anybody may go on asking: token buckets, in each process for itself.

Before a signature is checked nobody knows who asks, so an address pays for what is refused (a statement that nobody
vouches for, a token that is none), and for what is said again. Once it is verified, its agency pays, for what is new
alone: no flood in an agency's name, forged or replayed, costs that agency its own posts.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic

from broker.errors import Refused

MOST = 16_384
"""Buckets of one kind. Beyond it the one that was asked about longest ago is forgotten, and is full again."""
BURST_S = 20
"""How many seconds' worth may come at once."""


@dataclass
class Pace:
    """A bucket for each name. `per_s` of 0 is no limit."""

    per_s: float
    timer: Callable[[], float] = monotonic
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """What is left in it, and when that was so (the timer's seconds)."""

    def wait(self, who: str) -> float:
        """Seconds until `who` may go on; 0 for now."""
        return 0.0 if self.per_s <= 0 else max(0.0, (1 - self._now_left(who)) / self.per_s)

    def spend(self, who: str) -> None:
        """One of what there is; never below none."""
        if self.per_s <= 0:
            return
        self._left[who] = (max(0.0, self._now_left(who) - 1), self.timer())
        self._left.move_to_end(who)
        if len(self._left) > MOST:
            self._left.popitem(last=False)

    def check(self, who: str) -> None:
        """Refuses with `busy`, as one who asks too much, where there is nothing left."""
        if wait := self.wait(who):
            raise Refused(
                "busy",
                "This comes too fast; send the same bytes again later.",
                retry_after=max(1, math.ceil(wait)),
                too_many=True,
            )

    def _now_left(self, who: str) -> float:
        most = self.per_s * BURST_S
        left, at = self._left.get(who, (most, 0.0))
        return min(most, left + (self.timer() - at) * self.per_s)


@dataclass(frozen=True, slots=True)
class Paces:
    """Of one process."""

    refusals: Pace
    """By address: what was refused before anybody was known, or said again."""
    posts: Pace
    """By agency: alerts that are new."""
    calls: Pace
    """By agency: calls with a token, and tokens."""


def of_address(host: str | None) -> str:
    """The name of an address here: of IPv6 the network of 64 bits, which is one subscriber's (RFC 6177)."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return host or ""
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)
