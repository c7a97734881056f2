"""Subscriptions made, changed, listed, tested, ended (protocol §6)."""

from typing import Any

import httpx2

from independent.checking import CHECKS, Check, answered, check, equal, holds, problem, refused
from independent.desk import DYKE, HEALTH, LAO_POLICE, Desk
from independent.jose import Json

_LIST = "/v1/subscriptions"
_STREAM: Json = {"adapter": "stream", "purpose": ["prevention"]}


@check
def one_is_made_listed_and_ended(desk: Desk) -> None:
    """§6: 201 with Location, GET, the list, DELETE 204, then not found."""
    caller = desk.caller(HEALTH)
    response = caller.post(_LIST, {**_STREAM, "name": "made by a stranger"})
    made = answered(response, 201)
    path = f"{_LIST}/{made['id']}"
    holds("id", made["id"].startswith("sub_"), "sub_…", made["id"])
    holds("Location", response.headers["location"].endswith(path), path, response.headers["location"])
    read = answered(caller.get(path), 200)
    for member, value in {"name": "made by a stranger", **_STREAM, "state": "active", "own": False}.items():
        equal(member, value, read[member])
    equal("order", "none", read["order"])
    listed = answered(caller.get(_LIST), 200)["subscriptions"]
    holds("list", made["id"] in [one["id"] for one in listed], made["id"], listed)
    equal("DELETE", 204, caller.delete(path).status_code)
    problem(caller.get(path), "not-found")


@check
def a_patch_merges(desk: Desk) -> None:
    """§6, RFC 7396: members replace, objects merge, null takes away; 200 with the subscription."""
    filter_ = {"domains": ["disaster"], "severity": "moderate"}
    with desk.subscribed(HEALTH, name="before", filter=filter_) as subscription:
        patch = {"name": "after", "filter": {"severity": None, "languages": ["vi"]}, "purpose": ["investigation"]}
        patched = answered(subscription.caller.patch(subscription.path, patch), 200)
        equal("name", "after", patched["name"])
        equal("purpose", ["investigation"], patched["purpose"])
        named = {name: value for name, value in patched["filter"].items() if value}
        named.pop("status", None)
        equal("filter", {"domains": ["disaster"], "languages": ["vi"]}, named)
        equal("what is read after", patched, answered(subscription.caller.get(subscription.path), 200))


@check
def a_state_is_patched(desk: Desk) -> None:
    """§6: `state`: active, paused."""
    with desk.subscribed(HEALTH) as subscription:
        for state in ("paused", "active"):
            patched = answered(subscription.caller.patch(subscription.path, {"state": state}), 200)
            equal("state", state, patched["state"])


@refused("invalid-request")
def another_adapter_by_patch(desk: Desk) -> httpx2.Response:
    """§6: another `adapter` is `invalid-request`."""
    with desk.subscribed(HEALTH) as subscription:
        return subscription.caller.patch(subscription.path, {"adapter": "webhook"})


_WRONG: dict[str, dict[str, Any]] = {
    "no_adapter": {"purpose": ["prevention"]},
    "no_purpose": {"adapter": "stream"},
    "an_unknown_adapter": {**_STREAM, "adapter": "pigeon"},
    "an_unknown_purpose": {**_STREAM, "purpose": ["curiosity"]},
    "an_unknown_member": {**_STREAM, "colour": "red"},
    "an_unknown_member_of_the_filter": {**_STREAM, "filter": {"colour": "red"}},
    "an_unknown_severity": {**_STREAM, "filter": {"severity": "terrible"}},
    "an_id_of_ones_own": {**_STREAM, "id": "sub_mine"},
    "a_webhook_without_a_url": {"adapter": "webhook", "purpose": ["prevention"], "settings": {}},
}


def _wrong_check(name: str, body: dict[str, Any]) -> Check:
    def run(desk: Desk) -> None:
        """§6: required members, their terms, no unknown ones; `id` is the hub's to give."""
        problem(desk.caller(HEALTH).post(_LIST, body), "invalid-request")

    return Check(f"subscriptions.refused_{name}", run)


CHECKS.extend(_wrong_check(name, body) for name, body in _WRONG.items())


@refused("invalid-request")
def an_http_url_that_the_directory_does_not_list(desk: Desk) -> httpx2.Response:
    """§6: an `http` url only where `http_endpoints` lists its origin."""
    settings = {"url": "http://127.0.0.1:9/alerts"}
    body = {"adapter": "webhook", "purpose": ["prevention"], "settings": settings}
    return desk.caller(LAO_POLICE).post(_LIST, body)


@refused("not-found")
def one_that_is_not(desk: Desk) -> httpx2.Response:
    """§4: not-found."""
    return desk.caller(HEALTH).get(f"{_LIST}/sub_none")


@check
def one_that_is_not_yours_looks_like_none(desk: Desk) -> None:
    """§6: what is not yours looks like what does not exist: to read, change, test, stream and end."""
    stranger = desk.caller(DYKE)
    with desk.subscribed(HEALTH) as subscription:
        path = subscription.path
        problem(stranger.get(path), "not-found")
        problem(stranger.patch(path, {"name": "mine"}), "not-found")
        problem(stranger.post(f"{path}/test"), "not-found")
        problem(stranger.get(f"{path}/stream"), "not-found")
        problem(stranger.get(f"{path}/attempts"), "not-found")
        problem(stranger.delete(path), "not-found")
        answered(subscription.caller.get(path), 200)


@check
def a_test_arrives(desk: Desk) -> None:
    """§6: 202 with the delivery; a clear `system` alert by the hub, to this one, past filter and status."""
    with desk.subscribed(HEALTH, filter={"domains": ["cyber"]}) as subscription:
        told = answered(subscription.caller.post(f"{subscription.path}/test"), 202)
        with subscription.stream() as stream:
            (arrival,) = stream.until(lambda reading: True)
    reading = arrival.reading
    equal("delivery", told["delivery"], reading.hub["delivery"])
    equal("position", 1, reading.hub["position"])
    equal("iss", desk.hub.id, reading.issuer)
    equal("status and TLP", ("system", "clear"), (reading.event["status"], reading.event["handling"]["tlp"]))
