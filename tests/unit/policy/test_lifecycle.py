"""What an accepted alert does to others, kind by kind of protocol §2.1."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.label import Label
from broker.policy.lifecycle import (
    Acknowledges,
    Changes,
    Consents,
    Effects,
    Notify,
    effects,
    goes_by_release,
)
from schemas.terms import Kind
from tests.unit import making
from tests.unit.making import DYKE, POLICE, PROVINCE, REVIEWER

ONE, TWO = making.label(), making.label(making.id_of(PROVINCE, 8), iss=PROVINCE, issuer=PROVINCE)
REQUEST = making.label(
    making.id_of(PROVINCE, 7),
    kind="request",
    iss=PROVINCE,
    issuer=PROVINCE,
    wants=["onward"],
    onward_to=[POLICE, "vn.idle"],
    references=[ONE.id],
)
CHALLENGE = making.label(
    making.id_of(REVIEWER, 6), kind="challenge", iss=REVIEWER, issuer=REVIEWER, outcome="suspend", references=[ONE.id]
)
KNOWN = {each.id: each for each in (ONE, TWO, REQUEST, CHALLENGE)}
INSPECTORS = frozenset({"vn.audit", "vn.inspect.desk"})
MINE = making.id_of(POLICE, 1)
"""What the effects are those of."""


def of(kind: str, *about: Label, **changes: Any) -> Effects:
    """The effects of an alert of that kind about these."""
    label = making.label(MINE, kind=kind, references=[each.id for each in about], **changes)
    return effects(label, KNOWN, INSPECTORS)


def test_an_alert() -> None:
    """An alert goes by release and changes nothing."""
    assert of("alert") == Effects(by_release=True)


@pytest.mark.parametrize(
    ("kind", "change", "fate"), [("update", "superseded", "updated"), ("cancel", "cancelled", "cancelled")]
)
def test_updates_and_cancels(kind: str, change: Any, fate: Any) -> None:
    """They go by release, change each that they reference, and others who were given those get a notice."""
    made = of(kind, ONE, TWO)
    assert made.by_release
    assert made.facts == (Changes(ONE.id, change, MINE), Changes(TWO.id, change, MINE))
    assert made.notices == (Notify(ONE, fate), Notify(TWO, fate))


@pytest.mark.parametrize(("kind", "outcome"), [("ack", "acting"), ("error", "cannot-parse"), ("erased", None)])
def test_answers(kind: str, outcome: str | None) -> None:
    """An answer goes directly to the issuer, and is told of the alert that it answers."""
    made = of(kind, ONE, outcome=outcome)
    assert made == Effects(facts=(Acknowledges(ONE.id, outcome or kind),), direct_to=frozenset({DYKE}))


def test_requests() -> None:
    """A request goes by release; one for onward directly to the alert's issuer."""
    assert of("request", wants=["information"]) == Effects(by_release=True)
    asked = of("request", ONE, wants=["onward"], onward_to=[POLICE])
    assert asked == Effects(facts=(Acknowledges(ONE.id, "onward"),), direct_to=frozenset({DYKE}))


def test_replies() -> None:
    """A reply goes directly to the requester, or by release when it has an addressing of its own."""
    facts = (Acknowledges(REQUEST.id, "hit"),)
    assert of("reply", REQUEST, addressed=False, outcome="hit") == Effects(facts, direct_to=frozenset({PROVINCE}))
    assert of("reply", REQUEST, addressed=True, outcome="hit") == Effects(facts, by_release=True)


@pytest.mark.parametrize("granted", [True, False])
def test_consents(granted: bool) -> None:
    """A consent is about the alert that was asked about, for the agencies that were named, and goes to who asked."""
    made = of("consent", REQUEST, granted=granted)
    said = Acknowledges(REQUEST.id, "granted" if granted else "refused")
    assert made.facts == (Consents(ONE.id, (POLICE, "vn.idle"), granted), said)
    assert made.direct_to == {PROVINCE}
    assert not made.by_release


def test_a_recall() -> None:
    """A recall goes to all who were given the alert, and recalls it."""
    assert of("recall", ONE) == Effects(facts=(Changes(ONE.id, "recalled", MINE),), to_all_given=ONE.id)


def test_challenges() -> None:
    """A challenge suspends and tells those who were given it; it and its withdrawal go to issuer and inspectors."""
    suspended = of("challenge", ONE, outcome="suspend")
    assert suspended.facts == (Changes(ONE.id, "suspended", MINE),)
    assert suspended.notices == (Notify(ONE, "suspended"),)
    assert suspended.direct_to == {DYKE, *INSPECTORS}
    withdrawn = of("challenge", ONE, outcome="withdraw")
    assert (withdrawn.facts, withdrawn.notices) == ((Changes(ONE.id, "resumed", MINE),), ())
    assert withdrawn.direct_to == suspended.direct_to
    assert of("challenge", ONE, outcome="suspend", issuer="vn.audit").direct_to == {DYKE, "vn.inspect.desk"}


@pytest.mark.parametrize("outcome", ["acting", "cannot-act", "disputes"])
def test_the_issuer_answers_a_challenge(outcome: str) -> None:
    """The challenged issuer's ack that takes a stand ends that challenge, and goes to its reviewer."""
    made = of("ack", CHALLENGE, outcome=outcome, issuer=DYKE)
    assert made.facts == (Changes(ONE.id, "resumed", CHALLENGE.id), Acknowledges(CHALLENGE.id, outcome))
    assert made.direct_to == {REVIEWER}


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("ack", {"outcome": "received", "issuer": DYKE}),
        ("ack", {"outcome": "read", "issuer": DYKE}),
        ("ack", {"outcome": "acting", "issuer": POLICE}),
        ("error", {"outcome": "cannot-store", "issuer": DYKE}),
        ("reply", {"outcome": "refused", "addressed": False, "issuer": DYKE}),
    ],
    ids=str,
)
def test_what_answers_no_challenge(kind: str, changes: Any) -> None:
    """That it arrived, could not be used, or is known to another agency, ends no challenge."""
    made = of(kind, CHALLENGE, **changes)
    assert not any(isinstance(fact, Changes) for fact in made.facts)


def test_a_withdrawal_is_no_challenge_to_answer() -> None:
    """An ack of a withdrawal, or of a challenge to what is not known here, changes nothing."""
    withdrawal = CHALLENGE.model_copy(update={"outcome": "withdraw"})
    ack = making.label(MINE, kind="ack", issuer=DYKE, outcome="acting", references=[CHALLENGE.id])
    for known in ({CHALLENGE.id: withdrawal, ONE.id: ONE}, {CHALLENGE.id: CHALLENGE}):
        assert effects(ack, known, INSPECTORS).facts == (Acknowledges(CHALLENGE.id, "acting"),)


def test_an_approval() -> None:
    """An approval is for the hub alone, which writes it down."""
    assert of("approve", ONE) == Effects(facts=(Changes(ONE.id, "approved", MINE),))


KINDS = st.sampled_from(list(Kind))


@given(
    kind=KINDS,
    references=st.lists(
        st.sampled_from([ONE, TWO, REQUEST, CHALLENGE, making.label(making.id_of(DYKE, 99))]), max_size=3
    ),
    wants=st.sampled_from([[], ["information"], ["onward"]]),
    addressed=st.booleans(),
    outcome=st.sampled_from([None, "suspend", "withdraw", "hit", "acting"]),
)
def test_one_way_out(kind: Kind, references: list[Label], wants: Any, addressed: bool, outcome: Any) -> None:
    """Every alert goes one way: by release, directly, or to all who were given; and touches only what is known."""
    made = of(kind, *references, wants=wants, addressed=addressed, outcome=outcome)
    assert sum((made.by_release, bool(made.direct_to), made.to_all_given is not None)) <= 1
    label = making.label(kind=kind, wants=wants, addressed=addressed)
    assert made.by_release == goes_by_release(label)
    about = {fact.alert for fact in made.facts} | {notify.about.id for notify in made.notices}
    assert about <= KNOWN.keys()
    assert made.direct_to <= {each.issuer for each in KNOWN.values()} | (
        INSPECTORS if kind is Kind.CHALLENGE else set()
    )
