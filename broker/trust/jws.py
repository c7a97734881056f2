"""Compact JWS as strict as protocol §2 asks: one text, one reading (RFC 7515, RFC 8725)."""

import hashlib
import json
import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from broker.errors import Fault, Refused
from broker.trust.keys import PrivateKey
from broker.trust.strict_json import NotStrict, read_object
from schemas.base import AgencyId

STATEMENT_TYP = "secevent+jwt"
LONGEST = 16_384
ALGORITHMS = frozenset({"Ed25519", "EdDSA", "ES256", "ML-DSA-65"})

_AGENCY: TypeAdapter[str] = TypeAdapter(AgencyId)
_HEADER = {"alg", "kid", "typ"}
_JTI = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_REQUIRED = ("iss", "jti", "iat", "aud", "events")
_FORBIDDEN = ("exp", "nbf", "sub")


@dataclass(frozen=True, slots=True)
class Framed:
    """A token of the right form; nothing in it has been verified yet."""

    token: str
    alg: str
    kid: str
    claims: Mapping[str, Any]
    signature: bytes

    @property
    def signing_input(self) -> bytes:
        """The ASCII bytes `header.payload` (RFC 7515 §5.2)."""
        return self.token.rpartition(".")[0].encode("ascii")

    @property
    def digest(self) -> str:
        """The statement digest (protocol §2): the signature is not in it."""
        return digest_of(self.signing_input)


def frame(token: str, typ: str = STATEMENT_TYP) -> Framed:
    """A compact JWS whose protected header is exactly `alg`, `kid` and this `typ`. Refuses with `malformed`."""
    header, claims, signature = open_compact(token)
    if header.keys() != _HEADER:
        raise malformed("the protected header has exactly alg, kid and typ")
    if not all(isinstance(member, str) for member in header.values()):
        raise malformed("the members of the protected header are strings")
    if header["typ"] != typ:
        raise malformed(f"typ is {typ}")
    if header["alg"] not in ALGORITHMS:
        raise malformed("alg is Ed25519, ES256 or ML-DSA-65")
    return Framed(token, header["alg"], header["kid"], claims, signature)


def frame_statement(token: str) -> Framed:
    """A Security Event Token as protocol §2 frames it. Refuses with `too-large` or `malformed`."""
    if len(token) > LONGEST:
        raise Refused("too-large", f"A statement has at most {LONGEST} characters; content goes into parts.")
    framed = frame(token)
    claims = framed.claims
    if missing := [member for member in _REQUIRED if member not in claims]:
        raise malformed("this claim", f"/{missing[0]}")
    if surplus := [member for member in _FORBIDDEN if member in claims]:
        raise malformed("no such claim", f"/{surplus[0]}")
    if type(claims["iat"]) is not int or claims["iat"] < 0:
        raise malformed("whole seconds, as digits alone", "/iat")
    if not isinstance(claims["aud"], str):
        raise malformed("one string", "/aud")
    if not isinstance(claims["iss"], str) or not claims["iss"]:
        raise malformed("a string", "/iss")
    if not _is_id_of(claims["iss"], claims["jti"]):
        raise malformed("the issuer, a slash, a lower-case UUID", "/jti")
    if not isinstance(claims["events"], dict) or len(claims["events"]) != 1:
        raise malformed("exactly one event", "/events")
    return framed


def claimed_issuer(token: str) -> str | None:
    """The `iss` of a token that was refused, where it can be read and is an agency's id. Nothing vouches for it."""
    try:
        return _AGENCY.validate_python(open_compact(token)[1].get("iss")) if len(token) <= LONGEST else None
    except (Refused, ValidationError):
        return None


def _is_id_of(issuer: str, jti: object) -> bool:
    return isinstance(jti, str) and jti.startswith(issuer + "/") and bool(_JTI.fullmatch(jti[len(issuer) + 1 :]))


def open_compact(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any], bytes]:
    """Header, payload and signature of a compact JWS, strictly read. Refuses with `malformed`."""
    pieces = token.split(".")
    if len(pieces) != 3:
        raise malformed("a token has three parts")
    try:
        header, payload = (read_object(decode(piece)) for piece in pieces[:2])
        signature = decode(pieces[2])
    except NotStrict as why:
        raise malformed(str(why)) from None
    if not signature:
        raise malformed("the signature is not empty")
    return header, payload, signature


def decode(text: str) -> bytes:
    """Base64url without padding, foreign characters or non-zero unused bits (RFC 4648 §3.5). Raises NotStrict."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (NotBase64, ValueError):
        raise NotStrict("binary is base64url without padding") from None
    if encode(data) != text:
        raise NotStrict("binary is base64url without padding, foreign characters or unused bits")
    return data


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def sign(key: PrivateKey, typ: str, claims: Mapping[str, Any]) -> str:
    """A compact JWS over the claims, with exactly the header members that `frame` asks for."""
    header = {"alg": key.alg, "kid": key.kid, "typ": typ}
    signing_input = f"{encode(_json(header))}.{encode(_json(claims))}"
    return f"{signing_input}.{encode(key.sign(signing_input.encode('ascii')))}"


def statement_digest(token: str) -> str:
    """Of a token that is known to be one."""
    return digest_of(token.rpartition(".")[0].encode("ascii"))


def digest_of(data: bytes) -> str:
    """`sha256:` and 64 lower-case hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def fits(alg: str, of_key: str) -> bool:
    """Whether a token's `alg` is its key's; `EdDSA` counts as `Ed25519` everywhere (protocol §2)."""
    return _plain(alg) == _plain(of_key)


def malformed(expected: str, path: str = "") -> Refused:
    """The refusal of a token that breaks a rule of framing."""
    return Refused("malformed", "The statement is not framed as the protocol asks.", (Fault(path, expected),))


def _plain(alg: str) -> str:
    return "Ed25519" if alg == "EdDSA" else alg


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def standard_base64(data: bytes) -> str:
    """With padding, as Standard Webhooks and signed notes have it (RFC 4648 §4)."""
    return b64encode(data).decode("ascii")
