"""What is refused about parts: part-mismatch, invalid-part (protocol §2, §4)."""

from typing import Any

import httpx2

from independent.alerts import Part, alert, as_json, envelope, later, new_id, text_part
from independent.cap import cap_part
from independent.checking import CHECKS, Check, problem, refused
from independent.desk import DYKE, Desk
from independent.jose import b64

part_mismatch = refused("part-mismatch")


def _form_d(desk: Desk, described: list[dict[str, Any]], *parts: Part) -> httpx2.Response:
    statement = desk.sign(desk.claims(alert(parts=described)))
    return desk.hub.post_d(as_json(envelope(statement, *parts)))


@part_mismatch
def another_digest(desk: Desk) -> httpx2.Response:
    """§2: a wrong digest: other bytes of the same length."""
    said, sent = text_part("one thing"), text_part("any thing")
    return _form_d(desk, [said.described()], sent)


@part_mismatch
def another_salt(desk: Desk) -> httpx2.Response:
    """§2: the digest is over salt and bytes."""
    said, sent = text_part("one thing"), text_part("one thing")
    return _form_d(desk, [said.described()], sent)


@part_mismatch
def another_size(desk: Desk) -> httpx2.Response:
    """§2: a wrong size."""
    part = text_part("one thing")
    return _form_d(desk, [part.described(size=len(part.data) + 1)], part)


@part_mismatch
def a_missing_part(desk: Desk) -> httpx2.Response:
    """§2: a missing part."""
    main, photo = text_part("text"), text_part("photo", "photo")
    return _form_d(desk, [main.described(), photo.described()], main)


@part_mismatch
def one_part_too_many(desk: Desk) -> httpx2.Response:
    """§2: one too many."""
    main, photo = text_part("text"), text_part("photo", "photo")
    return _form_d(desk, [main.described()], main, photo)


@part_mismatch
def form_b_with_parts(desk: Desk) -> httpx2.Response:
    """§4 form B is for alerts without parts: what the statement names is missing."""
    return desk.post(alert(parts=[text_part("text").described()]))


@part_mismatch
def form_a_of_another_type(desk: Desk) -> httpx2.Response:
    """§4 form A: `Content-Type` is the part's type."""
    part = text_part("text")
    statement = desk.sign(desk.claims(alert(parts=[part.described()])))
    return desk.hub.post_a(statement, b64(part.salt), part.data, "application/pdf")


@part_mismatch
def form_a_with_another_body(desk: Desk) -> httpx2.Response:
    """§4 form A: the body is what the digest is of."""
    part = text_part("text")
    statement = desk.sign(desk.claims(alert(parts=[part.described()])))
    return desk.hub.post_a(statement, b64(part.salt), b"tixt", part.type)


@part_mismatch
def form_a_of_a_part_not_called_main(desk: Desk) -> httpx2.Response:
    """§4 form A: the body is the part `main`."""
    part = text_part("text", "body")
    statement = desk.sign(desk.claims(alert(parts=[part.described()])))
    return desk.hub.post_a(statement, b64(part.salt), part.data, part.type)


_DISAGREEMENTS = {
    "identifier": "urn:oid:2.49.0.0.704.0.1",
    "sender": "someone@else.example",
    "status": "Exercise",
    "scope": "Public",
    "urgency": "Future",
    "severity": "Minor",
    "certainty": "Unlikely",
    "expires": later(7200),
}


def _cap_check(member: str, value: str) -> Check:
    def run(desk: Desk) -> None:
        """§2: what a CAP part says is checked against the signed fields; a disagreement is `invalid-part`."""
        alert_id, event = new_id(DYKE), alert()
        part = cap_part(alert_id, event, **{member: value})
        problem(desk.post_parts(event, part, jti=alert_id), "invalid-part")

    return Check(f"refused_parts.cap_with_another_{member}", run)


CHECKS.extend(_cap_check(member, value) for member, value in _DISAGREEMENTS.items())


@refused("invalid-part")
def a_cap_part_that_is_no_cap(desk: Desk) -> httpx2.Response:
    """§2: a CAP part that says nothing agrees with nothing."""
    return desk.post_parts(alert(), Part("main", "application/cap+xml", b"<alert/>"))


@refused("invalid-part")
def a_cap_part_by_form_a(desk: Desk) -> httpx2.Response:
    """§2: every unsealed CAP part, by whatever form."""
    alert_id, event = new_id(DYKE), alert()
    part = cap_part(alert_id, event, severity="Minor")
    statement = desk.sign(desk.claims({**event, "parts": [part.described()]}, jti=alert_id))
    return desk.hub.post_a(statement, b64(part.salt), part.data, part.type)


@refused("invalid-part")
def a_cap_part_with_a_document_type(desk: Desk) -> httpx2.Response:
    """§2: XML that declares entities is not read at all."""
    alert_id, event = new_id(DYKE), alert()
    part = cap_part(alert_id, event)
    declared = part.data.replace(b"<alert ", b'<!DOCTYPE alert [<!ENTITY a "b">]><alert ', 1)
    return desk.post_parts(event, Part(part.id, part.type, declared), jti=alert_id)
