"""What a change of the directory allows and forbids, point by point."""

from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.policy.differences import Change, Difference, boxes, compare
from broker.trust.folder import snapshot_of
from tests.unit import making
from tests.unit.making import DYKE, NOW, POLICE, PROVINCE

TERMS: dict[str, Any] = {
    "domains": ["disaster"],
    "statuses": ["actual"],
    "tlps": ["green", "amber"],
    "severity": "severe",
    "personal": ["none"],
    "purposes": ["prevention"],
}


def _change(old: dict[str, Any], new: dict[str, Any]) -> Change:
    return compare(snapshot_of(making.document(**old)), snapshot_of(making.document(**new)), NOW)


def _agreed(**terms: Any) -> dict[str, Any]:
    return {"agreements": [{"from": DYKE, "to": POLICE, **TERMS, **terms}]}


def _only(found: tuple[Difference, ...]) -> Difference:
    (one,) = found
    return one


def test_nothing_changes_nothing() -> None:
    """The same terms, in another order or in two agreements for one, are no change."""
    assert _change(_agreed(), _agreed()).empty
    assert _change(_agreed(), _agreed(tlps=["amber", "green"])).empty
    two = {"agreements": [{"from": DYKE, "to": POLICE, **TERMS, "tlps": [tlp]} for tlp in ("green", "amber")]}
    assert _change(_agreed(), two).empty


def test_a_new_agreement_allows() -> None:
    """All of its points, from the one to the other alone, on one line."""
    change = _change({}, _agreed())
    one = _only(change.allowed)
    assert (one.from_, one.to) == (DYKE, POLICE)
    assert one.what["severity"] == ("minor", "moderate", "severe")
    assert one.what["tlps"] == ("green", "amber")
    assert not change.forbidden
    back = _change(_agreed(), {})
    assert (back.allowed, back.forbidden) == ((), change.allowed)


def test_narrower_terms_forbid_what_they_leave_out() -> None:
    """A lower ceiling, a domain below, a laxest onward rule: exactly what is gone is told."""
    gone = _change(_agreed(), _agreed(severity="moderate"))
    assert _only(gone.forbidden).what["severity"] == ("severe",)
    gone = _change(_agreed(), _agreed(domains=["disaster.flood"]))
    assert _only(gone.forbidden).what["domains"] == ("disaster",)
    gone = _change(_agreed(), _agreed(onward="none"))
    assert set(_only(gone.forbidden).what["onward"]) == {"free", "community", "ask-originator"}
    assert not gone.allowed


def test_what_another_agreement_still_covers_is_not_gone() -> None:
    """Terms that overlap are looked at together."""
    both = {"agreements": [*_agreed()["agreements"], *_agreed(tlps=["green"])["agreements"]]}
    assert _only(_change(both, _agreed(tlps=["green"])).forbidden).what["tlps"] == ("amber",)


def test_a_member_of_a_community() -> None:
    """Who joins may give to each member and have from each, by the charter, if the charter admits it."""
    community = {"name": "@vn.flood", "members": [DYKE, PROVINCE], "tiers": ["state"], "charter": TERMS}
    joined = {**community, "members": [DYKE, PROVINCE, POLICE]}
    change = _change({"communities": [community]}, {"communities": [joined]})
    assert {(each.from_, each.to) for each in change.allowed} == {
        (DYKE, POLICE),
        (POLICE, DYKE),
        (PROVINCE, POLICE),
        (POLICE, PROVINCE),
    }
    business = {"communities": [joined], "agencies": {POLICE: {"tier": "business"}}}
    change = _change({"communities": [community], "agencies": {POLICE: {"tier": "business"}}}, business)
    assert {each.to for each in change.allowed} == {DYKE, PROVINCE}


def test_an_agency_that_is_closed() -> None:
    """It gives nothing and gets nothing any more, and may say nothing."""
    change = _change(_agreed(), {**_agreed(), "agencies": {POLICE: {"active": False}}})
    assert {(each.from_, each.to) for each in change.forbidden} >= {(DYKE, POLICE), (POLICE, None)}
    assert not change.allowed


def test_a_mandate() -> None:
    """What an agency may newly say, and no more."""
    wider = {"agencies": {DYKE: {"mandates": [making.mandate("disaster", areas=["VN-13"], severity="severe")]}}}
    change = _change({}, wider)
    assert {each.what["domains"] for each in change.allowed} == {("disaster",)}
    assert {each.what["areas"] for each in change.forbidden} == {("VN-HN",)}


def test_terms_that_have_not_begun() -> None:
    """They cover nothing yet."""
    assert _change({}, _agreed(valid_from="2027-01-01T00:00:00Z")).empty


@given(st.sets(st.tuples(st.sampled_from("ab"), st.sampled_from("cde"), st.sampled_from("fg"))))
def test_boxes_hold_exactly_the_points(points: set[tuple[str, ...]]) -> None:
    """Whatever the points are, the boxes hold each of them once, and no other."""
    held = [point for box in boxes(points) for point in product(*box)]
    assert len(held) == len(set(held))
    assert set(held) == points
