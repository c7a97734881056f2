"""An agreement's end, to the instant: what it stops, and what follows the first receivers whatever ended."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.judgement import Judgement, read_inputs
from broker.policy.release import Released, release
from broker.trust.directory import Snapshot
from schemas.base import instant
from tests.unit.policy import table
from tests.unit.policy.test_release_properties import BY_RELEASE, CASES, RESTRICTIONS, Case, case_of, gives

INSTANT = timedelta(milliseconds=1)


def ending(case: Case, at: datetime) -> Case:
    """All that is agreed, bilaterally or by charter, ends at that time in the directory of now."""
    until = {"valid_from": None, "valid_until": at.isoformat()}
    document = case.d1.document
    return case.with_directory(
        agreements=tuple(each.model_copy(update=until) for each in document.agreements),
        communities=tuple(each.model_copy(update=until) for each in document.communities),
    )


def at(case: Case, moment: datetime) -> Case:
    """Asked at that time."""
    return Case(case.label, case.situation, case.ask, case.d0, case.d1, moment)


@pytest.mark.parametrize("reading", [False, True], ids=["as it says", "read"])
@pytest.mark.parametrize("row", BY_RELEASE, ids=lambda row: row["why"])
def test_an_agreement_s_end_stops_all_but_notices(row: dict[str, Any], reading: bool) -> None:
    """A millisecond before its end it is given; at its end it is not: deliveries, reads and replays alike."""
    case = ending(case_of(row | {"reading": reading or row.get("reading", False)}), table.NOW)
    assert gives(at(case, table.NOW - INSTANT).decide()) is not None
    after = at(case, table.NOW).decide()
    assert gives(after) is None


@pytest.mark.parametrize("broadcast", [{"notice": "cancelled"}, {"kind": "recall"}], ids=["a notice", "a recall"])
def test_notices_and_recalls_follow_the_first_receivers(broadcast: dict[str, Any]) -> None:
    """Whoever was given the alert is told of its fate, whatever has ended since; whoever was not, is not."""
    row = table.TABLE["defaults"] | {"to": ["vn.quangninh"], "direct_to": ["vn.quangninh"]} | broadcast
    case = ending(case_of(row), table.NOW)
    bare = case.with_directory(agreements=(), communities=())
    for ended in (at(case, table.NOW), bare):
        assert gives(ended.decide()) is not None
        assert gives(ended.with_situation(direct_to=frozenset()).decide()) is None


@given(case=CASES)
def test_deny_wins(case: Case) -> None:
    """Who is named in `not_to` gets nothing by release, whatever else names it: `to`, a consent, its community."""
    reader = case.ask.agency
    generous = case.with_situation(consents=frozenset({reader})).addressing(
        to=(*case.label.addressing.to, reader), not_to=(reader,)
    )
    broadcast = case.label.notice is not None or case.label.kind == "recall"
    if reader != case.label.issuer and not broadcast:
        assert gives(generous.decide()) is None


@given(case=CASES, name=st.sampled_from(sorted(RESTRICTIONS)), data=st.data())
def test_a_decision_is_made_again_from_what_was_kept(case: Case, name: str, data: st.DataObject) -> None:
    """Years later, from the kept inputs and the directories of then, every rule says the same again."""
    case = RESTRICTIONS[name](case, data)
    made = case.decide()
    kept = Judgement(case.label, made, case.ask, case.situation, case.d1.digest, case.now).kept()
    inputs = read_inputs(kept.inputs)
    situation = inputs.situation(case.situation.derived if inputs.derived else {})
    again = release(
        case.label,
        situation,
        inputs.ask(kept.agency, kept.subscription),
        case.d0,
        _read_back(case.d1),
        instant(kept.at),
    )
    assert (again.rules, isinstance(again, Released)) == (made.rules, isinstance(made, Released))
    assert again == made


def _read_back(snapshot: Snapshot) -> Snapshot:
    """As it comes out of the store, where it is kept as a text."""
    text = snapshot.document.model_dump_json(by_alias=True, exclude_none=True)
    return Snapshot(type(snapshot.document).model_validate_json(text), snapshot.digest)
