"""Proof that an agency can use the key that it wants enrolled (docs/adr/0014): made by keygen, checked by registrars.

A compact JWS, framed as a statement is, by the new key itself. A key of use `seal` cannot sign: for it the agency's
statement key does, one that the directory lists or one that is enrolled together with it.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from broker.errors import Refused
from broker.trust import jws, sealing_keys
from broker.trust.directory import Snapshot
from broker.trust.keys import PrivateKey, WeakKey, enrol, load_public, thumbprint, verify_signature
from schemas.base import instant
from schemas.directory import AgencyKey, KeyRecord
from schemas.faults import faults
from schemas.terms import KeyUse

TYP: Final = "interagency-key-proof+jwt"
LIVES: Final = timedelta(days=7)
AHEAD: Final = timedelta(minutes=5)
"""How far a clock may be ahead of the registrar's."""
LARGEST: Final = 16_384
_CLAIMS: Final = {"iss", "aud", "iat", "jti", "key"}


class NotProven(ValueError):  # noqa: N818 - named as people say it
    """The key must not be enrolled; `reason` is a stable code, the message says why."""

    def __init__(self, reason: str, told: str) -> None:
        """Both."""
        super().__init__(told)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Proof:
    """What it says, before anything of it is believed."""

    framed: jws.Framed
    agency: str
    key: AgencyKey


def prove(record: Mapping[str, Any], agency: str, network: str, signer: PrivateKey, now: datetime) -> str:
    """The proof for a record as the directory is to have it; `signer` is the key itself, but for use `seal`."""
    claims = {
        "iss": agency,
        "aud": network,
        "iat": int(now.timestamp()),
        "jti": secrets.token_urlsafe(16),
        "key": dict(record),
    }
    return jws.sign(signer, TYP, claims)


def read_proof(token: str) -> Proof:
    """NotProven (`malformed`) for anything that is no such proof."""
    token = token.strip()
    if len(token) > LARGEST:
        raise NotProven("malformed", f"a proof has at most {LARGEST} characters")
    try:
        framed = jws.frame(token, TYP)
    except Refused as why:
        raise NotProven("malformed", f"it is no proof: {why.faults[0].expected}") from None
    claims = framed.claims
    texts = all(isinstance(claims.get(name), str) for name in ("iss", "aud", "jti"))
    if claims.keys() != _CLAIMS or not texts or type(claims["iat"]) is not int:
        raise NotProven("malformed", f"it has exactly the claims {', '.join(sorted(_CLAIMS))}")
    try:
        key = AgencyKey.model_validate(claims["key"], strict=False)
    except ValidationError as error:
        path, expected = faults(error)[0]
        raise NotProven("malformed", f"the key's record{path}: expected {expected}") from None
    if key.revoked is not None or key.officer is not None:
        raise NotProven("malformed", "whose key it is, and whether it is revoked, is the registrars' to say")
    return Proof(framed, claims["iss"], key)


def check_proofs(proofs: Iterable[Proof], agency: str, directory: Snapshot, now: datetime) -> list[AgencyKey]:
    """The keys that may be enrolled for that agency. NotProven for the first that may not, and then for all."""
    proofs = list(proofs)
    kids = [proof.key.kid for proof in proofs]
    if len(set(kids)) != len(kids):
        raise NotProven("reused", "one key is given twice: each has one use")
    for proof in proofs:
        _check_meant(proof, agency, directory, now)
        _check_key(proof.key, directory, now)
    beside = {each.key.kid: each.key for each in proofs if each.key.use is KeyUse.STATEMENT}
    for proof in proofs:
        _check_signature(proof, beside, directory, now)
    return [proof.key for proof in proofs]


def _check_meant(proof: Proof, agency: str, directory: Snapshot, now: datetime) -> None:
    claims = proof.framed.claims
    if proof.agency != agency:
        raise NotProven("agency", f"it is for {proof.agency}, not for {agency}")
    if directory.agency(agency) is None:
        raise NotProven("agency", f"{agency} is no agency of this directory")
    if claims["aud"] != directory.network:
        raise NotProven("network", f"it is for the network {claims['aud']}, this one is {directory.network}")
    age = now.timestamp() - claims["iat"]
    if not -AHEAD.total_seconds() <= age < LIVES.total_seconds():
        raise NotProven("expired", f"it was made more than {LIVES.days} days ago, or by a clock that is ahead")


def _check_key(key: AgencyKey, directory: Snapshot, now: datetime) -> None:
    if key.kid != thumbprint(key.jwk):
        raise NotProven("malformed", f"kid is the RFC 7638 thumbprint of the jwk, {thumbprint(key.jwk)}")
    if (held := directory.key(key.kid)) is not None:
        raise NotProven("reused", f"{held.agency} has that key already, for {held.use}; a new one is made")
    if instant(key.valid_until) <= now:
        raise NotProven("ended", "its record has ended")
    try:
        (sealing_keys.enrol(key.jwk) if key.use is KeyUse.SEAL else enrol(key.jwk, key.alg))
    except WeakKey as why:
        raise NotProven("weak", f"it is weak: {why}") from None


def _check_signature(proof: Proof, beside: Mapping[str, AgencyKey], directory: Snapshot, now: datetime) -> None:
    framed, key = proof.framed, proof.key
    signer: AgencyKey | KeyRecord | None = key if framed.kid == key.kid else None
    if key.use is KeyUse.SEAL:
        signer = beside.get(framed.kid) or _listed(framed.kid, proof.agency, directory, now)
    if signer is None:
        signs = "the agency's statement key" if key.use is KeyUse.SEAL else "the key itself"
        raise NotProven("signature", f"it is to be signed by {signs}")
    fits = jws.fits(framed.alg, signer.alg)
    if not fits or not verify_signature(load_public(signer.jwk, signer.alg), framed.signing_input, framed.signature):
        raise NotProven("signature", "its signature does not hold: whoever made it cannot use the key")


def _listed(kid: str, agency: str, directory: Snapshot, now: datetime) -> KeyRecord | None:
    """The statement key of the agency that is valid now, and so may speak for one that cannot sign."""
    held = directory.key(kid)
    if held is None or held.agency != agency or held.use is not KeyUse.STATEMENT or held.revoked is not None:
        return None
    return held if instant(held.valid_from) <= now < instant(held.valid_until) else None
