"""Streams: both layers verified, exact resume, what waits and what never comes (protocol §5, §6, §9)."""

import json
import time

import httpx2

from independent.alerts import addressed, addressing_part, alert, handling, text_part
from independent.checking import check, equal, holds, problem, refused, slow_check
from independent.desk import (
    AHA,
    BANK,
    DYKE,
    HEALTH,
    LAO_POLICE,
    POLICE,
    THAI_POLICE,
    Desk,
    Posted,
    Subscribed,
)
from independent.jose import sha256
from independent.stream import Arrival

_WARNING = ["public-warning"]


def _comes(subscription: Subscribed, *awaited: Posted) -> list[Arrival]:
    """What comes by a fresh connection, until all of these have."""
    with subscription.stream() as stream:
        return stream.take(*(posted.id for posted in awaited))


def _ids(arrivals: list[Arrival]) -> list[str]:
    return [arrival.reading.id for arrival in arrivals]


@check
def an_alert_arrives_whole_and_verifies(desk: Desk) -> None:
    """§5, §6: the envelope with the poster's very statement and part; position 1, previous null."""
    with desk.subscribed(HEALTH) as subscription:
        part = text_part("Mực nước 11,50 m")
        posted = desk.accepted(alert(), part)
        reading = _comes(subscription, posted)[-1].reading
    equal("signed bytes", posted.statement.rpartition(".")[0].encode(), reading.jws.signed)
    equal("parts", {"main": part.data}, reading.parts)
    equal("released", "whole", reading.hub["released"])
    equal("receipt", posted.answer["receipt"], reading.hub["receipt"])
    equal("accepted_at", posted.answer["accepted_at"], reading.hub["accepted_at"])
    equal("position and previous", (1, None), (reading.hub["position"], reading.hub["previous"]))


@check
def positions_count_and_texts_are_chained(desk: Desk) -> None:
    """§5: positions from 1, each `previous` the digest of the text before."""
    with desk.subscribed(HEALTH) as subscription:
        posted = [desk.accepted(alert()) for _ in range(5)]
        arrivals = _comes(subscription, *posted)
    equal("ids", {one.id for one in posted}, set(_ids(arrivals)))
    equal("positions", [1, 2, 3, 4, 5], [a.reading.hub["position"] for a in arrivals])
    equal("deliveries", 5, len({a.reading.hub["delivery"] for a in arrivals}))


@check
def an_issuers_order_is_kept_where_asked(desk: Desk) -> None:
    """§6: `order: issuer`."""
    with desk.subscribed(HEALTH, order="issuer") as subscription:
        posted = [desk.accepted(alert()) for _ in range(5)]
        equal("order", [one.id for one in posted], _ids(_comes(subscription, *posted)))


@check
def a_stream_resumes_exactly_after_its_cursor(desk: Desk) -> None:
    """§6: with `Last-Event-ID` exactly after it, with the same cursors, texts and positions."""
    with desk.subscribed(HEALTH) as subscription:
        posted = [desk.accepted(alert()) for _ in range(4)]
        first = _comes(subscription, *posted)
        for before in range(4):
            newer = desk.accepted(alert())
            with subscription.stream(after=first[before].cursor) as stream:
                again = stream.take(newer.id)
            expected = first[before + 1 :]
            equal("what comes again", expected, again[: len(expected)])
            first = [*first, *again[len(expected) :]]


@check
def a_stream_without_a_cursor_begins_with_what_is_owed(desk: Desk) -> None:
    """§6: written is delivered; what was not written comes next, and its chain goes on."""
    with desk.subscribed(HEALTH) as subscription:
        (first,) = _comes(subscription, desk.accepted(alert()))
        (second,) = _comes(subscription, desk.accepted(alert()))
    equal("position", 2, second.reading.hub["position"])
    equal("previous", sha256(first.reading.text.encode()), second.reading.hub["previous"])


@refused("invalid-request")
def a_cursor_that_never_was(desk: Desk) -> httpx2.Response:
    """§6: an unknown `Last-Event-ID`."""
    with desk.subscribed(HEALTH) as subscription:
        path = f"{subscription.path}/stream"
        timeout = httpx2.Timeout(5.0)
        return subscription.caller.call("GET", path, headers={"Last-Event-ID": "never-was"}, timeout=timeout)


@slow_check
def heartbeats_prove_the_position(desk: Desk) -> None:
    """§6: each 15 s, without an id: the last position, and the hub's signature over it and the last text."""
    with desk.subscribed(HEALTH, filter={"products": ["data"]}) as subscription, subscription.stream() as stream:
        posted = desk.accepted(alert(product="data"))
        text = stream.take(posted.id)[-1].reading.text
        event = stream.next("heartbeat", patience=18)
        equal("id of a heartbeat", None, event.id)
        _verify_heartbeat(desk, subscription.id, event.data, text)


def _verify_heartbeat(desk: Desk, subscription: str, data: str, text: str) -> None:
    beat = json.loads(data)
    claims = desk.hub.verified(beat["proof"], "interagency-heartbeat+jwt", "receipt").claims
    equal("subscription", subscription, claims["subscription"])
    equal("positions", (1, 1), (beat["position"], claims["position"]))
    equal("last", sha256(text.encode()), claims["last"])
    holds("iat", abs(claims["iat"] - time.time()) < 60, "now", claims["iat"])


# who gets what (§9)


@check
def a_part_with_a_caveat_is_withheld(desk: Desk) -> None:
    """§9 rules 11 and 15: one gets the part, the other a statement that verifies without it."""
    main, photo = text_part("text"), text_part("photo", "photo")
    parts = [main.described(), photo.described(handling={"caveats": ["H1"]})]
    with desk.subscribed(HEALTH) as health, desk.subscribed(POLICE) as police:
        posted = desk.accepted(alert(HEALTH, POLICE, parts=parts), main, photo)
        at_health = _comes(health, posted)[-1].reading
        at_police = _comes(police, posted)[-1].reading
    equal("parts for the police", {"main", "photo"}, set(at_police.parts))
    equal("released to the police", "whole", at_police.hub["released"])
    equal("parts for the ministry", {"main": main.data}, at_health.parts)
    equal("released to the ministry", ["main"], at_health.hub["released"])
    equal("signed bytes", at_police.jws.signed, at_health.jws.signed)


@check
def the_addressing_part_is_for_hubs_alone(desk: Desk) -> None:
    """§2, §5: the part `addressing` routes, is not passed to readers, and does not make a release partial."""
    with desk.subscribed(HEALTH) as subscription:
        part = addressing_part(addressed(HEALTH))
        posted = desk.accepted(alert(addressing=None), part)
        reading = _comes(subscription, posted)[-1].reading
    equal("parts and released", ({}, "whole"), (reading.parts, reading.hub["released"]))


def _never(subscription: Subscribed, withheld: Posted, marker: Posted) -> None:
    """The marker comes, posted after it; the withheld one does not come before."""
    ids = _ids(_comes(subscription, marker))
    holds("what must not come", withheld.id not in ids, "only the marker", ids)


@check
def not_to_wins(desk: Desk) -> None:
    """§9 rule 4: a community is addressed, one member is not to have it."""
    with desk.subscribed(THAI_POLICE) as thai, desk.subscribed(AHA) as aha:
        kept = desk.accepted(alert(addressing=addressed("@asean.disaster", not_to=(THAI_POLICE,))))
        marker = desk.accepted(alert("@asean.disaster"))
        _never(thai, kept, marker)
        equal("at the other member", {kept.id, marker.id}, set(_ids(_comes(aha, kept, marker))))


@check
def no_agreement_no_alert(desk: Desk) -> None:
    """§9 rule 8: nobody without an agreement or a common charter; what is public needs none."""
    with desk.subscribed(LAO_POLICE) as subscription:
        kept = desk.accepted(alert(LAO_POLICE))
        marker = desk.accepted(alert("@public", handling=handling("clear", purpose=_WARNING)))
        _never(subscription, kept, marker)


@check
def a_charter_does_not_reach_beyond_its_terms(desk: Desk) -> None:
    """§9 rule 8: the community's charter covers TLP up to amber, not amber+strict."""
    with desk.subscribed(BANK) as subscription:
        kept = desk.accepted(alert("@vn.fincrime", domain="crime", handling=handling("amber+strict")), issuer=POLICE)
        marker = desk.accepted(alert("@vn.fincrime", domain="crime", handling=handling("amber")), issuer=POLICE)
        _never(subscription, kept, marker)


@check
def purposes_must_meet(desk: Desk) -> None:
    """§9 rule 9: some purpose is in handling, agreement and subscription."""
    with desk.subscribed(HEALTH, purpose=["investigation"]) as subscription:
        kept = desk.accepted(alert())
        marker = desk.accepted(alert(handling=handling(purpose=["prevention", "investigation"])))
        _never(subscription, kept, marker)


@check
def an_exercise_comes_only_where_named(desk: Desk) -> None:
    """§6: status is `actual` alone unless named."""
    with (
        desk.subscribed(HEALTH) as plain,
        desk.subscribed(HEALTH, filter={"status": ["actual", "exercise"]}) as trained,
    ):
        drill, marker = desk.accepted(alert(status="exercise")), desk.accepted(alert())
        _never(plain, drill, marker)
        equal("where named", {drill.id, marker.id}, set(_ids(_comes(trained, drill, marker))))


@check
def a_filter_narrows(desk: Desk) -> None:
    """§6: a domain means all below it; severity means at least, and `unknown` meets every threshold."""
    with desk.subscribed(HEALTH, filter={"domains": ["disaster.flood"], "severity": "severe"}) as subscription:
        desk.accepted(alert(severity="minor"))
        desk.accepted(alert(domain="health"))
        desk.accepted(alert(domain="disaster"))
        below = desk.accepted(alert(domain="disaster.flood.urban"))
        unknown = desk.accepted(alert(severity="unknown"))
        extreme = desk.accepted(alert(severity="extreme"))
        expected = {below.id, unknown.id, extreme.id}
        equal("what passes", expected, set(_ids(_comes(subscription, below, unknown, extreme))))


@check
def a_filter_knows_areas_languages_products_issuers(desk: Desk) -> None:
    """§6: areas mean touching; languages match by prefix; an alert without areas touches all."""
    filter_ = {
        "areas": [{"circle": [20.95, 106.95, 10.0]}],
        "languages": ["en"],
        "products": ["advisory"],
        "issuers": [DYKE],
    }
    near, far = [{"circle": [20.9, 106.9, 5.0]}], [{"circle": [10.0, 106.0, 5.0]}]
    with desk.subscribed(HEALTH, filter=filter_) as subscription:
        desk.accepted(alert(product="advisory", areas=far))
        desk.accepted(alert(product="warning", areas=near))
        desk.accepted(alert(product="advisory", areas=near, headline={"vi": "Lũ"}))
        british = desk.accepted(alert(product="advisory", areas=near, headline={"en-GB": "Flood"}))
        anywhere = desk.accepted(alert(product="advisory", areas=None))
        equal("what passes", {british.id, anywhere.id}, set(_ids(_comes(subscription, british, anywhere))))


@check
def ones_own_come_where_asked(desk: Desk) -> None:
    """§6: `own: true` also delivers the agency's own alerts; §9 rule 1: no other rule applies to the issuer."""
    with desk.subscribed(DYKE, own=True) as subscription:
        posted = desk.accepted(alert(handling=handling("red")))
        equal("last", posted.id, _ids(_comes(subscription, posted))[-1])


@check
def paused_things_stay_owed(desk: Desk) -> None:
    """§6: paused, things stay owed."""
    with desk.subscribed(HEALTH) as subscription:
        subscription.caller.patch(subscription.path, {"state": "paused"})
        posted = desk.accepted(alert())
        subscription.caller.patch(subscription.path, {"state": "active"})
        equal("after the pause", [posted.id], _ids(_comes(subscription, posted)))


@check
def amber_waits_for_a_bound_token(desk: Desk) -> None:
    """§6, §9 rule 12: above green does not exist for an unbound token, stays owed, and comes over the bound one."""
    with desk.subscribed(HEALTH) as subscription:
        amber = desk.accepted(alert(handling=handling("amber")))
        green = desk.accepted(alert())
        unbound = Subscribed(subscription.id, desk.caller(HEALTH, bound=False), {})
        equal("unbound", [green.id], _ids(_comes(unbound, green)))
        equal("bound", [amber.id], _ids(_comes(subscription, amber)))


@check
def red_needs_an_exact_id(desk: Desk) -> None:
    """§9 rule 6: red comes to whom it names, over a bound stream."""
    with desk.subscribed(HEALTH) as subscription:
        posted = desk.accepted(alert(HEALTH, handling=handling("red")))
        equal("red", [posted.id], _ids(_comes(subscription, posted)))


@check
def a_foreign_es256_statement_arrives(desk: Desk) -> None:
    """§2: readers verify ES256 as well."""
    with desk.subscribed(POLICE) as subscription:
        posted = desk.accepted(alert(POLICE, domain="crime"), issuer=THAI_POLICE)
        equal("issuer", THAI_POLICE, _comes(subscription, posted)[-1].reading.issuer)


@check
def the_same_bytes_again_are_delivered_once(desk: Desk) -> None:
    """§4: nothing is delivered twice."""
    with desk.subscribed(HEALTH) as subscription:
        posted = desk.accepted(alert())
        for _ in range(3):
            desk.hub.post_b(posted.statement)
        marker = desk.accepted(alert())
        equal("deliveries", sorted([posted.id, marker.id]), sorted(_ids(_comes(subscription, posted, marker))))


@check
def a_stream_ends_with_its_subscription(desk: Desk) -> None:
    """§6: what is deleted is not there any more."""
    with desk.subscribed(HEALTH) as subscription:
        subscription.caller.delete(subscription.path)
        problem(subscription.caller.get(f"{subscription.path}/stream"), "not-found")
        problem(subscription.caller.post(f"{subscription.path}/test"), "not-found")
