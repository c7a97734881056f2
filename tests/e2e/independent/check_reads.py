"""What can be asked afterwards: alerts, receipts, decisions, deliveries (protocol §6)."""

from typing import Any

from independent.access import Caller
from independent.alerts import addressed, alert, handling, new_id, text_part
from independent.checking import answered, check, equal, holds, problem
from independent.desk import AHA, DYKE, HEALTH, POLICE, THAI_POLICE, Desk, Posted, eventually
from independent.jose import Json
from independent.reading import read, verify_entry, verify_receipt

_FOR_PREVENTION = {"purpose": "prevention"}


def _path(posted: Posted) -> str:
    return f"/v1/alerts/{posted.id}"


@check
def an_alert_is_read_as_released(desk: Desk) -> None:
    """§6: `GET /v1/alerts/{id}`, decided as for the caller's subscriptions: the envelope, without what is withheld."""
    main, photo = text_part("text"), text_part("photo", "photo")
    parts = [main.described(), photo.described(handling={"caveats": ["H1"]})]
    with desk.subscribed(HEALTH):
        posted = desk.accepted(alert(HEALTH, POLICE, parts=parts), main, photo)
        response = desk.caller(HEALTH).get(_path(posted))
        answered(response, 200)
    reading = read(desk.hub, response.text)
    equal("id and parts", (posted.id, {"main": main.data}), (reading.id, reading.parts))


@check
def one_without_subscriptions_states_a_purpose(desk: Desk) -> None:
    """§6: a caller with none states `purpose`."""
    posted = desk.accepted(alert("@asean.disaster"))
    response = desk.caller(AHA).get(_path(posted), **_FOR_PREVENTION)
    answered(response, 200)
    equal("id", posted.id, read(desk.hub, response.text).id)


@check
def the_issuer_reads_its_own(desk: Desk) -> None:
    """§9 rule 1: for the issuer this rule is the only one."""
    part = text_part("for the police")
    posted = desk.accepted(alert(POLICE, handling=handling("red")), part)
    response = desk.caller(DYKE).get(_path(posted), **_FOR_PREVENTION)
    answered(response, 200)
    equal("parts", {"main": part.data}, read(desk.hub, response.text).parts)


@check
def what_may_not_be_read_is_not_there(desk: Desk) -> None:
    """§6: what is not yours looks like what does not exist, unknown ids too."""
    posted = desk.accepted(alert(POLICE))
    stranger = desk.caller(THAI_POLICE)
    kept = problem(stranger.get(_path(posted), **_FOR_PREVENTION), "not-found")
    unknown = problem(stranger.get(f"/v1/alerts/{new_id(DYKE)}", **_FOR_PREVENTION), "not-found")
    equal("title", kept["title"], unknown["title"])


@check
def above_green_is_not_there_for_an_unbound_token(desk: Desk) -> None:
    """§6: for a token without proof, what is above green does not exist."""
    posted = desk.accepted(alert(handling=handling("amber")))
    problem(desk.caller(HEALTH, bound=False).get(_path(posted), **_FOR_PREVENTION), "not-found")
    answered(desk.caller(HEALTH).get(_path(posted), **_FOR_PREVENTION), 200)


@check
def reading_needs_a_credential(desk: Desk) -> None:
    """§4: unauthenticated, on each of the reads."""
    posted = desk.accepted(alert())
    for path in (_path(posted), f"/v1/receipts/{posted.id}", "/v1/decisions", "/v1/deliveries"):
        problem(desk.hub.http.get(path, params={"alert": posted.id}), "unauthenticated")


@check
def the_issuer_gets_its_receipt_again(desk: Desk) -> None:
    """§6, §11: receipt and entry to the issuer; nothing to others."""
    posted = desk.accepted(alert())
    told = answered(desk.caller(DYKE).get(f"/v1/receipts/{posted.id}"), 200)
    equal("receipt", posted.answer["receipt"], told["receipt"])
    equal("entry", posted.answer["entry"], told["entry"])
    holds("proof", "proof" in told, "null or a proof", told)
    verify_entry(verify_receipt(desk.hub, told["receipt"], posted.id, posted.digest), told["entry"])
    problem(desk.caller(HEALTH).get(f"/v1/receipts/{posted.id}"), "not-found")


def _decision(caller: Caller, **query: str) -> Json:
    """The one decision on an alert for a subscription, once it was made."""

    def made() -> Json | None:
        response = caller.get("/v1/decisions", **query)
        found = response.json().get("decisions") if response.status_code == 200 else None
        return dict(found[-1]) if found else None

    return eventually("decision", made)


def _said(decision: Json, rule: int) -> list[Any]:
    return [entry["said"] for entry in decision["rules"] if entry["rule"] == rule]


@check
def a_release_is_explained_rule_by_rule(desk: Desk) -> None:
    """§6: to the originator, and to the subscriber: outcome, parts, and what each rule said."""
    main, photo = text_part("text"), text_part("photo", "photo")
    parts = [main.described(), photo.described(handling={"caveats": ["H1"]})]
    with desk.subscribed(HEALTH) as subscription:
        posted = desk.accepted(alert(HEALTH, POLICE, parts=parts), main, photo)
        for agency in (DYKE, HEALTH):
            decision = _decision(desk.caller(agency), alert=posted.id, subscription=subscription.id)
            equal("alert", posted.id, decision["alert"])
            equal("outcome and parts", ("part", ["main"]), (decision["outcome"], decision["parts"]))
            holds("rules", {entry["rule"] for entry in decision["rules"]} <= set(range(1, 16)), "1 to 15", decision)
            equal("rule 8", ["pass"], _said(decision, 8))


@check
def a_refusal_is_explained_to_the_originator_alone(desk: Desk) -> None:
    """§6: withheld, by rule 4; the one from whom it was withheld learns nothing."""
    with desk.subscribed(THAI_POLICE) as subscription:
        addressing = addressed("@asean.disaster", not_to=(THAI_POLICE,))
        posted = desk.accepted(alert(addressing=addressing))
        query = {"alert": posted.id, "subscription": subscription.id}
        decision = _decision(desk.caller(DYKE), **query)
        equal("outcome", "withheld", decision["outcome"])
        holds("rule 4", "pass" not in _said(decision, 4) and _said(decision, 4) != [], "not pass", decision["rules"])
        response = desk.caller(THAI_POLICE).get("/v1/decisions", **query)
        if response.status_code != 404:
            equal("decisions", [], answered(response, 200)["decisions"])


@check
def deliveries_are_told_to_the_originator(desk: Desk) -> None:
    """§6: each agency's state: delivered, waiting, withheld (of those it addressed); nothing to others."""
    with desk.subscribed(HEALTH) as health, desk.subscribed(POLICE), desk.subscribed(AHA):
        posted = desk.accepted(alert(HEALTH, POLICE, AHA, domain="crime"))
        with health.stream() as stream:
            stream.take(posted.id)

        def states() -> dict[str, str] | None:
            told = answered(desk.caller(DYKE).get("/v1/deliveries", alert=posted.id), 200)["deliveries"]
            found = {entry["agency"]: entry["state"] for entry in told}
            return found if found.get(HEALTH) == "delivered" and len(found) == 3 else None

        expected = {HEALTH: "delivered", POLICE: "waiting", AHA: "withheld"}
        equal("states", expected, eventually("deliveries", states))
        problem(desk.caller(POLICE).get("/v1/deliveries", alert=posted.id), "not-found")
