"""The subscription index: the filter of protocol §6, and a quick way to the few that can match.

Subscriptions are kept by the first word of each domain that they name; the rest is asked of those alone.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from broker.label import Label
from broker.routing.areas import touch
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


class Index(Generic[H]):
    """Subscriptions by what they want."""

    def __init__(self, held: Iterable[H] = ()) -> None:
        self._held: dict[str, H] = {}
        self._by_root: dict[str, set[str]] = defaultdict(set)
        for each in held:
            self.put(each)

    def put(self, held: H) -> None:
        """Adds the subscription, or takes its new filter."""
        self.remove(held.subscription.id)
        self._held[held.subscription.id] = held
        for root in _roots(held.subscription.filter):
            self._by_root[root].add(held.subscription.id)

    def remove(self, id_: str) -> None:
        before = self._held.pop(id_, None)
        if before is not None:
            for root in _roots(before.subscription.filter):
                self._by_root[root].discard(id_)

    def matching(self, label: Label, given: Collection[str], selects: Selects) -> Iterator[H]:
        """Those whose filter the alert passes, in the order of their ids.

        `given` are the subscriptions that were given something which the alert references: they want it whatever
        their filter says, but for its status.
        """
        root = label.domain.partition(".")[0]
        candidates = self._by_root.get(root, set()) | self._by_root.get(ANY, set()) | (set(given) & self._held.keys())
        for id_ in sorted(candidates):
            held = self._held[id_]
            if wants(held, label, given, selects):
                yield held


def wants(held: Held, label: Label, given: Collection[str], selects: Selects) -> bool:
    """Whether the subscription asks for this alert. What it may have is asked elsewhere."""
    subscription, asked = held.subscription, held.subscription.filter
    if label.status not in asked.status:
        return False
    if held.agency == label.issuer and not subscription.own:
        return False
    return subscription.id in given or passes(asked, label, selects)


def passes(asked: Filter, label: Label, selects: Selects) -> bool:
    """The filter but for its status: what it leaves out does not restrict."""
    return (
        (asked.domains is None or any(within(label.domain, domain) for domain in asked.domains))
        and (asked.severity is None or _severe_enough(label.severity, asked.severity))
        and (asked.urgency is None or _urgent_enough(label.urgency, asked.urgency))
        and (asked.kinds is None or label.kind in asked.kinds)
        and (asked.products is None or label.product in asked.products)
        and (asked.languages is None or any(_speaks(label, language) for language in asked.languages))
        and (asked.issuers is None or any(selects(selector, label.issuer) for selector in asked.issuers))
        and (asked.areas is None or touch(asked.areas, label.areas))
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
