"""Sets of positions as readers write them: `1-40,42` (protocol §6)."""

from collections.abc import Iterable

from broker.errors import Fault, Refused

MOST_RANGES = 1_000


class Positions:
    """A set of positions, held as ranges however wide they are."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self.spans = spans

    def __contains__(self, position: int) -> bool:
        return any(first <= position <= last for first, last in self.spans)


def read_ranges(text: str) -> Positions:
    """Refuses with `invalid-request` what is no list of ranges; `""` is none."""
    items = text.split(",") if text else []
    try:
        if len(items) > MOST_RANGES or len(text) > 16_384:
            raise ValueError
        return Positions([_span(item) for item in items])
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


def ranges(positions: Iterable[int]) -> str:
    """The shortest text for ascending positions."""
    spans: list[list[int]] = []
    for position in positions:
        if spans and spans[-1][1] == position - 1:
            spans[-1][1] = position
        else:
            spans.append([position, position])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in spans)
