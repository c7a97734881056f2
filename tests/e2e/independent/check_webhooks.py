"""Webhooks: signatures, retries with the same bytes, what http may not carry, one that is gone (protocol §10)."""

from independent.alerts import alert, handling, text_part
from independent.checking import Skipped, answered, check, equal, holds, slow_check
from independent.desk import Desk, eventually
from independent.hub import ENVELOPE
from independent.jose import Json, sha256
from independent.reading import Chain, Reading, read
from independent.receiver import Call, verify_v1, verify_v1a

_BUSY = (503, {"Retry-After": "1"})


def _read(desk: Desk, call: Call) -> Reading:
    """A receiver's duties: media type, signature, id, then the envelope."""
    equal("media type", ENVELOPE, call.headers["content-type"].partition(";")[0])
    reading = read(desk.hub, call.body.decode())
    equal("webhook-id", reading.hub["delivery"], call.headers["webhook-id"])
    return reading


@check
def alerts_are_pushed_signed_and_chained(desk: Desk) -> None:
    """§10, §5: v1a over id, timestamp and body; the originator's statement inside; positions and digests."""
    with desk.webhook() as (subscription, inbox):
        chain = Chain(subscription.id)
        for position in (1, 2, 3):
            part = text_part(f"reading {position}")
            posted = desk.accepted(alert(desk.webhook_agency), part)
            call = inbox.next()
            verify_v1a(desk.hub, call)
            reading = _read(desk, call)
            chain.follow(reading)
            equal("alert", posted.id, reading.id)
            equal("parts", {"main": part.data}, reading.parts)
            equal("position", position, reading.hub["position"])


@check
def hmac_is_used_where_asked(desk: Desk) -> None:
    """§6, §10: `signing: v1`; the secret is told once, in the 201."""
    with desk.webhook(settings={"signing": "v1"}) as (subscription, inbox):
        secret = subscription.made["secret"]
        holds("secret", secret.startswith("whsec_"), "whsec_…", secret[:6])
        later_on = answered(subscription.caller.get(subscription.path), 200)
        holds("secret", secret not in str(later_on), "told once", "told again")
        desk.accepted(alert(desk.webhook_agency))
        call = inbox.next()
        verify_v1(secret, call)
        _read(desk, call)


@slow_check
def a_retry_has_the_same_id_and_bytes(desk: Desk) -> None:
    """§10, §5: 503 obeys Retry-After; `webhook-id` and the text are equal over all attempts, and both are told."""
    with desk.webhook(_BUSY, filter={"products": ["forecast"]}) as (subscription, inbox):
        desk.accepted(alert(desk.webhook_agency, product="forecast"))
        first = inbox.next()
        second = inbox.next(seconds=25)
        verify_v1a(desk.hub, second)
        equal("webhook-id", first.headers["webhook-id"], second.headers["webhook-id"])
        equal("body", sha256(first.body), sha256(second.body))
        holds("wait", second.at - first.at >= 0.9, "at least Retry-After", second.at - first.at)

        def both() -> list[Json] | None:
            told = answered(subscription.caller.get(f"{subscription.path}/attempts"), 200)
            return told["attempts"] if len(told["attempts"]) >= 2 else None

        attempts = sorted(eventually("two attempts", both), key=lambda attempt: str(attempt["at"]))
        equal("statuses", [503, 204], [attempt["status"] for attempt in attempts])
        equal("deliveries", {first.headers["webhook-id"]}, {attempt["delivery"] for attempt in attempts})
        equal("positions", {1}, {attempt["position"] for attempt in attempts})


@slow_check
def a_redirect_is_not_followed(desk: Desk) -> None:
    """§10: 3xx is tried again, after about 5 s, at the same place."""
    if desk.receiver is None:
        raise Skipped("no --webhook-origin")
    elsewhere = desk.receiver.inbox()
    moved = (307, {"Location": elsewhere.url})
    with desk.webhook(moved, filter={"products": ["situation-report"]}) as (_, inbox):
        desk.accepted(alert(desk.webhook_agency, product="situation-report"))
        first, second = inbox.next(), inbox.next(seconds=25)
        equal("webhook-id", first.headers["webhook-id"], second.headers["webhook-id"])
    equal("calls elsewhere", 0, elsewhere.calls.qsize())


@check
def gone_pauses_the_subscription(desk: Desk) -> None:
    """§10: 410 pauses the subscription."""
    with desk.webhook(410) as (subscription, inbox):
        desk.accepted(alert(desk.webhook_agency))
        inbox.next()

        def paused() -> str | None:
            state = answered(subscription.caller.get(subscription.path), 200)["state"]
            return str(state) if state == "paused" else None

        eventually("state paused", paused)


@check
def http_carries_green_at_most(desk: Desk) -> None:
    """§9 rule 12: a webhook over http, where the directory allows it, carries up to green; amber stays owed."""
    with desk.webhook() as (_, inbox):
        desk.accepted(alert(desk.webhook_agency, handling=handling("amber")))
        green = desk.accepted(alert(desk.webhook_agency))
        reading = _read(desk, inbox.next())
        equal("first call", (green.id, 1), (reading.id, reading.hub["position"]))


@check
def a_test_is_pushed(desk: Desk) -> None:
    """§6: `POST …/test` proves the whole way."""
    with desk.webhook() as (subscription, inbox):
        told = answered(subscription.caller.post(f"{subscription.path}/test"), 202)
        call = inbox.next()
        verify_v1a(desk.hub, call)
        equal("delivery", told["delivery"], _read(desk, call).hub["delivery"])
