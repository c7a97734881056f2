"""`POST /v1/whatif`, and what `/v1/decisions` says of the same alert once it is posted."""

import json

from tests.integration.agencies import DYKE, HEALTH, LAO_POLICE, POLICE, Json, World, alert
from tests.integration.asking import Caller, accepted, sign_in
from tests.integration.processes import Hub, until


def _foretold(caller: Caller, event: Json, **more: object) -> Json:
    answer = caller.call("POST", "/v1/whatif", {"event": event, **more})
    assert answer.status_code == 200, answer.text
    return {each["agency"]: each for each in answer.json()["agencies"]} | {"": answer.json()}


def test_it_is_what_is_decided_then(hub: Hub, world: World) -> None:
    """For a subscriber that comes by the best way for all purposes: the same outcome, and each rule says the same."""
    dyke, health = sign_in(hub, world, DYKE), sign_in(hub, world, HEALTH)
    subscription = health.subscribe(purpose=["prevention", "investigation", "prosecution", "humanitarian"])
    for event in (alert(HEALTH, tlp="amber"), alert(HEALTH, handling=alert()["handling"] | {"caveats": ["H1"]})):
        foretold = _foretold(dyke, event)[HEALTH]
        posted = accepted(hub, world, event)

        def decided(posted: str = posted) -> Json | None:
            answer = dyke.call("GET", f"/v1/decisions?alert={posted}&subscription={subscription}")
            return next(iter(answer.json()["decisions"]), None) if answer.status_code == 200 else None

        told = until(decided)
        assert told["outcome"] == foretold["outcome"]
        says = [[(rule["rule"], rule["said"], rule["code"]) for rule in each["rules"]] for each in (told, foretold)]
        assert says[0] == says[1]
    health.call("DELETE", f"/v1/subscriptions/{subscription}")


def test_who_has_no_terms_looks_like_who_does_not_exist(hub: Hub, world: World) -> None:
    """Named, addressed or matched: of an agency without terms as little is said as of one that is not there."""
    told = _foretold(sign_in(hub, world, DYKE), alert(HEALTH, LAO_POLICE, "la.nobody"), agencies=["la.nothing"])
    assert told.keys() == {HEALTH, ""}
    assert told[""]["not_told"] == ["la.nobody", "la.nothing", LAO_POLICE]


def test_what_would_change_it_in_vietnamese(hub: Hub, world: World) -> None:
    """Asked for with `changes`, told in the language of the request."""
    caller = sign_in(hub, world, DYKE)
    ask = caller.ask("POST", "/v1/whatif", {"event": alert(HEALTH), "agencies": [POLICE], "changes": True})
    answer = ask.send(hub, Accept_Language="vi, en;q=0.5").json()
    told = {each["agency"]: each for each in answer["agencies"]}
    assert told[POLICE]["changes"][0] == {
        "code": "add-to-release-to",
        "about": {"agency": POLICE},
        "change": f"Thêm {POLICE} vào release_to.",
    }
    assert told[POLICE]["rules"][4]["because"].startswith("Địa chỉ nhận")


def test_it_refuses_what_posting_refuses(hub: Hub, world: World) -> None:
    """A schema, a mandate, terms: the code and the path that posting would tell."""
    caller = sign_in(hub, world, DYKE)
    for event, code in (
        (alert(HEALTH, product="rumour"), "invalid-statement"),
        (alert("@asean.disaster", tlp="red"), "terms"),
        (alert(HEALTH, domain="migration"), "outside-mandate"),
    ):
        answer = caller.call("POST", "/v1/whatif", {"event": event})
        assert answer.json()["code"] == code, answer.text
    for body in ({}, {"event": alert(), "more": 1}, {"event": []}):
        assert caller.call("POST", "/v1/whatif", body).json()["code"] == "invalid-request"


def test_it_needs_a_token_of_the_agency_itself(hub: Hub, world: World) -> None:
    """Nobody without a token asks."""
    answer = hub.http.post("/v1/whatif", json={"event": alert()})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_nothing_of_it_is_kept_or_logged(hub: Hub, world: World) -> None:
    """After it the alert is not there to be read, and its words stand in no log line."""
    event = alert(HEALTH, headline={"vi": "Chim hoàng yến trong mỏ"}, refs={"ours": "CANARY-7219834"})
    _foretold(sign_in(hub, world, DYKE), event, changes=True)
    log = hub.log.read_text()
    assert "CANARY-7219834" not in log
    assert json.dumps("Chim hoàng yến trong mỏ")[1:-1] not in log
    assert "Chim hoàng yến" not in log


def test_the_subscriber_is_told_less_than_the_originator(hub: Hub, world: World) -> None:
    """Both are told what each rule said and rests on; who else it is for, and what would change it, the originator."""
    dyke, health = sign_in(hub, world, DYKE), sign_in(hub, world, HEALTH)
    subscription = health.subscribe()
    posted = accepted(hub, world, alert(HEALTH, POLICE))
    path = f"/v1/decisions?alert={posted}&agency={HEALTH}&changes=true"

    def told(caller: Caller) -> Json | None:
        answer = caller.call("GET", path)
        return next(iter(answer.json()["decisions"]), None) if answer.status_code == 200 else None

    whole, less = until(lambda: told(dyke)), until(lambda: told(health))
    assert POLICE in json.dumps(whole)
    assert POLICE not in json.dumps(less)
    assert whole["changes"]
    assert "changes" not in less
    assert {"kind": "agreement", "name": f"{DYKE} → {HEALTH}", "covers": True}.items() <= next(
        clause for clause in less["rules"][7]["rests_on"] if clause["kind"] == "agreement"
    ).items()
    health.call("DELETE", f"/v1/subscriptions/{subscription}")
