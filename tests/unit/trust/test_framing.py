"""Each refusal of protocol §2's framing has a row; what is framed is what was signed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Refused
from broker.trust import jws
from broker.trust.keys import generate, load_public, verify_signature

KEY = generate()
UUID = "019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"
CLAIMS: dict[str, Any] = {
    "iss": "vn.mae.dyke",
    "jti": f"vn.mae.dyke/{UUID}",
    "iat": 1795309200,
    "aud": "https://nts.example/vn",
    "events": {"https://interagency-broker.example/ns/alert/1": {"kind": "alert"}},
}
HEADER = {"alg": "Ed25519", "kid": KEY.kid, "typ": "secevent+jwt"}


def token(header: Any = HEADER, payload: Any = CLAIMS) -> str:
    """A signed token of whatever is given: objects, or the very bytes."""
    pieces = [piece if isinstance(piece, bytes) else json.dumps(piece).encode() for piece in (header, payload)]
    signing_input = ".".join(jws.encode(piece) for piece in pieces)
    return f"{signing_input}.{jws.encode(KEY.sign(signing_input.encode()))}"


def claims(**changed: Any) -> dict[str, Any]:
    """The claims with some changed, or left out (`...`)."""
    return {name: value for name, value in (CLAIMS | changed).items() if value is not ...}


def raw(old: bytes, new: bytes) -> bytes:
    """The payload's text with something in it replaced."""
    text = json.dumps(CLAIMS).encode()
    assert old in text
    return text.replace(old, new, 1)


def nested(depth: int) -> dict[str, Any]:
    """Claims whose deepest value lies at that level; the claims object is level 1."""
    value: Any = {}
    for _ in range(depth - 2):
        value = {"a": value}
    return claims(ext=value)


VALID = token()
HEAD, PAYLOAD, SIGNATURE = VALID.split(".")

MALFORMED = {
    "two parts": f"{HEAD}.{PAYLOAD}",
    "four parts": f"{VALID}.",
    "nothing": "",
    "padding": f"{HEAD}.{PAYLOAD}=.{SIGNATURE}",
    "a foreign character": f"{HEAD}.{PAYLOAD}!.{SIGNATURE}",
    "standard base64": f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-2]}+/",
    "white space before": " " + VALID,
    "a new line after": VALID + "\n",
    "non-zero unused bits": f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-1]}{chr(ord(SIGNATURE[-1]) + 1)}",
    "a length that base64 cannot have": f"{HEAD}.{PAYLOAD}.{SIGNATURE}AAA",
    "an empty signature": f"{HEAD}.{PAYLOAD}.",
    "a header that lacks kid": token({"alg": "Ed25519", "typ": "secevent+jwt"}),
    "a header that lacks typ": token({"alg": "Ed25519", "kid": KEY.kid}),
    "a header with jwk": token(HEADER | {"jwk": KEY.jwk}),
    "a header with crit": token(HEADER | {"crit": ["b64"]}),
    "a header member that is no string": token(HEADER | {"kid": 7}),
    "alg none": token(HEADER | {"alg": "none"}),
    "alg RS256": token(HEADER | {"alg": "RS256"}),
    "alg in other letters": token(HEADER | {"alg": "ed25519"}),
    "another typ": token(HEADER | {"typ": "JWT"}),
    "typ with application/": token(HEADER | {"typ": "application/secevent+jwt"}),
    "a header that is a list": token([HEADER]),
    "a duplicate member in the header": token(b'{"alg":"Ed25519","alg":"Ed25519","kid":"x","typ":"secevent+jwt"}'),
    "a duplicate claim": token(payload=raw(b'"iss": "vn.mae.dyke"', b'"iss": "vn.mae.dyke", "iss": "vn.mae.dyke"')),
    "a duplicate member within": token(payload=raw(b'{"kind": "alert"}', b'{"kind": "alert", "kind": "alert"}')),
    "invalid UTF-8": token(payload=raw(b"alert", b"al\xffrt")),
    "an encoded surrogate": token(payload=raw(b"alert", b"\xed\xa0\x80")),
    "an unpaired surrogate escape": token(payload=raw(b"alert", b"\\ud83d")),
    "a reversed surrogate pair": token(payload=raw(b"alert", b"\\ude00\\ud83d")),
    "a surrogate in a name": token(payload=raw(b'"kind"', b'"\\udc00"')),
    "a byte-order mark": token(payload=b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode()),
    "NaN": token(payload=raw(b"1795309200", b'1795309200, "x": NaN')),
    "Infinity": token(payload=raw(b"1795309200", b'1795309200, "x": Infinity')),
    "-Infinity": token(payload=raw(b"1795309200", b'1795309200, "x": -Infinity')),
    "a number beyond all": token(payload=raw(b"1795309200", b'1795309200, "x": 1e999')),
    "2^53": token(payload=claims(toe=2**53)),
    "-2^53": token(payload=claims(toe=-(2**53))),
    "an endless integer": token(payload=raw(b"1795309200", b"9" * 5000)),
    "17 levels": token(payload=nested(17)),
    "thousands of levels": token(payload=b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "claims that are a list": token(payload=[CLAIMS]),
    "claims that are no JSON": token(payload=b"{'iss': 1}"),
    "something after the claims": token(payload=json.dumps(CLAIMS).encode() + b"{}"),
    "a trailing comma": token(payload=raw(b'"alert"}', b'"alert",}')),
    "no iss": token(payload=claims(iss=...)),
    "no jti": token(payload=claims(jti=...)),
    "no iat": token(payload=claims(iat=...)),
    "no aud": token(payload=claims(aud=...)),
    "no events": token(payload=claims(events=...)),
    "iss empty": token(payload=claims(iss="", jti=f"/{UUID}")),
    "iss no string": token(payload=claims(iss=["vn.mae.dyke"])),
    "iat as text": token(payload=claims(iat="1795309200")),
    "iat with a fraction": token(payload=raw(b"1795309200", b"1795309200.0")),
    "iat with an exponent": token(payload=raw(b"1795309200", b"1795309200e0")),
    "iat below zero": token(payload=claims(iat=-1)),
    "iat true": token(payload=claims(iat=True)),
    "aud a list": token(payload=claims(aud=["https://nts.example/vn"])),
    "jti of another issuer": token(payload=claims(jti=f"vn.mae/{UUID}")),
    "jti of another issuer whose name is as long": token(payload=claims(jti=f"vn.mae.dykf/{UUID}")),
    "jti with another separator": token(payload=claims(jti=f"vn.mae.dyke:{UUID}")),
    "jti without the issuer": token(payload=claims(jti=UUID)),
    "jti in capitals": token(payload=claims(jti=f"vn.mae.dyke/{UUID.upper()}")),
    "jti with something after": token(payload=claims(jti=f"vn.mae.dyke/{UUID}\n")),
    "jti no string": token(payload=claims(jti=7)),
    "exp": token(payload=claims(exp=1795309300)),
    "nbf": token(payload=claims(nbf=1795309200)),
    "sub": token(payload=claims(sub="x")),
    "no event": token(payload=claims(events={})),
    "two events": token(payload=claims(events={"a:b": {}, "a:c": {}})),
    "events a list": token(payload=claims(events=[{}])),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed(case: str) -> None:
    """What breaks a rule of framing is refused as malformed, whoever signed it."""
    with pytest.raises(Refused) as refused:
        jws.frame_statement(MALFORMED[case])
    assert refused.value.code == "malformed"


def test_too_large() -> None:
    """A statement of more than 16,384 characters is too large; one of exactly that many is read."""
    longest = token(payload=claims(txn=""))
    room = 16_384 - len(longest)
    filled = token(payload=claims(txn="x" * (room * 3 // 4)))
    assert 16_380 <= len(filled) <= 16_384
    assert jws.frame_statement(filled)
    with pytest.raises(Refused) as refused:
        jws.frame_statement(filled + "A" * 5)
    assert refused.value.code == "too-large"


def test_what_is_allowed() -> None:
    """Sixteen levels, the largest safe integers, escapes that pair, EdDSA and unknown events are framed."""
    for allowed in (
        VALID,
        token(payload=nested(16)),
        token(payload=claims(toe=2**53 - 1)),
        token(payload=raw(b"alert", b"\\ud83d\\ude00")),
        token(HEADER | {"alg": "EdDSA"}),
        token(payload=claims(events={"urn:other": {}})),
    ):
        assert jws.frame_statement(allowed).kid == KEY.kid


def test_the_digest_leaves_the_signature_out() -> None:
    """Signing the same bytes again makes the same statement: the digest is of header and payload alone."""
    other = f"{HEAD}.{PAYLOAD}.{jws.encode(b'another signature')}"
    assert jws.frame_statement(VALID).digest == jws.frame_statement(other).digest == jws.statement_digest(VALID)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(extra=JSON_VALUES)
def test_what_was_signed_is_what_is_read(extra: Any) -> None:
    """Claims come back from framing as they were signed, and the signature holds over the signing input."""
    try:
        framed = jws.frame_statement(jws.sign(KEY, "secevent+jwt", CLAIMS | {"ext": extra}))
    except Refused:
        assert json.dumps(extra).count("[") + json.dumps(extra).count("{") > 10  # only too deep a nesting
        return
    assert framed.claims == CLAIMS | {"ext": extra}
    assert verify_signature(load_public(KEY.jwk, "Ed25519"), framed.signing_input, framed.signature)


@given(position=st.integers(0, len(VALID) - 1), character=st.characters(codec="ascii"))
def test_no_changed_character_is_believed(position: int, character: str) -> None:
    """A token with one character changed is refused by framing, or its signature no longer holds."""
    changed = VALID[:position] + character + VALID[position + 1 :]
    if changed == VALID:
        return
    try:
        framed = jws.frame_statement(changed)
    except Refused:
        return
    assert not verify_signature(load_public(KEY.jwk, "Ed25519"), framed.signing_input, framed.signature)


@given(st.binary(max_size=200))
def test_noise(data: bytes) -> None:
    """Any bytes at all are refused with a code, never with another exception."""
    with pytest.raises(Refused):
        jws.frame_statement(data.decode("latin-1"))
