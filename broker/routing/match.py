"""The subscription index: the filter of protocol §6, and a quick way to the few that can match.

Subscriptions are kept by the first word of each domain that they name; the rest is asked of those alone.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from broker.label import Label
from broker.routing.areas import Placed, placed, touch
from schemas.subscription import Filter, Subscription
from schemas.terms import Severity, Urgency, severity_rank, urgency_rank
from schemas.vocabulary import within

ANY = ""
"""The place of subscriptions that name no domain."""


class Held(Protocol):
    """A subscription and whose it is."""

    @property
    def agency(self) -> str: ...

    @property
    def subscription(self) -> Subscription: ...


H = TypeVar("H", bound=Held)

Selects = Callable[[str, str], bool]
"""Whether a selector names an agency, in the directory of now."""


@dataclass(frozen=True, slots=True)
class _Wanting(Generic[H]):
    """A subscription with the areas that it asks for, boxed when it was put."""

    held: H
    areas: Sequence[Placed] | None


class Index(Generic[H]):
    """Subscriptions by what they want."""

    def __init__(self, held: Iterable[H] = ()) -> None:
        self._wanting: dict[str, _Wanting[H]] = {}
        self._by_root: dict[str, set[str]] = defaultdict(set)
        for each in held:
            self.put(each)

    def put(self, held: H) -> None:
        """Adds the subscription, or takes its new filter."""
        id_, asked = held.subscription.id, held.subscription.filter
        self.remove(id_)
        self._wanting[id_] = _Wanting(held, None if asked.areas is None else placed(asked.areas))
        for root in _roots(asked):
            self._by_root[root].add(id_)

    def remove(self, id_: str) -> None:
        before = self._wanting.pop(id_, None)
        if before is not None:
            for root in _roots(before.held.subscription.filter):
                self._by_root[root].discard(id_)

    def matching(self, label: Label, given: Collection[str], selects: Selects) -> Iterator[H]:
        """Those whose filter the alert passes, in the order of their ids.

        `given` are the subscriptions that were given something which the alert references: they want it whatever
        their filter says, but for its status.
        """
        root, stated = label.domain.partition(".")[0], placed(label.areas)
        there = set(given) & self._wanting.keys()
        for id_ in sorted(self._by_root.get(root, set()) | self._by_root.get(ANY, set()) | there):
            wanting = self._wanting[id_]
            if _hears(wanting.held, label) and (id_ in given or _passes(wanting, label, stated, selects)):
                yield wanting.held


def _hears(held: Held, label: Label) -> bool:
    """The status, and whether its own alerts come back to it: from these nothing is excepted."""
    subscription = held.subscription
    return label.status in subscription.filter.status and (held.agency != label.issuer or subscription.own)


def _passes(wanting: _Wanting[H], label: Label, stated: Sequence[Placed], selects: Selects) -> bool:
    """The filter but for its status: what it leaves out does not restrict. `stated` are the alert's areas."""
    asked = wanting.held.subscription.filter
    return (
        (asked.domains is None or any(within(label.domain, domain) for domain in asked.domains))
        and (asked.severity is None or _severe_enough(label.severity, asked.severity))
        and (asked.urgency is None or _urgent_enough(label.urgency, asked.urgency))
        and (asked.kinds is None or label.kind in asked.kinds)
        and (asked.products is None or label.product in asked.products)
        and (asked.languages is None or any(_speaks(label, language) for language in asked.languages))
        and (asked.issuers is None or any(selects(selector, label.issuer) for selector in asked.issuers))
        and (wanting.areas is None or touch(wanting.areas, stated))
    )


def _severe_enough(severity: Severity, least: Severity) -> bool:
    return severity is Severity.UNKNOWN or severity_rank(severity) >= severity_rank(least)


def _urgent_enough(urgency: Urgency, least: Urgency) -> bool:
    return urgency is Urgency.UNKNOWN or urgency_rank(urgency) >= urgency_rank(least)


def _speaks(label: Label, prefix: str) -> bool:
    """RFC 4647 §3.3.1: `en` matches `en-GB`, and not `eng`."""
    wanted = prefix.lower()
    return any(tag.lower() == wanted or tag.lower().startswith(wanted + "-") for tag in label.languages)


def _roots(asked: Filter) -> set[str]:
    return {ANY} if asked.domains is None else {domain.partition(".")[0] for domain in asked.domains}
