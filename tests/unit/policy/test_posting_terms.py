"""Which terms may be posted: step 12, protocol §3, and what a domain's profile asks."""

from collections.abc import Mapping
from typing import Any

import pytest

from broker.errors import Refused
from tests.unit import making
from tests.unit.making import EVENT, HANDLING, PERSONAL, POLICE

PART = {"id": "main", "type": "text/plain", "size": 1, "digest": "sha256:" + "0a" * 32}


def refusal(*args: Any, **kwargs: Any) -> tuple[str, list[str]]:
    """The code and the paths, without the event's own, of a refused post."""
    with pytest.raises(Refused) as refused:
        making.authorised(*args, **kwargs)
    return refused.value.code, [fault.path.removeprefix(EVENT) for fault in refused.value.faults]


def terms(to: list[str], release_to: list[str] = [], not_to: list[str] = [], **handling: Any) -> dict[str, Any]:  # noqa: B006 - read only
    """Addressing and handling of an event."""
    addressing = {"to": to, "release_to": release_to, "not_to": not_to}
    return {"addressing": addressing, "handling": {**HANDLING, **handling}}


ALLOWED: Mapping[str, dict[str, Any]] = {
    "red to exact ids": terms(["vn.quangninh", POLICE], tlp="red"),
    "red, excluding a community": terms(["vn.quangninh"], not_to=["@asean.disaster", "vn.mps.*"], tlp="red"),
    "amber+strict to a community": terms(["@asean.disaster", "vn.*"], tlp="amber+strict"),
    "amber released to others": terms(["@asean.disaster"], ["vn.*"], [POLICE]),
    "free at green": terms(["@asean.disaster"], tlp="green", onward="free"),
    "free at clear": terms(["@public"], tlp="clear", onward="free"),
    "asking at red": terms(["vn.quangninh"], tlp="red", onward="ask-originator"),
    "community at amber": terms(["@asean.disaster"], onward="community"),
    "clear to the public": terms(["@public"], tlp="clear"),
    "clear released to the public": terms(["vn.quangninh"], ["@public"], tlp="clear"),
    "nobody at all": terms([]),
    "personal data to a community": terms(["@asean.disaster"], **PERSONAL),
}
REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "red to a community": (terms(["@asean.disaster"], tlp="red"), "/addressing"),
    "red to descendants": (terms(["vn.*"], tlp="red"), "/addressing"),
    "red released": (terms(["vn.quangninh"], ["vn.mae"], tlp="red"), "/addressing"),
    "amber+strict released": (terms(["vn.quangninh"], ["vn.mae"], tlp="amber+strict"), "/addressing/release_to"),
    "clear but not to some": (terms(["vn.quangninh"], [], ["la.police"], tlp="clear"), "/addressing/not_to"),
    "not to the public": (terms(["vn.quangninh"], [], ["@public"]), "/addressing/not_to"),
    "free at amber": (terms(["vn.quangninh"], onward="free"), "/handling/onward"),
    "free at amber+strict": (terms(["vn.quangninh"], tlp="amber+strict", onward="free"), "/handling/onward"),
    "free at red": (terms(["vn.quangninh"], tlp="red", onward="free"), "/handling/onward"),
    "green to the public": (terms(["@public"], tlp="green"), "/addressing"),
    "green released to the public": (terms(["vn.quangninh"], ["@public"], tlp="green"), "/addressing"),
    "personal data to the public": (terms(["@public"], **{**PERSONAL, "tlp": "clear"}), "/addressing"),
    "an exercise to the public": ({**terms(["@public"], tlp="clear"), "status": "exercise"}, "/addressing"),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_allowed(case: str) -> None:
    """Terms that go together are taken as they are stated."""
    stated = ALLOWED[case]
    made = making.authorised(**stated)
    assert list(made.label.addressing.to) == stated["addressing"]["to"]
    assert made.label.handling.tlp == stated["handling"]["tlp"]


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("kind", ["alert", "request"])
def test_refused(kind: str, case: str) -> None:
    """Terms that contradict each other are refused with the path of the one that must change."""
    stated, path = REFUSED[case]
    code, paths = refusal(kind, **stated)
    assert (code, set(paths)) == ("terms", {path})


def test_all_contradictions_are_told() -> None:
    """Several contradictions are told together."""
    stated = terms(["@public"], ["vn.mae"], ["@public"], tlp="red", onward="free")
    assert refusal(**stated) == ("terms", ["/addressing", "/addressing/not_to", "/handling/onward", "/addressing"])


@pytest.mark.parametrize("selectors", [{"to": ["@asean.disaster"]}, {"to": ["vn.quangninh"], "release_to": ["vn.*"]}])
def test_a_request_with_personal_data_is_addressed(selectors: dict[str, Any]) -> None:
    """A request with personal data, in whole or in a part, goes to exact ids alone; one without may go wider."""
    to, also = selectors["to"], selectors.get("release_to", [])
    assert refusal("request", **terms(to, also, **PERSONAL)) == ("terms", ["/addressing"])
    inner = {**PART, "handling": {"personal_data": "sensitive", **_personal(PERSONAL)}}
    assert refusal("request", **terms(to, also), parts_stated=[inner]) == ("terms", ["/addressing"])
    assert making.authorised("request", **terms(to, also))
    assert making.authorised("request", **terms(["vn.quangninh", POLICE], ["vn.mae"], **PERSONAL))
    assert making.authorised("alert", **terms(to, also, **PERSONAL))


def _personal(handling: dict[str, Any]) -> dict[str, Any]:
    return {name: handling[name] for name in ("legal_basis", "erase_after", "person")}


CANCELLED = making.label(
    addressing={"to": ["vn.quangninh", "@asean.disaster"], "release_to": ["vn.*"], "not_to": ["la.police"]},
    handling={**HANDLING, "onward": "ask-originator", "caveats": ["H1"]},
)
NARROWER: Mapping[str, dict[str, Any]] = {
    "nothing stated": {},
    "the same": terms(
        ["vn.quangninh", "@asean.disaster"], ["vn.*"], ["la.police"], onward="ask-originator", caveats=["H1"]
    ),
    "fewer": terms(["vn.quangninh"], [], ["la.police", POLICE], tlp="red", caveats=["H1", "H2"]),
}
WIDER: Mapping[str, tuple[dict[str, Any], str]] = {
    "to more": (terms(["vn.mae"], [], ["la.police"], caveats=["H1"]), "/addressing/to"),
    "released to more": (terms([], ["vn.mae"], ["la.police"], caveats=["H1"]), "/addressing/release_to"),
    "excluding fewer": (terms(["vn.quangninh"], [], [], caveats=["H1"]), "/addressing/not_to"),
    "a lower level": (terms([], [], ["la.police"], tlp="green", caveats=["H1"]), "/handling/tlp"),
    "laxer onward": (terms([], [], ["la.police"], onward="community", caveats=["H1"]), "/handling/onward"),
    "a caveat less": (terms([], [], ["la.police"], caveats=["H2"]), "/handling/caveats"),
}


@pytest.mark.parametrize("case", NARROWER)
def test_a_cancel_may_narrow(case: str) -> None:
    """A cancel may state less than the cancelled alert did; what it does not state it takes over, but not `expires`."""
    made = making.authorised("cancel", knows=making.known(CANCELLED), **NARROWER[case])
    assert set(made.label.addressing.to) <= set(CANCELLED.addressing.to)
    assert made.label.expires is None
    assert (made.label.domain, made.label.severity) == (CANCELLED.domain, CANCELLED.severity)


@pytest.mark.parametrize("case", WIDER)
def test_a_cancel_may_not_widen(case: str) -> None:
    """A cancel that states more than the cancelled alert did is refused at what it widens."""
    stated, path = WIDER[case]
    assert refusal("cancel", knows=making.known(CANCELLED), **stated) == ("terms", [path])


class TestPersonalData:
    """A missing declaration is `neutrality`, a missing basis or date `no-legal-basis`."""

    def test_in_order(self) -> None:
        """With declaration, basis and a date ahead it is taken."""
        assert making.authorised(handling=PERSONAL).label.handling.personal_data == "ordinary"

    @pytest.mark.parametrize("person", [..., {"offence": "0701"}], ids=str)
    @pytest.mark.parametrize("data", ["ordinary", "sensitive"])
    def test_no_declaration(self, data: str, person: Any) -> None:
        """Without the declaration it is refused, and that is told before a missing basis."""
        stated = {**PERSONAL, "personal_data": data, "person": person, "legal_basis": ...}
        handling = {name: value for name, value in stated.items() if value is not ...}
        assert refusal(handling=handling) == ("neutrality", ["/handling/person/neutrality"])

    def test_no_basis(self) -> None:
        """Without an instrument it is refused."""
        assert refusal(handling=_without("legal_basis")) == ("no-legal-basis", ["/handling/legal_basis"])

    def test_no_date(self) -> None:
        """Without a date of erasure it is refused."""
        assert refusal(handling=_without("erase_after")) == ("no-legal-basis", ["/handling/erase_after"])

    def test_neither(self) -> None:
        """Both are told when both are missing."""
        handling = {name: PERSONAL[name] for name in PERSONAL if name not in ("erase_after", "legal_basis")}
        assert refusal(handling=handling) == ("no-legal-basis", ["/handling/legal_basis", "/handling/erase_after"])

    def test_the_date_lies_ahead(self) -> None:
        """A date of erasure that has come is none; one second later is one."""
        assert refusal(handling={**PERSONAL, "erase_after": "2026-11-22T08:00:00+07:00"})[0] == "no-legal-basis"
        assert making.authorised(handling={**PERSONAL, "erase_after": "2026-11-22T08:00:01+07:00"})

    def test_none_needs_nothing(self) -> None:
        """Without personal data no basis, date or declaration is asked for."""
        assert making.authorised(handling=HANDLING)

    def test_a_part_of_its_own(self) -> None:
        """A part with personal data asks for all three, its own or the alert's, and is named."""
        inner = {**PART, "handling": {"personal_data": "ordinary"}}
        assert refusal(parts_stated=[inner]) == ("neutrality", ["/parts/0/handling/person/neutrality"])
        declared = {**PART, "handling": {"personal_data": "ordinary", "person": PERSONAL["person"]}}
        paths = ["/parts/0/handling/legal_basis", "/parts/0/handling/erase_after"]
        assert refusal(parts_stated=[declared]) == ("no-legal-basis", paths)
        complete = {**PART, "handling": {**_personal(PERSONAL), "personal_data": "ordinary"}}
        assert making.authorised(parts_stated=[complete])
        assert making.authorised(parts_stated=[inner], handling={**HANDLING, **_personal(PERSONAL)})

    def test_an_answer_with_parts_is_asked_too(self) -> None:
        """A reply that states no handling of its own is asked for its parts, under the request's handling."""
        request = making.label(making.id_of(POLICE, 3), kind="request", iss=POLICE, issuer=POLICE)
        knows = making.known(request, given=(making.DYKE,))
        inner = {**PART, "handling": {"personal_data": "ordinary"}}
        assert refusal("reply", knows=knows, parts_stated=[inner])[0] == "neutrality"
        assert making.authorised("reply", knows=knows, parts_stated=[PART])


def _without(member: str) -> dict[str, Any]:
    return {name: value for name, value in PERSONAL.items() if name != member}


class TestProfiles:
    """What a domain's profile asks beyond the protocol; the nearest profile above the domain counts."""

    def test_required_members(self) -> None:
        """A member that the profile requires must be there; an empty list is not there."""
        by = {"iss": POLICE, "domain": "health.epidemic"}
        assert refusal(**by, areas=...) == ("terms", ["/onset", "/areas"])
        assert refusal(**by, onset="2026-11-22T08:00:00Z", areas=[]) == ("terms", ["/areas"])
        assert making.authorised(**by, onset="2026-11-22T08:00:00Z")

    def test_requirements_are_of_alerts_and_updates(self) -> None:
        """An update is held to the profile; a request is not."""
        by = {"iss": POLICE, "domain": "health.epidemic"}
        mine = making.known(making.label(issuer=POLICE, domain="health"))
        assert refusal("update", knows=mine, **by) == ("terms", ["/onset"])
        assert making.authorised("request", **by)

    def test_the_declaration_without_personal_data(self) -> None:
        """Where the profile says so, the declaration is asked for even without personal data, of the whole alone."""
        by = {"iss": POLICE, "domain": "crime.trafficking"}
        assert refusal(**by) == ("neutrality", ["/handling/person/neutrality"])
        assert refusal(**by, parts_stated=[{**PART, "handling": {"tlp": "red"}}]) == (
            "neutrality",
            ["/handling/person/neutrality"],
        )
        assert making.authorised(**by, handling={**HANDLING, "person": PERSONAL["person"]})

    def test_the_longest_erasure(self) -> None:
        """A date of erasure beyond the profile's maximum is refused; one at it is taken."""
        by = {"iss": POLICE, "domain": "crime.trafficking"}
        assert making.authorised(**by, handling={**PERSONAL, "erase_after": "2027-11-22T01:00:00Z"})
        late = {**PERSONAL, "erase_after": "2027-11-22T01:00:01Z"}
        assert refusal(**by, handling=late) == ("no-legal-basis", ["/handling/erase_after"])

    def test_the_nearest_profile(self) -> None:
        """A profile nearer to the domain stands in for the one above it; domains without any are asked nothing."""
        profiles = {"health": {"approval": True}, "health.epidemic": {}, "crime": {"required": ["onset"]}}
        world = making.directory(profiles=profiles)
        assert not making.authorised(iss=POLICE, world=world, domain="health.epidemic").label.awaits_approval
        assert making.authorised(iss=POLICE, world=world, domain="health.epidemic.animal")
        assert refusal(iss=POLICE, world=world, domain="health.food") == ("terms", ["/domain"])
        assert making.authorised(world=world)


class TestAddressing:
    """Step 11: the addressing in the statement, in its part, or taken from what is answered."""

    def test_the_part_stands_in(self) -> None:
        """What the part `addressing` says counts as the addressing, and is held to the same terms."""
        content = b'{"addressing": {"to": ["vn.quangninh"]}, "chain": {"name": "dyke-1", "seq": 7}}'
        stated = making.part("addressing", content, "application/vnd.interagency.addressing+json")
        made = making.authorised(addressing=..., parts_stated=[stated], parts={"addressing": content})
        assert made.addressing is not None
        assert list(made.label.addressing.to) == ["vn.quangninh"]
        assert made.label.addressed
        assert made.label.parts == ()
        public = b'{"addressing": {"to": ["@public"]}}'
        stated = making.part("addressing", public, "application/vnd.interagency.addressing+json")
        assert refusal(addressing=..., parts_stated=[stated], parts={"addressing": public}) == (
            "terms",
            ["/addressing"],
        )

    def test_answers_take_it_over(self) -> None:
        """An answer without handling and addressing has those of what it answers, and says that it states none."""
        knows = making.known(CANCELLED, given=(making.PROVINCE,))
        made = making.authorised("ack", making.PROVINCE, knows=knows)
        assert made.addressing is None
        assert not made.label.addressed
        assert made.label.handling == CANCELLED.handling
        assert made.label.addressing == CANCELLED.addressing

    def test_an_update_takes_nothing_over(self) -> None:
        """An update stands for itself: what it does not state is not there."""
        old = making.known(making.label(areas=[{"iso": "VN-HN"}]))
        world = making.directory(agencies={making.DYKE: {"mandates": [making.mandate("disaster")]}})
        assert making.authorised("update", knows=old, world=world, areas=...).label.areas == ()


def test_the_label_is_what_was_signed() -> None:
    """Label members are those of the statement, with the directory and the time of acceptance."""
    made = making.authorised(by="officer-0412", refs={"ours": "DD/2026/118"})
    label = made.label
    assert (label.id, label.iss, label.issuer) == (making.id_of(making.DYKE), making.DYKE, making.DYKE)
    assert (label.kid, label.by, label.iat) == (making.key(making.DYKE).kid, "officer-0412", making.IAT)
    assert (label.severity, label.urgency, label.certainty) == ("severe", "immediate", "observed")
    assert label.languages == ("vi", "en")
    assert label.accepted_at == "2026-11-22T01:00:00.000Z"
    assert label.directory == making.directory().digest
