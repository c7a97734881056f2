"""Two officers, asking the originator, and recalls, over a real hub: each whole way as the agencies live it."""

from collections.abc import Iterator

import pytest

from broker.trust import jws
from broker.trust.keys import PrivateKey, generate
from schemas.statement import BREAK_GLASS, GLASS_BROKEN, Claims
from tests.integration.agencies import (
    CONTENT,
    DYKE,
    HEALTH,
    POLICE,
    THAI_POLICE,
    Json,
    World,
    alert,
    claims,
    handling,
    later,
)
from tests.integration.asking import Caller, accepted, form_b, id_of, sign_in
from tests.integration.processes import Hub, serving, until

AN, BINH = generate("Ed25519"), generate("Ed25519")
"""Keys of two officers of the dyke agency."""
INSPECTOR = "vn.sbv.bank"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Cyber alerts are released by two officers, the bank inspects, and the police may give to the Thai police."""
    made = World.make(tmp_path_factory.mktemp("workflows"))

    def change(document: Json) -> None:
        document["profiles"] = {"cyber": {"approval": True, "break_glass": True}, "disaster": {"erase_within_hours": 1}}
        for agency in document["agencies"]:
            if agency["id"] == DYKE:
                agency["keys"] += [_record(agency, AN, "an-07"), _record(agency, BINH, "binh-11")]
            if agency["id"] == INSPECTOR:
                agency["roles"] = ["inspector"]

    made.edit(change)
    return made


def _record(agency: Json, key: PrivateKey, officer: str) -> Json:
    dates = {name: agency["keys"][0][name] for name in ("valid_from", "valid_until")}
    return {"kid": key.kid, "jwk": key.jwk, "alg": key.alg, "use": "statement", "officer": officer, **dates}


@pytest.fixture(scope="module")
def hub(world: World) -> Iterator[Hub]:
    """All roles in one process."""
    with serving(world) as one:
        yield one


def told(hub: Hub, world: World, id_: str, agency: str = DYKE) -> Json:
    """What the originator is told of its alert."""
    answer: Json = sign_in(hub, world, agency).call("GET", f"/v1/deliveries?alert={id_}").json()
    return answer


def post(hub: Hub, world: World, event: Json, key: PrivateKey | None = None, issuer: str = DYKE) -> Json:
    """The answer to an accepted post, with the statement that was posted."""
    statement = world.signed(claims(event, issuer), key)
    answer = form_b(statement).send(hub)
    assert answer.status_code == 202, answer.text
    return {**answer.json(), "posted": statement}


def about(kind: str, id_: str, **more: object) -> Json:
    """An event that answers another."""
    return {"kind": kind, "status": "actual", "references": [id_], **more}


def first(caller: Caller, subscription: str) -> Json:
    """The next envelope on the stream."""
    with caller.stream(subscription) as coming:
        return next(coming)


def test_a_second_officer_lets_it_go(hub: Hub, world: World) -> None:
    """What one officer signed waits, and is told so however often it is posted; who approves it is another one."""
    reader, issuer = sign_in(hub, world, HEALTH), sign_in(hub, world, DYKE)
    subscription = reader.subscribe()
    event = alert(domain="cyber.phishing")
    assert form_b(world.signed(claims(event))).send(hub).json()["code"] == "terms"
    taken = post(hub, world, event, AN)
    assert taken["state"] == "awaiting-approval"
    assert form_b(taken["posted"]).send(hub).json() == {key: value for key, value in taken.items() if key != "posted"}
    assert reader.call("GET", f"/v1/alerts/{taken['id']}").status_code == 404
    assert issuer.call("GET", f"/v1/alerts/{taken['id']}?purpose=prevention").status_code == 200
    approval = about("approve", taken["id"])
    for key in (AN, world.key(DYKE)):
        assert form_b(world.signed(claims(approval), key)).send(hub).json()["code"] == "outside-mandate"
    assert told(hub, world, taken["id"])["approval"] == {"state": "awaiting"}
    assert post(hub, world, approval, BINH)["state"] == "accepted"
    assert id_of(first(reader, subscription)) == taken["id"]
    until(lambda: told(hub, world, taken["id"])["approval"]["state"] == "approved")
    assert form_b(world.signed(claims(approval), BINH)).send(hub).json()["code"] == "outside-mandate"
    assert form_b(taken["posted"]).send(hub).json()["state"] == "awaiting-approval"


def test_a_broken_glass_is_told_to_inspectors(hub: Hub, world: World) -> None:
    """One officer alone releases what cannot wait; the inspector is told which, by whom and why, not what it says."""
    reader, inspector = sign_in(hub, world, HEALTH), sign_in(hub, world, INSPECTOR)
    subscription, watching = reader.subscribe(), inspector.subscribe(filter={"domains": ["health"]})
    event = alert(domain="cyber.phishing", ext={BREAK_GLASS: {"reason": "Một mình trực đêm"}})
    refused = form_b(world.signed(claims({**event, "urgency": "expected"}), AN)).send(hub).json()
    assert refused["code"] == "terms"
    taken = post(hub, world, event, AN)
    assert taken["state"] == "accepted"
    assert id_of(first(reader, subscription)) == taken["id"]
    word = first(inspector, watching)
    said = _event(word)
    assert said["ext"][GLASS_BROKEN]["reason"] == "Một mình trực đêm"
    assert (said["ext"][GLASS_BROKEN]["alert"], said["ext"][GLASS_BROKEN]["officer"]) == (taken["id"], "an-07")
    assert CONTENT not in str(said)
    Claims.from_claims(jws.frame_statement(word["statement"]).claims)  # as every reader's program checks it
    assert inspector.call("GET", f"/v1/alerts/{taken['id']}").status_code == 404
    assert told(hub, world, taken["id"])["approval"] == {"state": "glass-broken"}


def _event(envelope: Json) -> Json:
    from schemas.statement import ALERT_EVENT

    event: Json = jws.frame_statement(envelope["statement"]).claims["events"][ALERT_EVENT]
    return event


def test_the_originator_is_asked(hub: Hub, world: World) -> None:
    """The police may pass on what they were given once the dyke agency consents, and not when it takes that back."""
    police, thai = sign_in(hub, world, POLICE), sign_in(hub, world, THAI_POLICE)
    source = accepted(hub, world, alert(POLICE, handling=handling(onward="ask-originator")))
    until(lambda: police.call("GET", f"/v1/alerts/{source}?purpose=prevention").status_code == 200)

    def passed_on() -> str:
        event = alert(THAI_POLICE, handling=handling(derived_from=[source]))
        return accepted(hub, world, event, issuer=POLICE)

    def reads(id_: str) -> int:
        return thai.call("GET", f"/v1/alerts/{id_}?purpose=prevention").status_code

    one = passed_on()
    assert reads(one) == 404
    event = alert(DYKE, product=None, kind="request", wants=["onward"], onward_to=[THAI_POLICE], references=[source])
    request = accepted(hub, world, {**event, "respond_by": later(seconds=1)}, issuer=POLICE)
    until(lambda: told(hub, world, request, POLICE)["response"]["state"] == "late")
    [asked] = told(hub, world, source)["asked"]
    assert (asked["request"], asked["agency"], asked["state"]) == (request, POLICE, "late")
    accepted(hub, world, about("consent", request, granted=True))
    until(lambda: told(hub, world, source)["asked"][0]["state"] == "granted")
    assert told(hub, world, request, POLICE)["response"]["state"] == "answered"
    subscription = thai.subscribe(filter={"issuers": [POLICE]})
    two = passed_on()
    assert id_of(first(thai, subscription)) == two
    assert (reads(one), reads(two)) == (200, 200)
    accepted(hub, world, about("consent", request, granted=False))
    until(lambda: told(hub, world, source)["asked"][0]["state"] == "refused")
    assert (reads(one), reads(two)) == (404, 404)


def test_a_recall_is_confirmed(hub: Hub, world: World) -> None:
    """Who read it and who had it by a stream are told, and the originator sees who has erased it."""
    health, police = sign_in(hub, world, HEALTH), sign_in(hub, world, POLICE)
    subscription = health.subscribe()
    id_ = accepted(hub, world, alert(HEALTH, POLICE))
    assert id_of(first(health, subscription)) == id_
    assert police.call("GET", f"/v1/alerts/{id_}?purpose=prevention").status_code == 200
    recall = accepted(hub, world, about("recall", id_))
    assert id_of(first(health, subscription)) == recall
    gone = until(lambda: _gone(police, id_))
    assert gone["recall"] == recall
    assert police.call("GET", f"/v1/alerts/{gone['recall']}?purpose=prevention").status_code == 200
    accepted(hub, world, about("erased", recall), issuer=POLICE)
    states = until(lambda: _states(told(hub, world, id_), POLICE, "erased"))
    assert states == {HEALTH: "told", POLICE: "erased"}


def _gone(caller: Caller, id_: str) -> Json | None:
    answer = caller.call("GET", f"/v1/alerts/{id_}?purpose=prevention")
    return answer.json() if answer.status_code == 410 else None


def _states(answer: Json, agency: str, state: str) -> dict[str, str] | None:
    states = {each["agency"]: each["state"] for each in answer["recall"]["agencies"]}
    return states if states.get(agency) == state else None
