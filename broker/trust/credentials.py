"""Who reads: client assertions (RFC 7523), access tokens (RFC 9068) and proofs of possession (RFC 9449).

Pure but for the keys: what must be used once is told by `once`, and the caller asks the store.
"""

import hashlib
import re
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.errors import Refused
from broker.trust import jws
from broker.trust.directory import Snapshot
from broker.trust.hubkeys import HubKeys
from broker.trust.keys import enrol, load_public, required_members, thumbprint, verify_signature
from schemas.base import instant

ASSERTION_TYP = "client-authentication+jwt"
ACCESS_TYP = "at+jwt"
PROOF_TYP = "dpop+jwt"
ASSERTION_LIVES_S = 60
TOKEN_LIVES_S = 600
SKEW_S = 5
PROOF_WINDOW_S = 300
SCOPES = frozenset({"read", "subscribe", "inspect"})
ALGORITHMS = ("Ed25519", "EdDSA", "ES256", "ML-DSA-65")

_CLIENT = re.compile(r"[a-z0-9-]{1,32}")
_UNPROVEN = "The client could not be authenticated."


@dataclass(frozen=True, slots=True)
class Once:
    """A `jti` that must not have been used before, and for how long that matters."""

    kind: str
    value: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Client:
    """One system of an agency, proven by an assertion."""

    agency: str
    name: str
    once: Once


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token says. `bound_to` is the thumbprint of the key that must prove each use, if any."""

    agency: str
    client: str
    scopes: frozenset[str]
    bound_to: str | None


def read_assertion(token: str, snapshot: Snapshot, audience: str, now: datetime) -> Client:
    """Authenticates a client by its assertion (RFC 7523 §3; protocol §6). Refuses with `unauthenticated`."""
    framed = _framed(token, ASSERTION_TYP)
    claims = framed.claims
    agency, _, name = str(claims.get("iss", "")).partition("#")
    record = snapshot.key(framed.kid)
    active = snapshot.agency(agency)
    usable = (
        record is not None
        and active is not None
        and active.acts(now)
        and record.agency == agency
        and record.use == "auth"
        and jws.fits(framed.alg, record.alg)
        and instant(record.valid_from) <= now < instant(record.valid_until)
        and record.revoked is None
    )
    if not usable or record is None or not _signed(framed, record.jwk):
        raise Refused("unauthenticated", _UNPROVEN)
    if claims.get("sub") != claims.get("iss") or not _CLIENT.fullmatch(name):
        raise Refused("unauthenticated", "In the assertion, iss and sub are both <agency>#<client>.")
    if claims.get("aud") != audience:
        raise Refused("unauthenticated", "The assertion's aud is not this hub's issuer URL.")
    issued, expires, jti = _time(claims.get("iat")), _time(claims.get("exp")), claims.get("jti")
    if issued is None or expires is None or not isinstance(jti, str) or not 1 <= len(jti) <= 256:
        raise Refused("unauthenticated", "The assertion needs iat, exp and jti.")
    moment = now.timestamp()
    if not issued - SKEW_S <= moment < expires or not 0 < expires - issued <= ASSERTION_LIVES_S:
        raise Refused("unauthenticated", "The assertion is not valid now, or lives longer than 60 s.")
    return Client(agency, name, Once("assertion", f"{agency}#{name}/{jti}", ASSERTION_LIVES_S + 2 * SKEW_S))


def issue(
    keys: HubKeys, issuer: str, client: Client, scopes: frozenset[str], bound_to: str | None, now: datetime
) -> str:
    """An access token for ten minutes, bound to the key of the proof that came with the request, if one did."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": issuer,
        "sub": f"{client.agency}#{client.name}",
        "client_id": f"{client.agency}#{client.name}",
        "scope": " ".join(sorted(scopes)),
        "iat": issued,
        "exp": issued + TOKEN_LIVES_S,
        "jti": str(uuid.uuid4()),
    }
    if bound_to is not None:
        claims["cnf"] = {"jkt": bound_to}
    return keys.sign("auth", ACCESS_TYP, claims)


def read_access_token(token: str, keys: HubKeys, issuer: str, now: datetime) -> Access:
    """What a token of this hub's allows. Refuses with `unauthenticated`."""
    framed = _framed(token, ACCESS_TYP)
    if framed.kid != keys.kid("auth") or not keys.verify("auth", framed.signing_input, framed.signature):
        raise Refused("unauthenticated", "The access token is not one of this hub's.")
    claims = framed.claims
    if claims["aud"] != issuer or not claims["iat"] - SKEW_S <= now.timestamp() < claims["exp"]:
        raise Refused("unauthenticated", "The access token has expired.")
    agency, _, client = claims["sub"].partition("#")
    bound_to = claims.get("cnf", {}).get("jkt")
    return Access(agency, client, frozenset(claims["scope"].split()), bound_to)


def read_proof(proof: str, method: str, url: str, token: str | None, now: datetime) -> tuple[str, Once]:
    """The thumbprint of the key that made a DPoP proof (RFC 9449 §4.3), for this request and this token.

    `url` is the issuer's origin and the path, without query (protocol §6).
    """
    header, claims, signing_input, signature = _proof_parts(proof)
    jwk = header.get("jwk")
    if header.get("typ") != PROOF_TYP or header.get("alg") not in ALGORITHMS or not isinstance(jwk, Mapping):
        raise _bad_proof("its header has typ dpop+jwt, an algorithm of ours, and a public jwk")
    if {"d", "priv", "k"} & jwk.keys() or "crit" in header:
        raise _bad_proof("its header has nothing private or critical")
    try:
        public = enrol(required_members(jwk), str(header["alg"]))
    except ValueError:
        raise _bad_proof("its jwk is a public key that a directory might hold") from None
    if not verify_signature(public, signing_input, signature):
        raise _bad_proof("its signature holds")
    if claims.get("htm") != method or claims.get("htu") != url:
        raise _bad_proof(f"its htm and htu are {method} and {url}")
    issued, jti = _time(claims.get("iat")), claims.get("jti")
    if issued is None or abs(now.timestamp() - issued) > PROOF_WINDOW_S:
        raise _bad_proof("its iat is now")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 256:
        raise _bad_proof("it has a jti")
    if token is not None and claims.get("ath") != access_token_hash(token):
        raise _bad_proof("its ath is the hash of the access token")
    key = thumbprint(jwk)
    return key, Once("dpop", f"{key}/{jti}", 2 * PROOF_WINDOW_S)


def access_token_hash(token: str) -> str:
    """RFC 9449 §4.1, `ath`."""
    return urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")


def _proof_parts(proof: str) -> tuple[Mapping[str, Any], Mapping[str, Any], bytes, bytes]:
    try:
        header, claims, signature = jws.open_compact(proof)
    except Refused:
        raise _bad_proof("it is a compact JWS") from None
    return header, claims, proof.rpartition(".")[0].encode("ascii"), signature


def _framed(token: str, typ: str) -> jws.Framed:
    try:
        return jws.frame(token, typ)
    except Refused:
        raise Refused("unauthenticated", _UNPROVEN) from None


def _signed(framed: jws.Framed, jwk: Mapping[str, str]) -> bool:
    return verify_signature(load_public(jwk, framed.alg), framed.signing_input, framed.signature)


def _time(value: object) -> int | None:
    """A NumericDate in whole seconds, or None for anything else."""
    return value if type(value) is int and value >= 0 else None


def _bad_proof(expected: str) -> Refused:
    return Refused("unauthenticated", f"The DPoP proof is not good for this request: {expected}.")
