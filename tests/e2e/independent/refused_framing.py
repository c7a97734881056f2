"""What is refused as `malformed` (protocol §2, §4): statements that are framed otherwise, however well signed."""

import json
import time
from typing import Any

import httpx2

from independent.alerts import ALERT, NOTICE, alert, as_json, envelope, new_id, text_part
from independent.check_posting import nested
from independent.checking import CHECKS, Check, problem
from independent.checking import refused as _refused
from independent.desk import DYKE, Desk
from independent.jose import b64, compact

malformed = _refused("malformed")


def _post_json(desk: Desk, text: str | bytes) -> httpx2.Response:
    """These very claims, signed well."""
    payload = text if isinstance(text, bytes) else text.encode()
    return desk.hub.post_b(desk.sign(payload))


def _text(desk: Desk, event: dict[str, Any] | None = None, **changes: Any) -> str:
    return as_json(desk.claims(event or alert(), **changes)).decode()


# the protected header

_HEADERS: dict[str, dict[str, Any]] = {
    "another_member": {"crit": ["b64"]},
    "a_key_of_its_own": {"jwk": {"kty": "OKP"}},
    "no_kid": {"kid": None},
    "no_typ": {"typ": None},
    "another_typ": {"typ": "JWT"},
    "a_receipts_typ": {"typ": "interagency-receipt+jwt"},
    "a_kid_that_is_no_string": {"kid": 7},
    "alg_none": {"alg": "none"},
    "alg_hs256": {"alg": "HS256"},
    "alg_rs256": {"alg": "RS256"},
}


def _header_check(name: str, changes: dict[str, Any]) -> Check:
    def run(desk: Desk) -> None:
        """§2: the header has exactly `alg`, `kid`, `typ`, all strings, of known values."""
        problem(desk.hub.post_b(desk.sign(desk.claims(alert()), **changes)), "malformed")

    return Check(f"refused_framing.header_{name}", run)


CHECKS.extend(_header_check(name, changes) for name, changes in _HEADERS.items())


@malformed
def a_duplicate_member_in_the_header(desk: Desk) -> httpx2.Response:
    """§2: a duplicate member in any JSON object."""
    key = desk.key(DYKE)
    header = f'{{"alg":"{key.alg}","kid":"{key.kid}","typ":"secevent+jwt","typ":"secevent+jwt"}}'
    return desk.hub.post_b(compact(header.encode(), as_json(desk.claims(alert())), key))


# the token


@malformed
def an_empty_body(desk: Desk) -> httpx2.Response:
    """§2: a token not of three parts."""
    return desk.hub.post_b("")


@malformed
def two_parts(desk: Desk) -> httpx2.Response:
    """§2: a token not of three parts."""
    return desk.hub.post_b(desk.sign(desk.claims(alert())).rpartition(".")[0])


@malformed
def four_parts(desk: Desk) -> httpx2.Response:
    """§2: a token not of three parts."""
    return desk.hub.post_b(desk.sign(desk.claims(alert())) + ".AAAA")


@malformed
def an_empty_signature(desk: Desk) -> httpx2.Response:
    """§2: an empty signature is framing."""
    return desk.hub.post_b(desk.sign(desk.claims(alert())).rpartition(".")[0] + ".")


@malformed
def padding(desk: Desk) -> httpx2.Response:
    """§2: padding in base64url (64 bytes of signature would have two)."""
    return desk.hub.post_b(desk.sign(desk.claims(alert())) + "==")


@malformed
def a_foreign_character(desk: Desk) -> httpx2.Response:
    """§2: foreign characters in base64url."""
    return desk.hub.post_b(desk.sign(desk.claims(alert()))[:-4] + "+/AA")


@malformed
def a_line_break_after_it(desk: Desk) -> httpx2.Response:
    """§2: foreign characters; white space is one."""
    return desk.hub.post_b(desk.sign(desk.claims(alert())) + "\n")


@malformed
def unused_bits(desk: Desk) -> httpx2.Response:
    """§2: non-zero unused bits: 64 bytes end in a character of which four bits are unused."""
    token = desk.sign(desk.claims(alert()))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return desk.hub.post_b(token[:-1] + alphabet[alphabet.index(token[-1]) + 1])


@malformed
def claims_that_are_no_json(desk: Desk) -> httpx2.Response:
    """§2: the payload of a SET is JSON."""
    return _post_json(desk, "not json")


@malformed
def claims_that_are_a_list(desk: Desk) -> httpx2.Response:
    """§2: the payload of a SET is an object."""
    return _post_json(desk, "[]")


# the JSON


@malformed
def a_duplicate_claim(desk: Desk) -> httpx2.Response:
    """§2: a duplicate member in any JSON object."""
    return _post_json(desk, _text(desk)[:-1] + f',"aud":{json.dumps(desk.hub.network)}}}')


@malformed
def a_duplicate_member_deep_inside(desk: Desk) -> httpx2.Response:
    """§2: a duplicate member in any JSON object."""
    return _post_json(desk, _text(desk).replace('"tlp":"green"', '"tlp":"red","tlp":"green"'))


@malformed
def a_duplicate_member_by_escape(desk: Desk) -> httpx2.Response:
    """§2: two spellings of one name are a duplicate."""
    return _post_json(desk, _text(desk).replace('"tlp":"green"', '"tlp":"green","\\u0074lp":"green"'))


@malformed
def invalid_utf_8(desk: Desk) -> httpx2.Response:
    """§2: invalid UTF-8."""
    return _post_json(desk, _text(desk).encode().replace(b"Flood", b"Fl\xff\xfeod"))


@malformed
def a_byte_order_mark(desk: Desk) -> httpx2.Response:
    """The protocol's head: JSON is UTF-8 without a byte-order mark."""
    return _post_json(desk, b"\xef\xbb\xbf" + _text(desk).encode())


@malformed
def an_unpaired_surrogate(desk: Desk) -> httpx2.Response:
    """§2: an unpaired surrogate escape."""
    return _post_json(desk, _text(desk).replace("Flood", "Fl\\ud800od"))


@malformed
def not_a_number(desk: Desk) -> httpx2.Response:
    """§2: NaN."""
    return _post_json(desk, _text(desk, alert(ext={"https://x.example/n": 7777})).replace("7777", "NaN"))


@malformed
def infinity(desk: Desk) -> httpx2.Response:
    """§2: infinities."""
    return _post_json(desk, _text(desk, alert(ext={"https://x.example/n": 7777})).replace("7777", "-Infinity"))


@malformed
def a_number_that_overflows(desk: Desk) -> httpx2.Response:
    """§2: infinities, also those that a reader's doubles make of 1e999."""
    return _post_json(desk, _text(desk, alert(ext={"https://x.example/n": 7777})).replace("7777", "1e999"))


@malformed
def an_integer_too_large(desk: Desk) -> httpx2.Response:
    """§2: integers beyond ±(2⁵³−1)."""
    return desk.post(alert(ext={"https://x.example/n": 2**53}))


@malformed
def an_integer_too_small(desk: Desk) -> httpx2.Response:
    """§2: integers beyond ±(2⁵³−1)."""
    return desk.post(alert(ext={"https://x.example/n": -(2**53)}))


@malformed
def seventeen_levels(desk: Desk) -> httpx2.Response:
    """§2: nesting deeper than 16."""
    return desk.post(alert(ext=nested(17)))


# the claims

_CLAIMS: dict[str, dict[str, Any]] = {
    "no_iss": {"iss": None},
    "no_jti": {"jti": None},
    "no_iat": {"iat": None},
    "no_aud": {"aud": None},
    "no_events": {"events": None},
    "no_event": {"events": {}},
    "two_events": {"events": {ALERT: alert(), NOTICE: {}}},
    "iat_with_a_point": {"iat": float(int(time.time()))},
    "iat_as_text": {"iat": str(int(time.time()))},
    "a_negative_iat": {"iat": -5},
    "aud_as_a_list": {"aud": ["https://nts.example/vn"]},
    "a_jti_of_another": {"jti": new_id("vn.moh")},
    "a_jti_without_an_issuer": {"jti": new_id("")[1:]},
    "a_jti_in_upper_case": {"jti": f"{DYKE}/019AA8F0-5D2E-7C3A-9A51-1F6F2A3B4C5D"},
    "a_jti_without_a_uuid": {"jti": f"{DYKE}/17"},
    "exp": {"exp": int(time.time()) + 60},
    "nbf": {"nbf": int(time.time())},
    "sub": {"sub": DYKE},
}


def _claims_check(name: str, changes: dict[str, Any]) -> Check:
    def run(desk: Desk) -> None:
        """§2: the claims that a statement must have, may have, and must not have."""
        token = desk.sign(as_json(desk.claims(alert(), **changes)))
        problem(desk.hub.post_b(token), "malformed")

    return Check(f"refused_framing.claims_{name}", run)


CHECKS.extend(_claims_check(name, changes) for name, changes in _CLAIMS.items())


# the salt of form A


def _form_a(desk: Desk, salt: str | None) -> httpx2.Response:
    part = text_part("salted")
    statement = desk.sign(desk.claims(alert(parts=[part.described()])))
    return desk.hub.post_a(statement, salt, part.data, part.type)


@malformed
def form_a_without_a_salt(desk: Desk) -> httpx2.Response:
    """§4: a salt that is missing."""
    return _form_a(desk, None)


@malformed
def form_a_with_a_short_salt(desk: Desk) -> httpx2.Response:
    """§4: a salt that is not 32 bytes."""
    return _form_a(desk, b64(bytes(31)))


@malformed
def form_a_with_a_padded_salt(desk: Desk) -> httpx2.Response:
    """The protocol's head: binary is base64url without padding."""
    return _form_a(desk, b64(bytes(32)) + "=")


# the envelope of form D


def _form_d(desk: Desk, **changes: Any) -> httpx2.Response:
    part = text_part("salted")
    statement = desk.sign(desk.claims(alert(parts=[part.described()])))
    return desk.hub.post_d(as_json({**envelope(statement, part), **changes}))


@malformed
def an_envelope_that_is_no_json(desk: Desk) -> httpx2.Response:
    """§4: framing of the envelope."""
    return desk.hub.post_d(b"{")


@malformed
def an_envelope_without_a_statement(desk: Desk) -> httpx2.Response:
    """§5: an envelope has a statement."""
    return desk.hub.post_d(as_json({"parts": {}}))


@malformed
def an_unknown_member_of_the_envelope(desk: Desk) -> httpx2.Response:
    """§4: framing of the envelope, unknown members too."""
    return _form_d(desk, comment="hello")


@malformed
def a_duplicate_member_of_the_envelope(desk: Desk) -> httpx2.Response:
    """§2: a duplicate member in any JSON object."""
    body = as_json(envelope(desk.sign(desk.claims(alert()))))
    return desk.hub.post_d(body[:-1] + b',"parts":{}}')


@malformed
def a_part_without_a_salt(desk: Desk) -> httpx2.Response:
    """§4: a salt that is missing."""
    return _form_d(desk, parts={"main": {"data": "AAAA"}})


@malformed
def a_part_with_a_short_salt(desk: Desk) -> httpx2.Response:
    """§4: a salt that is not 32 bytes."""
    return _form_d(desk, parts={"main": {"salt": b64(bytes(31)), "data": "AAAA"}})


@malformed
def a_part_with_padded_data(desk: Desk) -> httpx2.Response:
    """The protocol's head: binary is base64url without padding."""
    return _form_d(desk, parts={"main": {"salt": b64(bytes(32)), "data": "AA=="}})


@malformed
def an_unknown_member_of_a_part(desk: Desk) -> httpx2.Response:
    """§4: framing of the envelope, unknown members too."""
    return _form_d(desk, parts={"main": {"salt": b64(bytes(32)), "data": "AAAA", "name": "x"}})
