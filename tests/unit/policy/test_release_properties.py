"""What holds of release for every alert, reader and directory: rows of the table, mixed and tightened at random."""

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.label import Label
from broker.policy.asking import Ask, Situation
from broker.policy.release import Decision, Released, release
from broker.policy.terms import Terms
from broker.policy.ways import Way
from broker.trust.directory import Snapshot
from schemas.directory import DirectoryDocument
from schemas.handling import Addressing, Handling, PartHandling
from schemas.statement import Part
from schemas.terms import Kind, Onward, PersonalData, Purpose, Status, Tlp
from tests.unit.policy import table

ROWS = table.rows()
ALERT = ("issuer", "iss", "kind", "notice", "status", "domain", "severity", "expires", "addressed", "wants")
HANDLING = ("tlp", "onward", "purpose", "personal", "basis", "erase", "caveats", "derived_from", "parts")
ADDRESSING = ("to", "release_to", "not_to", "consents", "direct_to", "is")
ASK = ("for", "statuses", "purposes", "way", "reading", "hub")
DIRECTORIES = ("before", "then")
PERSONAL = tuple(PersonalData)


@dataclasses.dataclass(frozen=True)
class Case:
    """Everything that release looks at."""

    label: Label
    situation: Situation
    ask: Ask
    d0: Snapshot | None
    d1: Snapshot
    now: datetime = table.NOW

    def decide(self) -> Decision:
        return release(self.label, self.situation, self.ask, self.d0, self.d1, self.now)

    def handling(self, **changes: Any) -> "Case":
        return self.with_label(handling=self.label.handling.model_copy(update=changes))

    def addressing(self, **changes: Any) -> "Case":
        return self.with_label(addressing=self.label.addressing.model_copy(update=changes))

    def with_label(self, **changes: Any) -> "Case":
        return dataclasses.replace(self, label=self.label.model_copy(update=changes))

    def with_situation(self, **changes: Any) -> "Case":
        return dataclasses.replace(self, situation=dataclasses.replace(self.situation, **changes))

    def with_ask(self, **changes: Any) -> "Case":
        return dataclasses.replace(self, ask=dataclasses.replace(self.ask, **changes))

    def with_directory(self, **changes: Any) -> "Case":
        document = self.d1.document.model_copy(update=changes)
        return dataclasses.replace(self, d1=Snapshot(document, self.d1.digest + "x"))


def case_of(row: dict[str, Any]) -> Case:
    """What a row describes."""
    d0, d1 = table.directories(row)
    return Case(table.label(row), table.situation(row), table.ask(row), d0, d1)


def mixed(alert: Any, handling: Any, addressing: Any, ask: Any, directories: Any) -> dict[str, Any]:
    """A row whose members come from several."""
    row = dict(table.TABLE["defaults"])
    for source, names in (
        (alert, ALERT),
        (handling, HANDLING),
        (addressing, ADDRESSING),
        (ask, ASK),
        (directories, DIRECTORIES),
    ):
        row |= {name: source[name] for name in names if name in source}
    return row


ANY_ROW = st.sampled_from(ROWS)
MIXED = st.builds(mixed, ANY_ROW, ANY_ROW, ANY_ROW, ANY_ROW, ANY_ROW)
CASES = (ANY_ROW | MIXED).map(case_of)


# restrictions -------------------------------------------------------------------------------------------------------

Restriction = Callable[[Case, st.DataObject], Case]


def _above(values: tuple[Any, ...], value: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values[values.index(value) :])


def _fewer(data: st.DataObject, values: Any) -> tuple[Any, ...]:
    values = tuple(values)
    return tuple(value for value in values if data.draw(st.booleans()))


def _part_terms(data: st.DataObject, before: PartHandling | None) -> PartHandling:
    """A part's own terms, each at least as strict as before."""
    before = before or PartHandling()
    purpose = tuple(before.purpose or Purpose)
    stated = {
        "tlp": data.draw(_above(tuple(Tlp), before.tlp or Tlp.CLEAR)),
        "onward": data.draw(_above(tuple(Onward), before.onward or Onward.FREE)),
        "purpose": purpose[: data.draw(st.integers(1, len(purpose)))],
        "personal_data": data.draw(_above(PERSONAL, before.personal_data or PersonalData.NONE)),
        "caveats": (*before.caveats, *data.draw(st.sets(st.sampled_from(["H1", "H2", "H3", "H9"]), max_size=2))),
        "derived_from": before.derived_from,
    }
    return before.model_copy(update=stated)


def _tighten_a_part(case: Case, data: st.DataObject) -> Case:
    if not case.label.parts:
        return case
    index = data.draw(st.integers(0, len(case.label.parts) - 1))
    part = case.label.parts[index]
    tight = part.model_copy(update={"handling": _part_terms(data, part.handling)})
    return case.with_label(parts=(*case.label.parts[:index], tight, *case.label.parts[index + 1 :]))


def _exclude(case: Case, data: st.DataObject) -> Case:
    selectors = [case.ask.agency, "@asean.disaster", "vn.*", "vn.mps", "@public", "th.hub", "vn.moph"]
    return case.addressing(not_to=(*case.label.addressing.not_to, data.draw(st.sampled_from(selectors))))


def _derive(case: Case, data: st.DataObject) -> Case:
    name = data.draw(st.sampled_from([*table.TABLE["sources"], "unknown"]))
    id_ = table.source_id(name)
    derived = {**case.situation.derived, id_: table._source(name)}
    handling = case.label.handling
    return case.handling(derived_from=(*handling.derived_from, id_)).with_situation(derived=derived)


def _narrow_agreements(case: Case, data: st.DataObject) -> Case:
    def narrow(agreement: Any) -> Any:
        member = data.draw(st.sampled_from(["domains", "statuses", "purposes", "tlps", "personal"]))
        values = getattr(agreement, member)
        return agreement.model_copy(update={member: values[: data.draw(st.integers(0, len(values)))]})

    return case.with_directory(agreements=tuple(narrow(each) for each in _fewer(data, case.d1.document.agreements)))


def _narrow_communities(case: Case, data: st.DataObject) -> Case:
    def narrow(community: Any) -> Any:
        charter = community.charter.model_copy(
            update={
                member: _fewer(data, getattr(community.charter, member))
                for member in ("domains", "statuses", "purposes")
            }
        )
        return community.model_copy(update={"charter": charter, "tiers": _fewer(data, community.tiers)})

    communities = case.d1.document.communities
    index = data.draw(st.integers(0, len(communities) - 1))
    changed = (*communities[:index], narrow(communities[index]), *communities[index + 1 :])
    return case.with_directory(communities=changed)


def _close_an_agency(case: Case, _: st.DataObject) -> Case:
    agencies = tuple(
        agency.model_copy(update={"active": False}) if agency.id == case.ask.agency else agency
        for agency in case.d1.document.agencies
    )
    return case.with_directory(agencies=agencies)


RESTRICTIONS: Mapping[str, Restriction] = {
    "a higher TLP": lambda case, data: case.handling(tlp=data.draw(_above(tuple(Tlp), case.label.handling.tlp))),
    "a stricter onward": lambda case, data: case.handling(
        onward=data.draw(_above(tuple(Onward), case.label.handling.onward))
    ),
    "fewer purposes": lambda case, data: case.handling(purpose=_fewer(data, case.label.handling.purpose)),
    "more personal data": lambda case, data: case.handling(
        personal_data=data.draw(_above(PERSONAL, case.label.handling.personal_data))
    ),
    "no legal basis": lambda case, _: case.handling(legal_basis=None),
    "no erasure": lambda case, _: case.handling(erase_after=None),
    "an erasure that has come": lambda case, _: case.handling(erase_after="2026-11-22T08:00:00Z"),
    "another caveat": lambda case, data: case.handling(
        caveats=(*case.label.handling.caveats, data.draw(st.sampled_from(["H1", "H2", "H3", "H9"])))
    ),
    "derived from another": _derive,
    "fewer addressed": lambda case, data: case.addressing(to=_fewer(data, case.label.addressing.to)),
    "released to fewer": lambda case, data: case.addressing(release_to=_fewer(data, case.label.addressing.release_to)),
    "more excluded": _exclude,
    "a stricter part": _tighten_a_part,
    "recalled": lambda case, _: case.with_situation(recalled=True),
    "compromised": lambda case, _: case.with_situation(compromised=True),
    "suspended": lambda case, _: case.with_situation(suspended=True),
    "cancelled": lambda case, _: case.with_situation(cancelled=True),
    "superseded": lambda case, _: case.with_situation(superseded=True),
    "expired": lambda case, _: case.with_label(expires="2026-11-22T07:59:00Z"),
    "fewer consents": lambda case, data: case.with_situation(
        consents=frozenset(_fewer(data, sorted(case.situation.consents)))
    ),
    "directly to fewer": lambda case, data: case.with_situation(
        direct_to=frozenset(_fewer(data, sorted(case.situation.direct_to)))
    ),
    "unknown sources": lambda case, _: case.with_situation(derived={}),
    "asked for fewer statuses": lambda case, data: case.with_ask(statuses=_fewer(data, case.ask.statuses)),
    "asked for fewer purposes": lambda case, data: case.with_ask(purposes=_fewer(data, case.ask.purposes)),
    "an unbound token": lambda case, _: case.with_ask(way=Way.READ_UNBOUND) if case.ask.way is Way.READ_BOUND else case,
    "webhooks over http": lambda case, _: (
        case.with_ask(way=Way.WEBHOOK_HTTP) if case.ask.way is Way.WEBHOOK_HTTPS else case
    ),
    "narrower agreements": _narrow_agreements,
    "narrower communities": _narrow_communities,
    "a closed agency": _close_an_agency,
    "an expired directory": lambda case, _: case.with_directory(expires="2026-11-22T07:59:00Z"),
    "caveats without rules": lambda case, _: case.with_directory(caveats={}),
    "an unknown directory": lambda case, _: dataclasses.replace(case, d0=None),
}


def closed_downwards(case: Case) -> Case:
    """With agreements that cover what asks for less than what they cover.

    An agreement may list one level alone (`tlps: [green]`); then `clear` is not covered, and a higher TLP can fall
    under it. That is what such a list says (rule 8), so the levels here are lists from the lowest up.
    """

    def closed(terms: Any) -> Any:
        tlps, personal = tuple(Tlp), PERSONAL
        return terms.model_copy(
            update={
                "tlps": tlps[: max((tlps.index(each) + 1 for each in terms.tlps), default=0)],
                "personal": personal[: max((personal.index(each) + 1 for each in terms.personal), default=0)],
            }
        )

    document = case.d1.document
    communities = tuple(
        community.model_copy(update={"charter": closed(community.charter)}) for community in document.communities
    )
    return case.with_directory(agreements=tuple(map(closed, document.agreements)), communities=communities)


def gives(decision: Decision) -> frozenset[str] | None:
    """The parts that go; None when nothing does."""
    return frozenset(decision.parts) if isinstance(decision, Released) else None


@given(base=CASES, names=st.lists(st.sampled_from(sorted(RESTRICTIONS)), min_size=1, max_size=3), data=st.data())
def test_a_restriction_never_adds(base: Case, names: list[str], data: st.DataObject) -> None:
    """A restriction added anywhere never adds a recipient, nor a part."""
    base = restricted = closed_downwards(base)
    for name in names:
        restricted = RESTRICTIONS[name](restricted, data)
    before, after = gives(base.decide()), gives(restricted.decide())
    if after is not None:
        assert before is not None, names
        assert after <= before, names


@pytest.mark.parametrize("name", sorted(RESTRICTIONS))
@settings(max_examples=20)
@given(row=ANY_ROW, data=st.data())
def test_each_restriction(name: str, row: dict[str, Any], data: st.DataObject) -> None:
    """Each restriction by itself, on the rows as they are written."""
    base = closed_downwards(case_of(row))
    before, after = gives(base.decide()), gives(RESTRICTIONS[name](base, data).decide())
    assert after is None or (before is not None and after <= before)


# nothing means nobody -----------------------------------------------------------------------------------------------


def _no_terms(member: str) -> Callable[[Case], Case]:
    def empty(case: Case) -> Case:
        document = case.d1.document
        agreements = tuple(each.model_copy(update={member: ()}) for each in document.agreements)
        communities = tuple(
            each.model_copy(update={"charter": each.charter.model_copy(update={member: ()})})
            for each in document.communities
        )
        return case.with_directory(agreements=agreements, communities=communities)

    return empty


EMPTY: Mapping[str, Callable[[Case], Case]] = {
    "addressing": lambda case: case.addressing(to=(), release_to=()).with_situation(consents=frozenset()),
    "purposes of the handling": lambda case: case.handling(purpose=()),
    "purposes asked for": lambda case: case.with_ask(purposes=()),
    "statuses asked for": lambda case: case.with_ask(statuses=()),
    "agreements and communities": lambda case: case.with_directory(agreements=(), communities=()),
    "domains of agreements": _no_terms("domains"),
    "statuses of agreements": _no_terms("statuses"),
    "levels of agreements": _no_terms("tlps"),
    "personal data of agreements": _no_terms("personal"),
    "purposes of agreements": _no_terms("purposes"),
    "agency": lambda case: case.with_ask(agency=""),
}
BY_RELEASE = [
    row
    for row in ROWS
    if row["give"] == "whole"
    and row["for"] not in ("@public", row["issuer"])
    and not ({"notice", "direct_to"} & row.keys())
    and "@public" not in [*row.get("to", []), *row.get("release_to", [])]
    and row["issuer"] != table.WORLD["hub"]
]


@pytest.mark.parametrize("what", EMPTY)
@pytest.mark.parametrize("row", BY_RELEASE, ids=lambda row: row["why"])
def test_an_empty_anything_releases_nothing(what: str, row: dict[str, Any]) -> None:
    """What is released whole is withheld as soon as any list that allows is empty: empty never means all."""
    base = case_of(row)
    assert gives(base.decide()) is not None
    assert gives(EMPTY[what](base).decide()) is None


@given(case=CASES)
def test_an_alert_for_nobody(case: Case) -> None:
    """With nobody addressed, nobody consented to and nobody answered, only its issuer has it."""
    nobody = EMPTY["addressing"](case).with_situation(consents=frozenset(), direct_to=frozenset())
    decision = nobody.decide()
    if gives(decision) is not None:
        assert case.ask.agency == case.label.issuer


@given(case=CASES)
def test_default_is_withhold(case: Case) -> None:
    """In a directory that knows only a hub nobody gets anything, but the public on its feed.

    Notices and recalls go to whoever was given the alert, whatever has ended since (protocol §9, last line).
    """
    broadcast = case.label.notice is not None or case.label.kind is Kind.RECALL
    document = DirectoryDocument.model_validate(
        {
            "network": "https://nts.example/vn",
            "version": 1,
            "hub": "vn.hub",
            "agencies": [{"id": "vn.hub", "tier": "state", "active": False}],
        }
    )
    empty = Snapshot(document, "sha256:" + "0" * 64)
    assert gives(dataclasses.replace(case, d1=empty).decide()) is None or case.ask.is_public or broadcast


# decisions ------------------------------------------------------------------------------------------------------------


@given(case=CASES)
def test_every_rule_is_heard(case: Case) -> None:
    """A decision says what each of the fifteen rules said; one fails exactly when it is not released whole."""
    decision = case.decide()
    assert [said.rule for said in decision.rules] == list(range(1, 16))
    failed = [said.rule for said in decision.rules if said.said == "fail"]
    if isinstance(decision, Released):
        assert failed == ([] if decision.whole else [15])
        assert decision.whole == (set(decision.parts) == {part.id for part in case.label.parts})
        assert not set(decision.owed) & set(decision.parts)
    else:
        assert failed[0] == decision.by_rule


@given(case=CASES)
def test_the_same_again(case: Case) -> None:
    """Release is pure: the same question has the same answer."""
    assert case.decide() == case.decide()


@given(case=CASES, digest=st.binary(min_size=32, max_size=32), size=st.integers(0, 2**40))
def test_the_body_does_not_count(case: Case, digest: bytes, size: int) -> None:
    """Another body (digests, sizes, types and languages of parts, the statement's digest) gives the same decision."""
    other = {"digest": f"sha256:{digest.hex()}", "size": size, "type": "application/octet-stream", "language": "vi"}
    parts = tuple(part.model_copy(update=other) for part in case.label.parts)
    assert case.with_label(parts=parts, digest=f"sha256:{digest.hex()}").decide() == case.decide()


def _types(annotation: Any, seen: set[Any]) -> Iterator[Any]:
    """Every type that an annotation can hold, through models and dataclasses."""
    for inner in typing.get_args(annotation) or (annotation,):
        if typing.get_args(inner):
            yield from _types(inner, seen)
        elif isinstance(inner, type) and inner not in seen and not isinstance(annotation, types.NoneType):
            seen.add(inner)
            yield inner
            if dataclasses.is_dataclass(inner) or issubclass(inner, pydantic.BaseModel):
                for hint in typing.get_type_hints(inner).values():
                    yield from _types(hint, seen)


def test_release_takes_no_body() -> None:
    """Nothing that release takes can hold the bytes of a part: neither its arguments nor what is in them."""
    taken: set[Any] = set()
    hints = typing.get_type_hints(release)
    hints.pop("return")
    for hint in hints.values():
        list(_types(hint, taken))
    assert {Label, Situation, Ask, Part, Handling, Addressing} <= taken
    assert not {bytes, bytearray, memoryview} & taken
    assert "data" not in Part.model_fields


# a part's terms -------------------------------------------------------------------------------------------------------


@given(row=ANY_ROW, data=st.data())
def test_the_stricter_of_the_two(row: dict[str, Any], data: st.DataObject) -> None:
    """A part's handling never loosens the alert's: each member acts as the stricter of the two."""
    whole = Terms.of(table.handling(row))
    own = _part_terms(data, None)
    inner = whole.stricter(own)
    tlps, onwards = tuple(Tlp), tuple(Onward)
    assert tlps.index(inner.tlp) == max(tlps.index(whole.tlp), tlps.index(own.tlp or Tlp.CLEAR))
    assert onwards.index(inner.onward) >= onwards.index(whole.onward)
    assert PERSONAL.index(inner.personal) >= PERSONAL.index(whole.personal)
    assert inner.purposes <= whole.purposes
    assert inner.caveats >= whole.caveats
    assert inner.derived_from >= whole.derived_from
    assert whole.stricter(PartHandling()) == whole


@pytest.mark.parametrize("way", Way)
def test_ways_carry_what_is_below(way: Way) -> None:
    """A way that carries a level carries all below it; what is sealed may go exactly one row higher."""
    carried = [way.carries(tlp) for tlp in Tlp]
    assert carried == sorted(carried, reverse=True)
    assert sum(way.carries(tlp, sealed=True) for tlp in Tlp) == min(sum(carried) + 1, len(Tlp))


def _to_someone(**changes: Any) -> Case:
    row = table.TABLE["defaults"] | {"to": ["vn.quangninh"]} | changes
    return case_of(row)


def test_a_cancel_that_states_no_addressing_goes_by_release() -> None:
    """Of the kinds without an addressing of their own a reply alone goes directly; a cancel is asked all rules."""
    cancel = _to_someone(kind="cancel", addressed=False)
    assert gives(cancel.decide()) is not None
    assert gives(cancel.with_directory(agreements=()).decide()) is None
    reply = _to_someone(kind="reply", addressed=False, direct_to=["vn.quangninh"])
    assert gives(reply.with_directory(agreements=()).decide()) is not None


def test_only_a_request_asks_for_onward() -> None:
    """A `request` for onward goes directly; another kind does not, whatever it wants."""
    request = _to_someone(kind="request", wants=["onward"], direct_to=["vn.quangninh"])
    assert gives(request.with_directory(agreements=()).decide()) is not None
    assert gives(_to_someone(kind="alert", wants=["onward"]).decide()) is not None


def test_statuses_of_the_public() -> None:
    """Whatever a feed asks for, the public gets `actual` alone."""
    row = table.TABLE["defaults"] | {
        "to": ["@public"],
        "tlp": "clear",
        "purpose": ["public-warning"],
        "for": "@public",
        "way": "feed",
        "statuses": list(Status),
        "status": "exercise",
    }
    assert gives(case_of(row).decide()) is None
    assert gives(case_of(row | {"status": "actual"}).decide()) is not None
