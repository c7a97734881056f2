"""What is refused as `invalid-statement` (protocol §2, §2.1): well framed, well signed, not of the schema."""

from typing import Any

import httpx2

from independent.alerts import (
    ALERT,
    NOTICE,
    addressed,
    alert,
    direct,
    handling,
    later,
    new_id,
    text_part,
    update,
)
from independent.checking import CHECKS, Check, check, holds, problem, refused
from independent.desk import DYKE, Desk
from independent.jose import Json

_EVENT = "/events/" + ALERT.replace("/", "~1")
_SOME = f"{DYKE}/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"

_EVENTS: dict[str, Json] = {
    "an_unknown_kind": alert(kind="rumour"),
    "no_kind": alert(kind=None),
    "no_product": alert(product=None),
    "an_unknown_product": alert(product="gossip"),
    "no_status": alert(status=None),
    "an_unknown_status": alert(status="pretend"),
    "no_domain": alert(domain=None),
    "an_unknown_domain": alert(domain="nonsense"),
    "no_urgency": alert(urgency=None),
    "no_severity": alert(severity=None),
    "a_severity_in_upper_case": alert(severity="Severe"),
    "no_certainty": alert(certainty=None),
    "no_expires": alert(expires=None),
    "expires_without_an_offset": alert(expires="2027-01-01T00:00:00"),
    "no_handling": alert(handling=None),
    "no_addressing": alert(addressing=None),
    "addressing_without_to": alert(addressing={"release_to": ["vn.*"]}),
    "a_selector_that_is_none": alert("VN.MOH"),
    "neither_headline_nor_part": alert(headline=None),
    "a_headline_too_long": alert(headline={"vi": "x" * 301}),
    "a_headline_not_in_nfc": alert(headline={"vi": "Lu\u0303"}),
    "a_headline_without_a_language": alert(headline="Flood"),
    "no_tlp": alert(handling=handling(tlp=None)),
    "an_unknown_tlp": alert(handling=handling("white")),
    "no_onward": alert(handling=handling(onward=None)),
    "no_purpose": alert(handling=handling(purpose=None)),
    "an_empty_purpose": alert(handling=handling(purpose=[])),
    "an_unknown_purpose": alert(handling=handling(purpose=["curiosity"])),
    "no_personal_data": alert(handling=handling(personal_data=None)),
    "an_unknown_member": alert(colour="red"),
    "an_unknown_member_of_handling": alert(handling=handling(colour="red")),
    "an_unknown_member_of_addressing": alert(addressing={**addressed("vn.moh"), "cc": []}),
    "an_open_polygon": alert(areas=[{"polygon": [[20, 106], [21, 106], [21, 107], [20, 107]]}]),
    "a_latitude_beyond_the_pole": alert(areas=[{"circle": [91.0, 106.0, 5.0]}]),
    "an_unknown_crit": alert(ext={"https://x.example/must": 1}, crit=["https://x.example/must"]),
    "a_member_of_another_kind": alert(wants=["information"]),
    "an_update_without_references": alert(kind="update"),
    "a_cancel_without_references": {"kind": "cancel", "status": "actual"},
    "a_request_without_wants": alert(kind="request", product=None, respond_by=later(3600)),
    "a_request_without_respond_by": alert(kind="request", product=None, wants=["information"]),
    "a_request_with_a_product": alert(kind="request", wants=["information"], respond_by=later(3600)),
    "an_ack_without_an_outcome": direct("ack", _SOME),
    "an_ack_with_an_errors_outcome": direct("ack", _SOME, outcome="cannot-parse"),
    "an_ack_of_two": direct("ack", _SOME, outcome="read", references=[_SOME, new_id(DYKE)]),
    "an_ack_with_handling": direct("ack", _SOME, outcome="read", handling=handling()),
    "an_ack_with_addressing": direct("ack", _SOME, outcome="read", addressing=addressed("vn.moh")),
    "an_error_with_an_acks_outcome": direct("error", _SOME, outcome="read"),
    "a_recall_with_a_headline": direct("recall", _SOME, headline={"en": "Never mind"}),
    "a_part_without_a_digest": alert(parts=[text_part("x").described(digest=None)]),
    "a_part_whose_id_has_a_slash": alert(parts=[text_part("x", "a/b").described()]),
}


def _event_check(name: str, event: Json) -> Check:
    def run(desk: Desk) -> None:
        """§2, §2.1: required members, their terms, and no others."""
        told = problem(desk.post(event), "invalid-statement")
        holds("faults", bool(told.get("errors")), "at least one", told)

    return Check(f"refused_schema.{name}", run)


CHECKS.extend(_event_check(name, event) for name, event in _EVENTS.items())


@refused("invalid-statement")
def an_unknown_event(desk: Desk) -> httpx2.Response:
    """§2: one event with an unknown URI."""
    return desk.post({}, events={"https://x.example/ns/other/1": {}})


@refused("invalid-statement")
def a_notice_by_an_agency(desk: Desk) -> httpx2.Response:
    """§2: a notice that an agency posts."""
    return desk.post({}, events={NOTICE: {"alert": _SOME, "kind": "cancelled", "at": later(0)}})


@refused("invalid-statement")
def an_unknown_claim(desk: Desk) -> httpx2.Response:
    """§2: unknown members are refused by hubs."""
    return desk.post(alert(), colour="red")


def _names(desk: Desk, event: Json, path: str, **changes: Any) -> None:
    told = problem(desk.post(event, **changes), "invalid-statement")
    paths = [fault["path"] for fault in told["errors"]]
    holds("paths of the faults", path in paths, path, paths)


@check
def a_fault_names_the_unknown_member(desk: Desk) -> None:
    """§2, §4: unknown members are refused with their path, a JSON Pointer (RFC 6901) from the claims."""
    _names(desk, alert(handling=handling(colour="red")), f"{_EVENT}/handling/colour")


@check
def a_fault_names_the_wrong_term(desk: Desk) -> None:
    """§4: `errors` has a JSON Pointer from the claims."""
    _names(desk, alert(severity="terrible"), f"{_EVENT}/severity")


@check
def a_fault_counts_list_items(desk: Desk) -> None:
    """§4, RFC 6901: items by number."""
    _names(desk, update("none", references=["none"]), f"{_EVENT}/references/0")


@check
def a_problem_can_be_told_in_vietnamese(desk: Desk) -> None:
    """§4: a `detail` in English or Vietnamese by `Accept-Language`."""
    statement = desk.sign(desk.claims(alert(product=None)))
    details = [
        problem(desk.hub.post_b(statement, Accept_Language=language), "invalid-statement")["detail"]
        for language in ("en", "vi-VN,vi;q=0.9")
    ]
    holds("details", details[0] != details[1], "two languages", details)
