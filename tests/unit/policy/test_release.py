"""What the truth table does not write down row by row: members of agreements, dates, and words of a decision."""

from typing import Any

import pytest

from broker.policy.asking import Situation, Source
from broker.policy.paths import Path, charter_holds, path_holds, tlp_keeps
from broker.policy.reasons import Reason
from broker.policy.release import Decision, Released, Withheld, release
from schemas.terms import Onward, Tlp
from tests.unit.policy import table

READER = "vn.quangninh"


def decide(world: dict[str, Any] | None = None, **row: Any) -> Decision:
    """The table's default alert for the province, changed, under the world of now, changed."""
    row = {**table.TABLE["defaults"], "to": [READER], **row}
    d0, d1 = table.directories(row)
    if world:
        document = d1.document.model_dump(mode="json", by_alias=True, exclude_none=True)
        merged = table.merged(document, world)
        d1 = type(d1)(type(d1.document).model_validate(merged), "sha256:" + "1" * 64)
    return release(table.label(row), table.situation(row), table.ask(row), d0, d1, table.now())


def agreement(**changes: Any) -> dict[str, Any]:
    """A directory whose one agreement is that of the dyke agency with the province, changed."""
    stated = {**table.WORLD["agreements"]["dyke-quangninh"], **changes}
    return {"agreements": [stated], "communities": []}


@pytest.mark.parametrize("laxest", Onward)
@pytest.mark.parametrize("stated", Onward)
def test_the_laxest_onward_of_an_agreement(laxest: Onward, stated: Onward) -> None:
    """An agreement that names the laxest third-party rule covers that one and the stricter ones, by rule 8."""
    order = list(Onward)
    decision = decide(agreement(onward=laxest), onward=stated, tlp="green")
    if order.index(stated) >= order.index(laxest):
        assert isinstance(decision, Released)
    else:
        assert isinstance(decision, Withheld)
        assert decision.by_rule == 8


def test_conditions_are_those_of_the_agreements_it_goes_under() -> None:
    """The reader is told the conditions of the agreements that share a purpose, each once, and of no others."""
    base = table.WORLD["agreements"]["dyke-quangninh"]
    world = {
        "agreements": [
            {**base, "purposes": ["prevention"], "conditions": ["Return on request", "Not for the press"]},
            {**base, "purposes": ["prevention"], "conditions": ["Not for the press"]},
            {**base, "purposes": ["prosecution"], "conditions": ["No use for capital punishment"]},
        ],
        "communities": [],
    }
    decision = decide(world, purposes=["prevention"])
    assert isinstance(decision, Released)
    assert decision.conditions == ("Return on request", "Not for the press")


@pytest.mark.parametrize(("part_tlp", "told"), [("green", True), ("red", False)])
def test_conditions_are_those_of_the_agreements_that_its_parts_go_under_too(part_tlp: str, told: bool) -> None:
    """Where a part's own terms are covered by another agreement, the reader is told the conditions of that one too."""
    base = table.WORLD["agreements"]["dyke-quangninh"]
    world = {
        "agreements": [
            {**base, "tlps": ["clear"], "conditions": ["Not for the press"]},
            {**base, "tlps": ["green"], "conditions": ["No use for capital punishment"]},
        ],
        "communities": [],
    }
    decision = decide(world, tlp="clear", parts=[{"id": "main"}, {"id": "list", "tlp": part_tlp}])
    assert isinstance(decision, Released)
    assert decision.parts == (("main", "list") if told else ("main",))
    assert decision.conditions == ("Not for the press", "No use for capital punishment")[: 1 + told]


def test_a_part_that_stays_back_brings_no_conditions() -> None:
    """What is asked of the reader is asked for what it gets: a part that the way does not carry adds nothing."""
    base = table.WORLD["agreements"]["dyke-quangninh"]
    world = {
        "agreements": [{**base, "tlps": ["green"]}, {**base, "tlps": ["red"], "conditions": ["Return on request"]}],
        "communities": [],
    }
    stated = {"tlp": "green", "parts": [{"id": "main"}, {"id": "annex", "tlp": "red"}]}
    for way, parts, conditions in (
        ("read-unbound", ("main",), ()),
        ("read-bound", ("main", "annex"), ("Return on request",)),
    ):
        decision = decide(world, way=way, **stated)
        assert isinstance(decision, Released)
        assert (decision.parts, decision.conditions) == (parts, conditions)


def test_what_goes_without_an_agreement_goes_without_conditions() -> None:
    """Rule 8 is not asked of an answer that goes directly, so no agreement's conditions go with it."""
    world = agreement(conditions=["Return on request"])
    for row, conditions in ({}, ("Return on request",)), ({"kind": "ack", "direct_to": [READER]}, ()):
        decision = decide(world, **row)
        assert isinstance(decision, Released)
        assert decision.conditions == conditions


@pytest.mark.parametrize(
    ("dates", "active"),
    [
        ({"valid_from": "2026-11-22T08:00:00Z"}, True),
        ({"valid_from": "2026-11-22T08:00:01Z"}, False),
        ({"valid_until": "2026-11-22T08:00:01Z"}, True),
        ({"valid_until": "2026-11-22T08:00:00Z"}, False),
    ],
    ids=str,
)
def test_dates(dates: dict[str, str], active: bool) -> None:
    """An agency, and an agreement, holds from the moment it begins, and no longer at the moment it ends."""
    document = table.directory(None).document.model_dump(mode="json", by_alias=True, exclude_none=True)
    agencies = [each | dates if each["id"] == READER else each for each in document["agencies"]]
    for world, rule in (({"agencies": agencies}, 1), (agreement(**dates), 8)):
        decision = decide(world)
        assert isinstance(decision, Released) is active
        assert isinstance(decision, Released) or decision.by_rule == rule


def test_a_decision_says_by_what_it_was_decided() -> None:
    """Rule 4 names the selectors that exclude; where none does it does not speak of an exclusion."""
    excluded, free = decide(not_to=["vn", "th.police"]), decide(not_to=["th.police"])
    assert (excluded.rules[3].reason, excluded.rules[3].looked_at["excluded_by"]) == (Reason.EXCLUDED, ["vn"])
    assert (free.rules[3].reason, free.rules[3].looked_at["excluded_by"]) == (Reason.NOT_EXCLUDED, [])


RELAY = {"issuers": ["vn.*"], "tlps": ["clear", "green", "amber"]}
NO_RELAY = {"domains": ["disaster"], "areas": ["*"], "statuses": ["actual"], "severity": "extreme"}


def to_a_hub(hub: str = "th.hub", mandates: list[dict[str, Any]] | None = None, **row: Any) -> Decision:
    """The default alert for the Thai navy, which reads at a hub whose operator has these mandates."""
    document = table.directory(None).document.model_dump(mode="json", by_alias=True, exclude_none=True)
    changed = {"th.navy": {"served_by": hub}, "th.hub": {"mandates": mandates if mandates is not None else []}}
    agencies = [each | changed.get(each["id"], {}) for each in document["agencies"]]
    return decide({"agencies": agencies}, to=["th.navy"], **{"for": "th.navy", "way": "hub", "hub": hub, **row})


@pytest.mark.parametrize(
    ("mandates", "given"),
    [
        ([NO_RELAY | {"relay": RELAY}], True),
        ([NO_RELAY, NO_RELAY | {"relay": RELAY}], True),
        ([NO_RELAY], False),
        ([], False),
        ([NO_RELAY | {"relay": RELAY | {"issuers": ["th.*"]}}], False),
        ([NO_RELAY | {"relay": RELAY | {"issuers": []}}], False),
        ([NO_RELAY | {"relay": RELAY | {"tlps": ["clear", "green"]}}], False),
        ([NO_RELAY | {"relay": RELAY | {"tlps": []}}], False),
    ],
    ids=str,
)
def test_a_hub_relays_for_these_issuers_at_these_levels(mandates: list[dict[str, Any]], given: bool) -> None:
    """Rule 13: some mandate of the hub's operator relays for the issuer at the level; one without relay does not."""
    decision = to_a_hub(mandates=mandates)
    assert isinstance(decision, Released) is given
    assert isinstance(decision, Released) or decision.by_rule == 13


def test_a_hub_that_nobody_knows() -> None:
    """Rule 13: a hub that the directory does not know, or that is not named, gets nothing, whomever it serves."""
    for decision in (to_a_hub("xx.hub"), decide(to=["th.navy"], way="hub", hub=None, **{"for": "th.navy"})):
        assert isinstance(decision, Withheld)
        assert decision.by_rule == 13


@pytest.mark.parametrize(
    ("standing", "expires", "owed"),
    [
        (["suspended"], "2026-11-23T08:00:00Z", True),
        (["suspended"], "2026-11-22T08:00:00Z", False),
        (["suspended", "cancelled"], "2026-11-23T08:00:00Z", False),
        (["suspended", "recalled"], "2026-11-23T08:00:00Z", False),
        (["suspended", "compromised"], "2026-11-23T08:00:00Z", False),
        (["cancelled"], "2026-11-23T08:00:00Z", False),
    ],
    ids=str,
)
def test_what_is_suspended_stays_owed(standing: list[str], expires: str, owed: bool) -> None:
    """Rule 2: a suspension may be withdrawn, so it stays owed; what has ended otherwise as well does not."""
    decision = decide(**{"is": standing, "expires": expires})
    assert isinstance(decision, Withheld)
    assert (decision.by_rule, decision.stays_owed) == (2, owed)


@pytest.mark.parametrize("kind", ["alert", "ack", "recall", "consent", "challenge"])
def test_what_others_may_have_signed_goes_to_nobody(kind: str) -> None:
    """Rule 2: of whatever kind it is, also of those that pass few rules, it is not given; an expiry tells no fate."""
    for expires in ("2026-11-23T08:00:00Z", "2026-11-22T08:00:00Z"):
        row = {"kind": kind, "is": ["compromised"], "direct_to": [READER], "expires": expires}
        decision = decide(**row)
        assert isinstance(decision, Withheld)
        assert (decision.by_rule, decision.stays_owed, decision.fate) == (2, False, None)
        assert decision.rules[1].reason is Reason.COMPROMISED
        assert decision.rules[1].looked_at["key"] == "k"
        assert (decision.rules[7].said == "not-applicable") == (kind != "alert")  # rule 8, as for any of its kind


def test_a_notice_about_it_is_the_hubs_word() -> None:
    """What tells receivers that it is suspended is not kept back with it."""
    decision = decide(notice="suspended", direct_to=[READER], **{"is": ["compromised"]})
    assert isinstance(decision, Released)


def test_its_issuer_reads_what_others_may_have_signed() -> None:
    """Rule 1 alone counts for the issuer: it has to see what was said in its name."""
    decision = decide(issuer=READER, **{"is": ["compromised"]})
    assert isinstance(decision, Released)


@pytest.mark.parametrize(
    ("standing", "expires", "fate"),
    [
        (["recalled"], "2026-11-23T08:00:00Z", "recalled"),
        (["recalled", "cancelled"], "2026-11-22T08:00:00Z", "recalled"),
        (["cancelled"], "2026-11-23T08:00:00Z", "cancelled"),
        (["superseded"], "2026-11-23T08:00:00Z", "superseded"),
        ([], "2026-11-22T08:00:00Z", "expired"),
        (["cancelled", "superseded"], "2026-11-22T08:00:00Z", "cancelled"),
        (["superseded"], "2026-11-22T08:00:00Z", "superseded"),
        (["suspended"], "2026-11-23T08:00:00Z", None),
        (["suspended"], "2026-11-22T08:00:00Z", "expired"),
        (["suspended", "superseded"], "2026-11-23T08:00:00Z", "superseded"),
        (["suspended", "cancelled"], "2026-11-23T08:00:00Z", "cancelled"),
        (["suspended", "recalled"], "2026-11-23T08:00:00Z", "recalled"),
    ],
    ids=str,
)
def test_what_became_of_it(standing: list[str], expires: str, fate: str | None) -> None:
    """Withheld by rule 2 it says what ended the alert, suspended or not; a suspension alone ends nothing."""
    decision = decide(**{"is": standing, "expires": expires})
    assert isinstance(decision, Withheld)
    assert (decision.by_rule, decision.fate) == (2, fate)


def test_who_may_not_have_it_is_told_no_fate() -> None:
    """What has ended, and is withheld by another rule as well, has no fate: no notice tells of it."""
    assert decide(expires="2026-11-22T08:00:00Z").fate == "expired"
    assert decide(not_to=[READER], expires="2026-11-22T08:00:00Z").fate is None


def test_what_waits_for_approval_has_no_fate() -> None:
    """What expires before a second officer approved it was never owed: no notice tells of it."""
    assert decide(**{"is": ["awaiting"]}, expires="2026-11-22T08:00:00Z").fate is None


def test_another_rule_tells_no_fate() -> None:
    """What another rule withholds first has no fate, though it has ended as well."""
    decision = decide(not_to=[READER], expires="2026-11-22T08:00:00Z", reading=True)
    assert isinstance(decision, Withheld)
    assert (decision.by_rule, decision.fate) == (4, None)


def test_a_directory_that_expires_later() -> None:
    """Rule 1: a directory holds up to the moment of its expiry."""
    assert isinstance(decide({"expires": "2026-11-22T08:00:01Z"}), Released)
    assert isinstance(decide({"expires": "2026-11-22T08:00:00Z"}), Withheld)


def test_every_rule_is_heard_without_the_directory_at_acceptance() -> None:
    """Where D0 is not known here rule 4 withholds, and the rules after it are heard all the same."""
    for excluded in (["la.police"], ["@asean.disaster"], ["th.hub"]):
        decision = to_a_hub(mandates=[NO_RELAY | {"relay": RELAY}], before="unknown", not_to=excluded)
        assert isinstance(decision, Withheld)
        assert decision.by_rule == 4
        assert len(decision.rules) == 15


def test_parts_of_the_issuers_own() -> None:
    """Rule 15 has nothing to say where rule 1 is the only one: the issuer has all its parts, whatever their terms."""
    parts = [{"id": "main"}, {"id": "list", "tlp": "red"}, {"id": "others", "derived_from": ["unknown"]}]
    decision = decide(parts=parts, **{"for": "vn.mae.dyke"})
    assert isinstance(decision, Released)
    assert decision.whole
    assert [said.rule for said in decision.rules if said.said != "not-applicable"] == [1]


def deriving(source: dict[str, Any], **row: Any) -> Decision:
    """The default alert, changed, which derives from an alert of the police that is known here."""
    row = {**table.TABLE["defaults"], "to": [READER], "derived_from": ["free"], **row}
    stated = {"issuer": "vn.mps.c02", "tlp": "clear", "onward": "free", "to": ["vn.mae.dyke"], **source}
    id_ = table.source_id("free")
    known = Situation(derived={id_: Source(table.label(stated, id_), frozenset(), table.directory(None))})
    d0, d1 = table.directories(row)
    return release(table.label(row), known, table.ask(row), d0, d1, table.now())


PUBLIC = {"to": ["@public"], "tlp": "clear", "purpose": ["public-warning"], "for": "@public", "way": "feed"}


def test_whom_a_source_excludes() -> None:
    """Rule 14: a source that excludes some goes on to others, but never to the public."""
    assert isinstance(deriving({"not_to": ["la.police"]}), Released)
    assert isinstance(deriving({"not_to": [READER]}), Withheld)
    assert isinstance(deriving({}, **PUBLIC), Released)
    decision = deriving({"not_to": ["la.police"]}, **PUBLIC)
    assert isinstance(decision, Withheld)
    assert decision.by_rule == 14


def test_a_source_accepted_under_an_unknown_directory() -> None:
    """Rule 14: a source whose directory at acceptance is not known here goes no further, whatever its terms."""
    row = {**table.TABLE["defaults"], "to": [READER], "derived_from": ["free"]}
    id_, d0 = table.source_id("free"), table.directory(None)
    for at_acceptance, given in ((d0, True), (None, False)):
        source = Source(table.label(table.TABLE["sources"]["free"], id_), frozenset(), at_acceptance)
        known = Situation(derived={id_: source})
        decision = release(table.label(row), known, table.ask(row), d0, d0, table.now())
        assert isinstance(decision, Released) is given


def test_caveats_are_not_for_the_public() -> None:
    """Rule 11: a caveat that allows everyone allows every agency, but not a feed without sign-in."""
    everyone = {"caveats": {"H7": ["@public"]}}
    assert isinstance(decide(everyone, caveats=["H7"]), Released)
    decision = decide(everyone, caveats=["H7"], **PUBLIC)
    assert isinstance(decision, Withheld)
    assert decision.by_rule == 11


def test_public_warning_is_a_purpose_of_the_public_path() -> None:
    """Rule 9: `public-warning` suffices for `@public` alone, and a feed need not ask for a purpose."""
    purposes = ["prevention", "public-warning"]
    decision = decide(purpose=purposes, purposes=["prosecution"])
    assert isinstance(decision, Withheld)
    assert decision.by_rule == 9
    assert isinstance(decide(to=["@public"], tlp="clear", purpose=purposes, purposes=["prosecution"]), Released)
    assert isinstance(decide(**PUBLIC, purposes=[]), Released)
    assert isinstance(decide(to=["@public"], tlp="clear", purpose=purposes, purposes=[]), Withheld)


def test_a_community_is_one_by_name() -> None:
    """Rule 14: onward within the community means a community that was addressed, not agencies that begin alike."""
    decision = deriving({"onward": "community", "to": ["vn.*"]})
    assert isinstance(decision, Withheld)
    assert decision.by_rule == 14
    assert isinstance(deriving({"onward": "community", "to": ["@vn.only"]}), Released)


@pytest.mark.parametrize("tlp", Tlp)
def test_the_public_has_a_path_for_clear_alone(tlp: Tlp) -> None:
    """Rule 6: no level but clear keeps `@public`, wherever it stands."""
    for in_to in (True, False):
        assert tlp_keeps(tlp, Path("@public", in_to), READER) is (tlp is Tlp.CLEAR)


def test_a_charter_holds_for_members_alone() -> None:
    """Rule 7: whoever fits the charter but is no member is not admitted."""
    directory = table.directory(None)
    community = directory.community("@asean.disaster")
    assert community is not None
    assert charter_holds(community, "vn.moh", directory)
    for other in ("vn.mps", "vn.nobody"):
        assert not charter_holds(community, other, directory)


def test_a_community_that_is_gone_admits_nobody() -> None:
    """Rule 7: a path through a community that one of the versions does not know does not hold."""
    path = Path("@asean.disaster", in_to=True)
    assert path_holds(path, "vn.moh", [table.directory(None)])
    assert not path_holds(path, "vn.moh", [table.directory(None), table.directory("dissolved")])
