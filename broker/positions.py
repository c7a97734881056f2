"""Sets of positions as readers write them: `1-40,42` (protocol §6)."""

from bisect import bisect_right
from collections.abc import Iterable

from broker.errors import Fault, Refused

MOST_RANGES = 1_000
_BEYOND = 2**63


class Positions:
    """A set of positions, held as ranges however wide they are."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._spans: list[list[int]] = []
        for first, last in sorted(spans):
            self._put(first, last)

    def add(self, position: int) -> None:
        """One more, not below those that are here."""
        self._put(position, position)

    def __contains__(self, position: int) -> bool:
        return self.through(position) >= position

    def through(self, position: int) -> int:
        """The last of the run in which `position` is; the position before it where it is in none."""
        at = bisect_right(self._spans, position, key=lambda span: span[0]) - 1
        return max(self._spans[at][1], position - 1) if at >= 0 else position - 1

    def others(self) -> "Positions":
        """All that are not here."""
        ends = [0, *(last for _, last in self._spans)]
        begins = [*(first for first, _ in self._spans), _BEYOND]
        return Positions((end + 1, begin - 1) for end, begin in zip(ends, begins, strict=True) if end + 1 < begin)

    def __str__(self) -> str:
        """The shortest text."""
        return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in self._spans)

    def _put(self, first: int, last: int) -> None:
        if self._spans and first <= self._spans[-1][1] + 1:
            self._spans[-1][1] = max(self._spans[-1][1], last)
        else:
            self._spans.append([first, last])


def read_ranges(text: str) -> Positions:
    """Refuses with `invalid-request` what is no list of ranges; `""` is none."""
    items = text.split(",") if text else []
    try:
        if len(items) > MOST_RANGES or len(text) > 16_384:
            raise ValueError
        return Positions(_span(item) for item in items)
    except ValueError:
        fault = Fault("/positions", f"at most {MOST_RANGES} positions and ranges, as 3-5,9")
        raise Refused("invalid-request", "These positions cannot be read.", (fault,)) from None


def _span(item: str) -> tuple[int, int]:
    first, dash, last = item.partition("-")
    if not (first.isascii() and first.isdigit() and (not dash or (last.isascii() and last.isdigit()))):
        raise ValueError
    span = int(first), int(last or first)
    if not 1 <= span[0] <= span[1]:
        raise ValueError
    return span
