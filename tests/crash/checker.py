"""What must hold after any kills, a sentence each."""

from collections import Counter
from collections.abc import Mapping, Sequence

from broker.parcel import digest
from tests.crash.receiver import Arrival


def broken(acknowledged: Sequence[str], arrived: Mapping[str, Sequence[Arrival]]) -> list[str]:
    """Every invariant that does not hold, as sentences; none is a good run."""
    found = []
    posted = set(acknowledged)
    for subscription, arrivals in arrived.items():
        alerts = {each.alert for each in arrivals}
        if lost := posted - alerts:
            found.append(f"{subscription}: {len(lost)} acknowledged alerts were never delivered, such as {min(lost)}")
        if strange := alerts - posted:
            found.append(f"{subscription}: {len(strange)} alerts were delivered that nobody posted")
        found += _repeats(subscription, arrivals)
        found += _positions(subscription, arrivals)
    return found


def _repeats(subscription: str, arrivals: Sequence[Arrival]) -> list[str]:
    """A repeat is told by its delivery id: one alert has one id, one position and the same bytes each time."""
    seen: dict[str, Arrival] = {}
    for each in arrivals:
        first = seen.setdefault(each.alert, each)
        if (first.delivery, first.position, first.text) != (each.delivery, each.position, each.text):
            return [f"{subscription}: {each.alert} came under two deliveries or with two texts"]
    return []


def _positions(subscription: str, arrivals: Sequence[Arrival]) -> list[str]:
    """Positions have no gap and are not shared, and each text names the one before."""
    by_position = {each.position: each for each in arrivals}
    if Counter(by_position.keys()) != Counter(range(1, len(by_position) + 1)):
        return [f"{subscription}: positions have gaps: {len(by_position)} of {max(by_position, default=0)}"]
    for position, each in by_position.items():
        before = by_position.get(position - 1)
        if each.previous != (digest(before.text) if before else None):
            return [f"{subscription}: the chain is broken at position {position}"]
    return []


def in_order(posted: Sequence[str], arrivals: Sequence[Arrival]) -> bool:
    """With `order: issuer`, first arrivals come in the order in which the issuer's alerts were acknowledged."""
    lane = set(posted)
    first = list(dict.fromkeys(each.alert for each in arrivals if each.alert in lane))
    return first == [each for each in posted if each in set(first)]
