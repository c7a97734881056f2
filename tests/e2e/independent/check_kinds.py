"""What is said about an alert: ack, error, update, cancel, request and reply, and the hub's notices (protocol §2.1)."""

from independent.alerts import addressed, alert, direct, handling, later, update
from independent.checking import answered, check, equal, holds, problem
from independent.desk import DYKE, HEALTH, POLICE, Desk, Posted, Subscribed, eventually
from independent.jose import Json
from independent.reading import Reading


def _given(subscription: Subscribed, posted: Posted) -> None:
    """Reads up to the alert: from then on it was given."""
    with subscription.stream() as stream:
        stream.take(posted.id)


def _one(subscription: Subscribed, alert_id: str) -> Reading:
    with subscription.stream() as stream:
        return stream.take(alert_id)[-1].reading


def _notice(subscription: Subscribed, kind: str, about: Posted) -> Reading:
    """The hub's notice on an alert; all that a notice has."""
    with subscription.stream() as stream:
        reading = stream.until(lambda reading: reading.is_notice)[-1].reading
    equal("signer of a notice", subscription.caller.hub.id, reading.issuer)
    equal("notice", (about.id, kind), (reading.event["alert"], reading.event["kind"]))
    equal("members of a notice", {"alert", "kind", "at"}, set(reading.event))
    equal("parts of a notice", {}, reading.parts)
    return reading


@check
def an_ack_reaches_the_issuer(desk: Desk) -> None:
    """§2.1: directly to the issuer, whatever the filter; and it stands among the deliveries."""
    with desk.subscribed(HEALTH) as health, desk.subscribed(DYKE, filter={"domains": ["cyber"]}) as dyke:
        posted = desk.accepted(alert())
        _given(health, posted)
        ack = desk.accepted(direct("ack", posted.id, outcome="acting", assessment="useful"), issuer=HEALTH)
        reading = _one(dyke, ack.id)
        equal("ack", ("ack", "acting", HEALTH), (reading.event["kind"], reading.event["outcome"], reading.issuer))

        def acks() -> list[Json] | None:
            told = answered(desk.caller(DYKE).get("/v1/deliveries", alert=posted.id), 200)["deliveries"]
            return [ack for entry in told if entry["agency"] == HEALTH for ack in entry["acks"]] or None

        equal("acks", ["acting"], [one["outcome"] for one in eventually("acks", acks)])


@check
def an_error_reaches_the_issuer(desk: Desk) -> None:
    """§2.1: directly to the issuer."""
    with desk.subscribed(HEALTH) as health, desk.subscribed(DYKE) as dyke:
        posted = desk.accepted(alert())
        _given(health, posted)
        error = desk.accepted(direct("error", posted.id, outcome="cannot-parse"), issuer=HEALTH)
        equal("outcome", "cannot-parse", _one(dyke, error.id).event["outcome"])


@check
def a_direct_kind_comes_only_where_kinds_include_it(desk: Desk) -> None:
    """§2.1: the addressee's subscriptions whose `kinds`, when named, include it."""
    with (
        desk.subscribed(HEALTH) as health,
        desk.subscribed(DYKE, filter={"kinds": ["error"]}) as errors,
    ):
        posted = desk.accepted(alert())
        _given(health, posted)
        ack = desk.accepted(direct("ack", posted.id, outcome="read"), issuer=HEALTH)
        error = desk.accepted(direct("error", posted.id, outcome="cannot-store"), issuer=HEALTH)
        with errors.stream() as stream:
            ids = [arrival.reading.id for arrival in stream.take(error.id)]
    holds("ack", ack.id not in ids, "not among errors", ids)


@check
def an_update_goes_to_whom_it_is_for_and_others_are_told(desk: Desk) -> None:
    """§2.1: the update by release, past every filter but status; the notice `updated` to others who were given it."""
    with desk.subscribed(HEALTH) as health, desk.subscribed(POLICE, filter={"severity": "severe"}) as police:
        posted = desk.accepted(alert(HEALTH, POLICE))
        _given(health, posted)
        _given(police, posted)
        newer = desk.accepted(update(posted.id, POLICE, severity="minor"))
        equal("references", [posted.id], _one(police, newer.id).event["references"])
        _notice(health, "updated", posted)
        _marked(desk, POLICE, posted, "superseded")


@check
def a_cancel_goes_to_whom_it_is_for_and_others_are_told(desk: Desk) -> None:
    """§2.1: the cancel, narrowed, by release; the notice `cancelled` to others who were given it."""
    with desk.subscribed(HEALTH) as health, desk.subscribed(POLICE) as police:
        posted = desk.accepted(alert(HEALTH, POLICE))
        _given(health, posted)
        _given(police, posted)
        cancel = desk.accepted(direct("cancel", posted.id, addressing=addressed(POLICE)))
        equal("kind", "cancel", _one(police, cancel.id).event["kind"])
        _notice(health, "cancelled", posted)
        _marked(desk, POLICE, posted, "cancelled")


@check
def a_cancel_takes_its_terms_from_what_it_cancels(desk: Desk) -> None:
    """§2.1: what a cancel doesn't state it takes from the first of its references."""
    with desk.subscribed(HEALTH) as health:
        posted = desk.accepted(alert(handling=handling("amber")))
        _given(health, posted)
        cancel = desk.accepted(direct("cancel", posted.id))
        equal("members", {"kind", "status", "references"}, set(_one(health, cancel.id).event))
        unbound = desk.caller(HEALTH, bound=False)
        problem(unbound.get(f"/v1/alerts/{cancel.id}"), "not-found")


@check
def what_was_not_given_is_cancelled_in_silence(desk: Desk) -> None:
    """§2.1: a cancelled alert that is still owed is dropped; those who were never given it get no notice of it."""
    with desk.subscribed(HEALTH) as health, desk.subscribed(POLICE) as police:
        posted = desk.accepted(alert(HEALTH, POLICE))
        _given(police, posted)
        desk.accepted(direct("cancel", posted.id, addressing=addressed(POLICE)))
        with police.stream() as stream:
            stream.until(lambda reading: reading.event.get("kind") == "cancel")
        marker = desk.accepted(alert(HEALTH))
        with health.stream() as stream:
            seen = [arrival.reading.id for arrival in stream.take(marker.id)]
    equal("what comes", [marker.id], seen)


def _marked(desk: Desk, agency: str, posted: Posted, mark: str) -> None:
    """§9 rule 2: reads give what has ended, marked."""
    envelope = answered(desk.caller(agency).get(f"/v1/alerts/{posted.id}"), 200)
    equal("hub.marked", [mark], envelope["hub"]["marked"])


@check
def a_request_is_answered(desk: Desk) -> None:
    """§2.1: a request by release, its reply directly to the requester."""
    with desk.subscribed(HEALTH) as health, desk.subscribed(DYKE) as dyke:
        wanted = {"kind": "request", "product": None, "wants": ["information"], "respond_by": later(3600)}
        request = desk.accepted(alert(HEALTH, **wanted))
        equal("wants", ["information"], _one(health, request.id).event["wants"])
        reply = desk.accepted(direct("reply", request.id, outcome="no-hit"), issuer=HEALTH)
        equal("outcome", "no-hit", _one(dyke, reply.id).event["outcome"])
