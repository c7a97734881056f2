"""Which subscriptions want an alert: the filter of protocol §6; the index finds what asking each would find."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.label import Label
from broker.routing import areas
from broker.routing.match import Index
from schemas.subscription import Filter, Subscription
from schemas.terms import Kind, Product, Severity, Status, Urgency
from tests.unit import making

DOMAINS = ("disaster", "disaster.flood", "disaster.flood.river", "disaster.storm", "crime", "crime.fraud", "health")
AGENCIES = (making.DYKE, making.PROVINCE, making.POLICE)
AREAS = ({"iso": "VN"}, {"iso": "VN-13"}, {"iso": "TH"}, {"geocode": {"system": "GSO", "value": "22"}})


@dataclass(frozen=True)
class Held:
    """A subscription and whose it is."""

    agency: str
    subscription: Subscription


def selects(selector: str, agency: str) -> bool:
    """The directory's answer: an id, or all below it."""
    return agency.startswith(selector[:-1]) if selector.endswith(".*") else selector == agency


def subscription(number: int = 1, *, own: bool = False, **filter_: Any) -> Subscription:
    """A stream with this filter."""
    return Subscription(
        id=f"sub_{number}", adapter="stream", purpose=("prevention",), own=own, filter=Filter.model_validate(filter_)
    )


def wants(held: Held, label: Label, given: Collection[str]) -> bool:
    """Whether the subscription, alone in an index, wants the alert."""
    return list(Index([held]).matching(label, given, selects)) == [held]


def some(values: Any) -> st.SearchStrategy[list[Any] | None]:
    """A list of at least one, or nothing stated."""
    return st.none() | st.lists(st.sampled_from(values), min_size=1, max_size=3, unique_by=str)


FILTERS = st.fixed_dictionaries(
    {
        "domains": some(DOMAINS),
        "severity": st.none() | st.sampled_from(list(Severity)),
        "urgency": st.none() | st.sampled_from(list(Urgency)),
        "areas": some(AREAS),
        "issuers": some((*AGENCIES, "vn.*", "vn.mae.*")),
        "kinds": some(list(Kind)),
        "products": some(list(Product)),
        "languages": some(["vi", "en", "fr"]),
        "status": some(list(Status)).filter(bool),
    }
)
HELD = st.builds(
    lambda agency, number, own, filter_: Held(agency, subscription(number, own=own, **filter_)),
    st.sampled_from(AGENCIES),
    st.integers(1, 12),
    st.booleans(),
    FILTERS,
)
LABELS = st.builds(
    lambda domain, severity, urgency, status, kind, product, issuer, languages, areas: making.label(
        domain=domain,
        severity=severity,
        urgency=urgency,
        status=status,
        kind=kind,
        product=product,
        issuer=issuer,
        languages=languages,
        areas=areas,
    ),
    st.sampled_from((*DOMAINS, "cyber")),
    st.sampled_from(list(Severity)),
    st.sampled_from(list(Urgency)),
    st.sampled_from(list(Status)),
    st.sampled_from(list(Kind)),
    st.sampled_from([None, *Product]),
    st.sampled_from(AGENCIES),
    st.lists(st.sampled_from(["vi", "vi-VN", "en-GB", "eng"]), max_size=2),
    st.lists(st.sampled_from(AREAS), max_size=2),
)


@given(
    steps=st.lists(st.tuples(st.booleans(), HELD), max_size=20),
    label=LABELS,
    given_=st.sets(st.integers(1, 14).map("sub_{}".format), max_size=3),
)
def test_the_index_finds_what_asking_each_would(steps: list[tuple[bool, Held]], label: Label, given_: set[str]) -> None:
    """After any additions, changes and removals the index yields exactly those that want it, by id, each once."""
    index: Index[Held] = Index()
    there: dict[str, Held] = {}
    for keeps, held in steps:
        id_ = held.subscription.id
        if keeps:
            index.put(held)
            there[id_] = held
        else:
            index.remove(id_)
            there.pop(id_, None)
    expected = [there[id_] for id_ in sorted(there) if wants(there[id_], label, given_)]
    assert list(index.matching(label, given_, selects)) == expected


@given(held=HELD, label=LABELS)
def test_each_member_only_narrows(held: Held, label: Label) -> None:
    """Leaving a member of the filter out never loses an alert: what is left out does not restrict."""
    if not wants(held, label, ()):
        return
    for member in ("domains", "severity", "urgency", "areas", "issuers", "kinds", "products", "languages"):
        wider = held.subscription.filter.model_copy(update={member: None})
        assert wants(Held(held.agency, held.subscription.model_copy(update={"filter": wider})), label, ())


@given(held=HELD, label=LABELS)
def test_what_follows_something_given(held: Held, label: Label) -> None:
    """What references something that the subscription was given passes all of its filter but the status."""
    status_fits = label.status in held.subscription.filter.status
    its_own = held.agency == label.issuer and not held.subscription.own
    assert wants(held, label, {held.subscription.id}) == (status_fits and not its_own)


@pytest.mark.parametrize(
    ("filter_", "changes", "passing"),
    [
        ({}, {}, True),
        ({"domains": ["disaster"]}, {}, True),
        ({"domains": ["disaster.flood"]}, {}, True),
        ({"domains": ["disaster.flood.river"]}, {}, False),
        ({"domains": ["crime", "disaster"]}, {}, True),
        ({"domains": ["crime"]}, {}, False),
        ({"severity": "severe"}, {}, True),
        ({"severity": "extreme"}, {}, False),
        ({"severity": "extreme"}, {"severity": "unknown"}, True),
        ({"severity": "minor"}, {}, True),
        ({"urgency": "immediate"}, {}, True),
        ({"urgency": "immediate"}, {"urgency": "expected"}, False),
        ({"urgency": "immediate"}, {"urgency": "unknown"}, True),
        ({"urgency": "past"}, {"urgency": "future"}, True),
        ({"kinds": ["alert", "update"]}, {}, True),
        ({"kinds": ["cancel"]}, {}, False),
        ({"products": ["warning"]}, {}, True),
        ({"products": ["forecast"]}, {}, False),
        ({"products": ["forecast"]}, {"product": None}, False),
        ({"issuers": [making.DYKE]}, {}, True),
        ({"issuers": ["vn.mae.*"]}, {}, True),
        ({"issuers": [making.PROVINCE]}, {}, False),
        ({"languages": ["vi"]}, {"languages": ["vi-VN"]}, True),
        ({"languages": ["EN"]}, {"languages": ["en-GB"]}, True),
        ({"languages": ["en"]}, {"languages": ["eng"]}, False),
        ({"languages": ["en-GB"]}, {"languages": ["en"]}, False),
        ({"languages": ["vi"]}, {"languages": []}, False),
        ({"areas": [{"iso": "VN"}]}, {}, True),
        ({"areas": [{"iso": "TH"}]}, {}, False),
        ({"areas": [{"iso": "TH"}]}, {"areas": []}, True),
    ],
    ids=str,
)
def test_the_filter(filter_: dict[str, Any], changes: dict[str, Any], passing: bool) -> None:
    """Each member as protocol §6 has it."""
    assert wants(Held(making.PROVINCE, subscription(**filter_)), making.label(**changes), ()) is passing


@pytest.mark.parametrize("status", ["exercise", "test", "system"])
def test_actual_alone_unless_named(status: str) -> None:
    """A filter that names no status gets `actual` alone; one that names others gets those and not `actual`."""
    label, plain = making.label(status=status), Held(making.PROVINCE, subscription())
    named = Held(making.PROVINCE, subscription(status=[status]))
    assert not wants(plain, label, ())
    assert wants(named, label, ())
    assert not wants(named, making.label(), ())


def test_the_agencys_own() -> None:
    """An agency's own alerts come back to it only where the subscription says `own`."""
    assert not wants(Held(making.DYKE, subscription()), making.label(), ())
    assert wants(Held(making.DYKE, subscription(own=True)), making.label(), ())
    assert wants(Held(making.PROVINCE, subscription()), making.label(), ())


def test_areas_are_boxed_when_a_subscription_is_put(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many alerts come, a subscription's polygon is walked through once, and an alert's areas once each."""
    boxed: list[Any] = []
    walked = areas.box

    def box(area: Any) -> Any:
        boxed.append(area)
        return walked(area)

    monkeypatch.setattr(areas, "box", box)
    ring = [[20 + n / 1000, 106.0] for n in range(1000)]
    asked = [{"polygon": [*ring, [21, 107], ring[0]]}]
    index = Index(Held(making.PROVINCE, subscription(number, areas=asked)) for number in (1, 2, 3))
    label = making.label(areas=[{"circle": [20.9, 106.5, 25.0]}])
    for _ in range(5):
        assert len(list(index.matching(label, (), selects))) == 3
    assert len(boxed) == 3 + 5
