"""What is taken: forms A, B, D and /v1/sets, receipts, and the same bytes again (protocol §4, §11)."""

import time
from concurrent.futures import ThreadPoolExecutor

from independent.alerts import (
    Part,
    addressed,
    addressing_part,
    alert,
    as_json,
    envelope,
    handling,
    new_id,
    personal,
    text_part,
    update,
)
from independent.cap import cap_part
from independent.checking import answered, check, equal, holds
from independent.desk import AHA, DYKE, POLICE, THAI_POLICE, Desk
from independent.jose import b64, parse
from independent.reading import verify_entry, verify_receipt

_HEADER_LIMIT = 7000


def _verify_answer(desk: Desk, statement: str, answer: dict[str, object]) -> None:
    """A 202: id, digest, state, receipt and the entry behind its leaf."""
    jws = parse(statement)
    equal("id", jws.claims["jti"], answer["id"])
    equal("statement", jws.digest, answer["statement"])
    equal("state", "accepted", answer["state"])
    receipt = verify_receipt(desk.hub, str(answer["receipt"]), jws.claims["jti"], jws.digest)
    entry = answer["entry"]
    assert isinstance(entry, dict)
    verify_entry(receipt, entry)


@check
def form_b_is_taken_with_a_receipt(desk: Desk) -> None:
    """§4 form B, §11: 202, the receipt verifies, and its leaf is that of the entry."""
    posted = desk.accepted(alert())
    _verify_answer(desk, posted.statement, posted.answer)


@check
def form_a_is_taken(desk: Desk) -> None:
    """§4 form A: the statement in a header, the part `main` as the body."""
    part = text_part("Mực nước 11,50 m")
    statement = desk.sign(desk.claims(alert(parts=[part.described()])))
    answer = answered(desk.hub.post_a(statement, b64(part.salt), part.data, part.type), 202)
    _verify_answer(desk, statement, answer)


@check
def form_a_takes_a_long_header(desk: Desk) -> None:
    """§4 form A: a statement a little under 7,000 bytes fits."""
    part = text_part("long")
    statement = desk.sign(desk.claims(alert(parts=[part.described()], ext={"https://x.example/pad": "x" * 4180})))
    fits = 6500 < len(statement) <= _HEADER_LIMIT
    holds("length of this program's statement", fits, "6500 to 7000", len(statement))
    answered(desk.hub.post_a(statement, b64(part.salt), part.data, part.type), 202)


@check
def form_d_is_taken_with_several_parts(desk: Desk) -> None:
    """§4 form D: one envelope, with a part for each that the statement names."""
    photo = Part("photo-1", "image/png", bytes(range(256)) * 40)
    posted = desk.accepted(alert(), text_part("text"), photo)
    _verify_answer(desk, posted.statement, posted.answer)


@check
def form_d_takes_the_addressing_as_a_part(desk: Desk) -> None:
    """§2: the part `addressing` stands in for addressing in the statement."""
    desk.accepted(alert(addressing=None), addressing_part(addressed("vn.moh")))


@check
def form_d_ignores_a_hub_member_of_others(desk: Desk) -> None:
    """§5: `hub` is set by hubs alone, and ignored when others post it."""
    statement = desk.sign(desk.claims(alert()))
    answered(desk.hub.post_d(as_json(envelope(statement, hub={"id": "vn.hub", "position": 9}))), 202)


@check
def a_cap_part_that_agrees_is_taken(desk: Desk) -> None:
    """§2, §7: identifier, sender, status, scope, severity, urgency, certainty, expires agree."""
    event, alert_id = alert(), new_id(DYKE)
    desk.accepted(event, cap_part(alert_id, event), jti=alert_id)


@check
def a_public_cap_part_is_taken(desk: Desk) -> None:
    """§2: scope is Public exactly if `@public` is addressed; §3: clear, actual, without personal data."""
    event = alert("@public", handling=handling("clear", purpose=["public-warning"]))
    alert_id = new_id(DYKE)
    desk.accepted(event, cap_part(alert_id, event), jti=alert_id)


@check
def a_cap_part_may_name_our_reference(desk: Desk) -> None:
    """§2: `identifier` equals the id or `refs.ours`."""
    event = alert(refs={"ours": "DD-2026-118"})
    alert_id = new_id(DYKE)
    desk.accepted(event, cap_part(alert_id, event, identifier="DD-2026-118"), jti=alert_id)


@check
def es256_signs_too(desk: Desk) -> None:
    """§2: `ES256`, the foreign partner's algorithm; signed twice it is one statement: the digest leaves that out."""
    statement = desk.claims(alert(POLICE, domain="crime"), THAI_POLICE)
    first, again = desk.sign(statement), desk.sign(statement)
    holds("the test's signatures differ", first != again, "two signatures", first)
    equal("answers", answered(desk.hub.post_b(first), 202), answered(desk.hub.post_b(again), 202))


@check
def ml_dsa_signs_too(desk: Desk) -> None:
    """§2, RFC 9964: `ML-DSA-65`, when a key of that kind was given."""
    key = desk.key(AHA, "ml-dsa")
    statement = desk.sign(desk.claims(alert("@asean.disaster"), AHA), key)
    _verify_answer(desk, statement, answered(desk.hub.post_b(statement), 202))


@check
def eddsa_counts_as_ed25519(desk: Desk) -> None:
    """§2: `EdDSA` counts as the same everywhere."""
    answered(desk.hub.post_b(desk.sign(desk.claims(alert()), alg="EdDSA")), 202)


@check
def the_same_bytes_again_have_the_first_answer(desk: Desk) -> None:
    """§4: the same id with the same statement digest, 202 with the first answer."""
    posted = desk.accepted(alert())
    equal("second answer", posted.answer, answered(desk.hub.post_b(posted.statement), 202))


@check
def the_same_statement_by_another_form_is_the_same_alert(desk: Desk) -> None:
    """§4: the statement counts, not the way it came."""
    posted = desk.accepted(alert())
    again = desk.hub.post_d(as_json(envelope(posted.statement)))
    equal("answer to form D", posted.answer, answered(again, 202))


@check
def eight_at_once_have_one_answer(desk: Desk) -> None:
    """§4: retries that overlap are still one alert."""
    statement = desk.sign(desk.claims(alert()))
    with ThreadPoolExecutor(8) as pool:
        answers = [answered(r, 202) for r in pool.map(desk.hub.post_b, [statement] * 8)]
    equal("answers", [answers[0]] * 8, answers)


@check
def a_set_is_pushed(desk: Desk) -> None:
    """§4, RFC 8935 §2.2: 202, an empty body, the receipt in `Alert-Receipt`."""
    statement = desk.sign(desk.claims(alert()))
    response = desk.hub.post_set(statement)
    equal("status", 202, response.status_code)
    equal("body", b"", response.content)
    jws = parse(statement)
    verify_receipt(desk.hub, response.headers["alert-receipt"], jws.claims["jti"], jws.digest)


@check
def a_clock_may_be_a_little_off(desk: Desk) -> None:
    """§2: `iat` is accepted within ±300 s."""
    for seconds in (-280, 280):
        answered(desk.post(alert(), iat=int(time.time()) + seconds), 202)


@check
def sixteen_levels_may_nest(desk: Desk) -> None:
    """§2: nesting of 16, the claims object being the first."""
    answered(desk.hub.post_b(desk.sign(desk.claims(alert(ext=nested(16))))), 202)


def nested(depth: int) -> dict[str, object]:
    """`ext` (the fourth level: claims, events, event, ext) with lists down to `depth`."""
    value: object = "deep"
    for _ in range(depth - 4):
        value = [value]
    return {"https://x.example/nested": value}


@check
def a_term_below_a_known_one_is_taken(desk: Desk) -> None:
    """§2: an unknown term below a known one acts as the known one."""
    desk.accepted(alert(domain="disaster.flood.urban-of-a-new-kind"))


@check
def every_area_form_is_taken(desk: Desk) -> None:
    """§2: ISO 3166-2, polygon, circle, geocode."""
    ring = [[20.9, 106.9], [21.2, 106.9], [21.2, 107.3], [20.9, 106.9]]
    areas = [
        {"iso": "VN-13"},
        {"name": {"vi": "Quảng Ninh"}, "polygon": ring},
        {"circle": [20.9, 106.9, 25.0]},
        {"geocode": {"system": "https://codes.example/vn", "value": "22"}},
    ]
    desk.accepted(alert(areas=areas))


@check
def all_common_members_are_taken(desk: Desk) -> None:
    """§2: txn, toe, effective, onset, by, refs, ext of any URI."""
    members = {"by": "officer-0412", "refs": {"ours": "DD/2026/118", "yours": "C02/7"}}
    event = alert(**members, ext={"https://x.example/any": {"level": 3}}, effective="2026-01-01T08:00:00+07:00")
    desk.accepted(event, txn=f"{DYKE}/flood-17", toe=int(time.time()) - 1000)


@check
def personal_data_with_its_basis_is_taken(desk: Desk) -> None:
    """§3: legal basis, erasure date and declaration are there."""
    desk.accepted(alert(THAI_POLICE, domain="crime", handling=personal()), issuer=POLICE)


@check
def an_update_by_the_issuer_is_taken(desk: Desk) -> None:
    """§2.1: an update of one's own alert."""
    desk.accepted(update(desk.accepted(alert()).id))
