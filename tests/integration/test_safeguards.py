"""What this hub must never be used for, and what must stand on what it carries: a test for each safeguard."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import httpx2
import pytest

from broker.trust.keys import load_jwk
from schemas import terms
from schemas.statement import ALERT_EVENT
from schemas.vocabulary import vocabulary
from tests.e2e import world as small
from tests.integration.agencies import (
    CONTENT,
    DYKE,
    HEALTH,
    POLICE,
    THAI_POLICE,
    Json,
    Part,
    World,
    alert,
    claims,
    handling,
    later,
    personal,
)
from tests.integration.asking import Caller, accepted, form_b, form_d, id_of, sign_in
from tests.integration.processes import Hub, serving, until

ROOT = Path(__file__).parents[2]
AHA = "asean.aha"
LONGEST_DAYS = 30
CONDITION = "No use in proceedings that can end in capital punishment."
PARAMETERS = {"alert", "subscription", "agency", "purpose", "after", "have", "id_", "kid"} | {
    "Alert-Statement",
    "Alert-Salt",
    "accept-language",
    "changes",
    "use",
    "with",
    "community",
    "since",
    "until",
}
"""All that any call takes beside its body: names of one thing each, a place in a list, a purpose, how to tell it."""
NO_TERMS = (
    "opinion|belie[fv]|religio|church|mosque|sect\\b|ethnic|race\\b|racial|minorit|politic|dissent|protest|demonstrat|"
    "riot|assembl|gather|strike\\b|union\\b|propaganda|rumou?r|foreigner|expatriate|residen|"
    "ý kiến|quan điểm|chính kiến|chính trị|tôn giáo|tín ngưỡng|giáo phái|dân tộc|sắc tộc|chủng tộc|biểu tình|tuần hành|"
    "đình công|tụ tập|hội họp|tuyên truyền|tin đồn|phản động|người nước ngoài|cư trú|tạm trú"
)
REQUEST = {
    "kind": "request",
    "wants": ["record-check"],
    "respond_by": later(days=1),
    "refs": {"ours": "C02/2026/77"},
    "domain": "crime",
    "product": None,
}


@dataclass(frozen=True)
class Place:
    """A hub whose profile of crime, reviewer, inspector and conditions are those of this page."""

    hub: Hub
    world: World

    def post(self, event: Json, issuer: str = POLICE, **changes: Any) -> httpx2.Response:
        return form_b(self.world.signed(claims(event, issuer, **changes))).send(self.hub)

    def refused(self, event: Json, issuer: str = POLICE) -> tuple[str, list[str]]:
        """The code, and where."""
        told = self.post(event, issuer).json()
        return told["code"], [each["path"].partition("alert~11")[2] for each in told["errors"]]

    def caller(self, agency: str, **more: Any) -> Caller:
        return sign_in(self.hub, self.world, agency, **more)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Health may review what the dyke agency says; ASEAN's AHA Centre inspects; Thailand's police asks a condition."""
    world = World.make(tmp_path_factory.mktemp("safeguards"))

    def safeguarded(document: Json) -> None:
        entries = {entry["id"]: entry for entry in document["agencies"]}
        entries[small.HUB]["mandates"] = []
        entries[AHA]["roles"] = ["inspector"]
        entries[HEALTH]["mandates"][0]["review"] = [DYKE]
        profile = {"longest_erasure_days": LONGEST_DAYS, "person_declaration": True}
        document["profiles"] = {"crime": profile | {"required": ["handling.person.offence"]}}
        for agreement in document["agreements"]:
            if agreement["from"] == THAI_POLICE:
                agreement["conditions"] = [CONDITION]

    world.edit(safeguarded)
    with serving(world) as hub:
        yield Place(hub, world)


def on_a_person(**changes: Any) -> Json:
    """An alert about a person, with all that it must carry."""
    declared = {"neutrality": "interpol-article-3", "offence": "0401"}
    return alert(THAI_POLICE, domain="crime.wanted", handling=personal(**{"person": declared, **changes}))


def request(*to: str, **changes: Any) -> Json:
    """A request about a person; None takes a member away."""
    event = alert(*to or (THAI_POLICE,), handling=personal(), **REQUEST)
    return {name: value for name, value in (event | changes).items() if value is not None}


# Asking -----------------------------------------------------------------------------------------------------------


def test_no_searching_for_persons_by_name(place: Place) -> None:
    """No call takes a text to look for: every parameter there is names one thing by its exact id, or a place."""
    paths = place.hub.http.get("/openapi.json").json()["paths"]
    calls = [call for each in paths.values() for call in each.values()]
    assert {parameter["name"] for call in calls for parameter in call.get("parameters", ())} == PARAMETERS
    listed = place.caller(HEALTH).call("GET", "/v1/subscriptions?name=Nguyen&q=Nguyen")
    assert listed.json() == place.caller(HEALTH).call("GET", "/v1/subscriptions").json()


@pytest.mark.parametrize("name", ["*", f"{DYKE}/*", f"{DYKE}/0", "vn.*"])
def test_no_wildcards(place: Place, name: str) -> None:
    """What is no exact id is none: nothing is found for it, for an inspector neither; nor can a filter name all."""
    accepted(place.hub, place.world)
    reader, inspector = place.caller(HEALTH), place.caller(AHA, scope="inspect")
    assert reader.call("GET", f"/v1/alerts/{name}?purpose=prevention").status_code == 404
    assert inspector.call("GET", f"/v1/decisions?alert={name}").status_code == 404
    wanted = {"adapter": "stream", "purpose": ["prevention"], "filter": {"issuers": ["*"]}}
    assert reader.call("POST", "/v1/subscriptions", wanted).json()["code"] == "invalid-request"


@pytest.mark.parametrize("to", [["@vn.fincrime"], ["vn.*"], [THAI_POLICE, "@asean.disaster"]])
def test_no_bulk_queries(place: Place, to: list[str]) -> None:
    """A request about a person goes to agencies that it names one by one: to no community, to nobody's offices."""
    assert place.refused(request(*to)) == ("terms", ["/addressing"])


def test_a_call_is_about_one_alert(place: Place) -> None:
    """Two ids in one question are not two answers."""
    one, two = (accepted(place.hub, place.world) for _ in range(2))
    issuer = place.caller(DYKE)
    told = issuer.call("GET", f"/v1/decisions?alert={one}&alert={two}").json()["decisions"]
    assert len({each["alert"] for each in told}) <= 1
    assert issuer.call("GET", f"/v1/decisions?alert={one},{two}").status_code == 404


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ({"refs": None}, ("terms", ["/refs/ours"])),
        ({"respond_by": None}, ("invalid-statement", ["/respond_by"])),
        ({"handling": personal(purpose=None)}, ("invalid-statement", ["/handling/purpose"])),
        ({"addressing": None}, ("invalid-statement", ["/addressing"])),
        ({"handling": personal(legal_basis=None)}, ("no-legal-basis", ["/handling/legal_basis"])),
    ],
    ids=["case reference", "deadline", "purpose", "addressee", "legal basis"],
)
def test_a_request_about_a_person_is_addressed_and_has_a_case_and_a_purpose(
    place: Place, without: Json, told: tuple[str, list[str]]
) -> None:
    """What lacks its case reference, deadline, purpose, addressee or legal basis is refused, and told which."""
    assert place.post(request()).status_code == 202
    assert place.refused(request(**without)) == told


def test_a_case_reference_may_stand_with_the_person(place: Place) -> None:
    """`refs.ours` or `handling.person.reference`: one of the two names the case."""
    person = {"neutrality": "interpol-article-3", "reference": "C02/2026/78"}
    assert place.post(request(refs=None, handling=personal(person=person))).status_code == 202


# Hit or no hit ----------------------------------------------------------------------------------------------------


def _answered(place: Place, outcome: str) -> Json:
    """What the requester is given."""
    asking, asked = place.caller(POLICE), place.caller(THAI_POLICE)
    mine, theirs = asking.subscribe(), asked.subscribe()
    id_ = accepted(place.hub, place.world, request(), issuer=POLICE)
    with asked.stream(theirs) as envelopes:
        assert id_of(next(envelopes)) == id_
    reply = {"kind": "reply", "status": "actual", "references": [id_], "outcome": outcome}
    accepted(place.hub, place.world, reply, issuer=THAI_POLICE)
    with asking.stream(mine) as envelopes:
        came = next(envelopes)
    for caller, subscription in ((asking, mine), (asked, theirs)):
        assert caller.call("DELETE", f"/v1/subscriptions/{subscription}").status_code == 204
    return came


@pytest.mark.parametrize("outcome", ["hit", "partial"])
def test_confirm_with_the_source_stands_on_every_hit(place: Place, outcome: str) -> None:
    """A hit is no authority to arrest, and says so to whoever receives it, in both languages."""
    (condition,) = _answered(place, outcome)["hub"]["conditions"]
    assert "Confirm with the source" in condition
    assert "no authority to arrest" in condition
    assert "Xác minh lại với nguồn" in condition


def test_no_hit_is_answered_without_more(place: Place) -> None:
    """An answer needs no word beside its outcome, and none is added."""
    came = _answered(place, "no-hit")
    assert (came["parts"], came["hub"]["conditions"]) == ({}, [])


# Words ------------------------------------------------------------------------------------------------------------


def test_the_vocabulary_has_no_term_for_what_people_think_or_are() -> None:
    """No domain, in either language, and no closed list names opinion, religion, ethnicity, protest, or foreigners."""
    words = [word for term in vocabulary().terms for word in (term.id, *term.labels.values())]
    lists = [each for each in vars(terms).values() if isinstance(each, type) and issubclass(each, Enum)]
    words += [str(member.value) for each in lists for member in each]
    assert len(words) > 500
    assert [word for word in words if re.search(NO_TERMS, word, re.IGNORECASE)] == ["Bird strike"]


def test_misinformation_means_impersonated_official_warnings_only() -> None:
    """The one term of that name says so, in both languages."""
    (term,) = [term for term in vocabulary().terms if "misinformation" in term.id or "disinformation" in term.id]
    assert term.labels["en"] == "Impersonated official warning"
    assert term.labels["vi"] == "Giả mạo cảnh báo chính thức"
    assert str(term.note).startswith("Impersonated official warnings only")


def test_no_keyword_filter_decides(place: Place) -> None:
    """Whatever the words say, the same is decided, by every rule alike."""
    reader = place.caller(HEALTH)
    id_ = reader.subscribe()
    rules = []
    for words in ("Lũ trên sông Hồng", "Biểu tình, tôn giáo, dân tộc, chính trị", "protest religion ethnic politics"):
        part = Part(words.encode(), "text/plain")
        said = claims(alert(headline={"vi": words}, parts=[part.described()]))
        assert form_d(place.world.signed(said), part).send(place.hub).status_code == 202
        path = f"/v1/decisions?alert={said['jti']}&subscription={id_}"
        (decision,) = until(lambda path=path: _decisions(place.caller(DYKE), path))
        rules.append((decision["outcome"], decision["rules"]))
    assert rules == [rules[0]] * 3
    assert rules[0][0] == "whole"
    assert reader.call("DELETE", f"/v1/subscriptions/{id_}").status_code == 204


def _decisions(caller: Caller, path: str) -> list[Json]:
    answer = caller.call("GET", path)
    return list(answer.json()["decisions"]) if answer.status_code == 200 else []


# Messages about persons -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ({"person": {"neutrality": "interpol-article-3"}}, ("terms", ["/handling/person/offence"])),
        ({"person": {"offence": "0401"}}, ("neutrality", ["/handling/person/neutrality"])),
        ({"legal_basis": None}, ("no-legal-basis", ["/handling/legal_basis"])),
        ({"legal_basis": {"instrument": "Law"}}, ("invalid-statement", ["/handling/legal_basis/article"])),
        ({"legal_basis": {"article": "17"}}, ("invalid-statement", ["/handling/legal_basis/instrument"])),
        ({"erase_after": None}, ("no-legal-basis", ["/handling/erase_after"])),
        ({"erase_after": later(days=LONGEST_DAYS + 1)}, ("no-legal-basis", ["/handling/erase_after"])),
        ({"purpose": None}, ("invalid-statement", ["/handling/purpose"])),
    ],
    ids=[
        "offence",
        "declaration",
        "basis",
        "article",
        "instrument",
        "erasure",
        "erasure within the maximum",
        "purpose",
    ],
)
def test_a_message_about_a_person_carries_what_it_must(
    place: Place, without: Json, told: tuple[str, list[str]]
) -> None:
    """The offence's code (by the profile), instrument and article, purpose, erasure within the maximum, declaration."""
    assert place.post(on_a_person()).status_code == 202
    assert place.refused(on_a_person(**without)) == told


def test_persons_are_never_on_a_public_feed(place: Place) -> None:
    """`@public` with personal data is refused, whatever else is stated, in a part too."""
    public = personal(tlp="clear", purpose=["public-warning"])
    assert place.refused(alert("@public", handling=public), DYKE) == ("terms", ["/addressing"])
    part = Part()
    terms_ = handling("clear", purpose=["public-warning"])
    inner = personal(tlp="clear", purpose=["public-warning"])
    event = alert("@public", handling=terms_, parts=[part.described(handling=inner)])
    answer = form_d(place.world.signed(claims(event)), part).send(place.hub)
    assert answer.json()["code"] == "terms", answer.text


def test_a_reviewer_outside_the_sender_s_chain_can_challenge_and_suspend(place: Place) -> None:
    """While the challenge stands nobody is given the alert; who is in the sender's own line cannot bring one."""
    reader = place.caller(POLICE)
    id_ = accepted(place.hub, place.world, alert(POLICE))
    read = f"/v1/alerts/{id_}?purpose=prevention"
    assert reader.call("GET", read).status_code == 200
    challenge = {"kind": "challenge", "status": "actual", "references": [id_], "outcome": "suspend"}
    assert place.refused(challenge, DYKE) == ("outside-mandate", ["/references/0"])
    assert place.refused(challenge, POLICE) == ("outside-mandate", ["/references/0"])
    accepted(place.hub, place.world, challenge, issuer=HEALTH)
    until(lambda: reader.call("GET", read).status_code == 404)
    accepted(place.hub, place.world, challenge | {"outcome": "withdraw"}, issuer=HEALTH)
    until(lambda: reader.call("GET", read).status_code == 200)


# The hub, and who looks at it -------------------------------------------------------------------------------------


def test_the_hub_issues_no_notices_of_interpol(place: Place) -> None:
    """The hub says what became of an alert, and tests; a statement about anybody under its own name is refused."""
    jwk = json.loads((place.world.folder / "hub-keys" / "statement.json").read_text())
    key = load_jwk({name: value for name, value in jwk.items() if name not in ("use", "kid", "alg")})
    said = claims(on_a_person(), small.HUB)
    answer = form_b(place.world.signed(said, key)).send(place.hub)
    assert answer.json()["code"] == "outside-mandate", answer.text
    assert {each.value for each in terms.NoticeKind} == {"updated", "cancelled", "suspended", "expired", "superseded"}
    assert "INTERPOL" in (ROOT / "README.md").read_text("utf-8").partition("## Out of bounds")[2]


def test_conditions_of_an_agreement_are_shown_with_every_alert_under_it(place: Place) -> None:
    """What the sender's agreement asks of the reader stands beside the alert: on a stream, and when it is read."""
    caller = place.caller(POLICE)
    id_ = caller.subscribe()
    said = accepted(place.hub, place.world, alert(POLICE), issuer=THAI_POLICE)
    with caller.stream(id_) as envelopes:
        assert next(envelopes)["hub"]["conditions"] == [CONDITION]
    assert caller.call("GET", f"/v1/alerts/{said}").json()["hub"]["conditions"] == [CONDITION]
    assert caller.call("DELETE", f"/v1/subscriptions/{id_}").status_code == 204


def test_inspectors_read_decisions_and_evidence_without_content(place: Place) -> None:
    """Each decision with what every rule said, and the history of who asked for what; and no word of what was sent."""
    reader, inspector = place.caller(HEALTH), place.caller(AHA, scope="inspect")
    id_ = reader.subscribe(name="Phòng trực")
    part = Part()
    said = claims(alert(parts=[part.described()]))
    assert form_d(place.world.signed(said), part).send(place.hub).status_code == 202
    path = f"/v1/decisions?alert={said['jti']}"
    until(lambda: _decisions(inspector, path))
    read = inspector.call("GET", path)
    assert [rule["rule"] for rule in read.json()["decisions"][0]["rules"]] == list(range(1, 16))
    assert not [word for word in (CONTENT, "Dyke breach", part.carried()["data"]) if word in read.text]
    assert inspector.call("GET", f"/v1/history?agency={HEALTH}").json()["history"]
    for content in (f"/v1/alerts/{said['jti']}", f"/v1/receipts/{said['jti']}", f"/v1/subscriptions/{id_}/stream"):
        assert inspector.call("GET", content).json()["code"] == "insufficient-scope"
    assert reader.call("DELETE", f"/v1/subscriptions/{id_}").status_code == 204


@pytest.mark.parametrize("page", ["README.md", "README.vi.md", "SECURITY.md", "docs/security.md"])
def test_state_secrets_are_out_of_bounds(page: str) -> None:
    """The pages that people read first say that they do not belong here."""
    text = (ROOT / page).read_text("utf-8")
    assert re.search("State secrets|Bí mật nhà nước|bí mật nhà nước", text)
    if page.startswith("README"):
        assert "Tuyệt mật" in text
        assert "Tối mật" in text


def test_what_is_signed_has_no_member_for_a_name() -> None:
    """An officer is a code of the agency's own register, and what routes is never a person."""
    from schemas.statement import Alert, Request

    for model in (Alert, Request):
        assert not [field for field in model.model_fields if "name" in field or "person" in field]
    assert ALERT_EVENT.endswith("/alert/1")
