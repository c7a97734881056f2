"""From bytes to what was verified, in numbered steps (protocol §2, §4; RFC 8417, RFC 7515, RFC 8725).

Steps 1 to 4 make a `VerifiedEnvelope`, and nothing else makes one. Between 4 and 6 the hub asks whether it has seen
the id before (5). Steps 6 to 9 and the check of parts take what the steps before made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from broker.errors import Fault, Refused
from broker.trust import jws
from broker.trust.directory import Snapshot
from broker.trust.jwe import NotSealed, sealed_for
from broker.trust.keys import PublicKey, generate, load_public, verify_signature
from broker.trust.posted import MAIN, MOST_COMMAS, Posted, PostedPart
from broker.trust.strict_json import NotStrict, read_object
from schemas import cap, stix
from schemas.base import instant
from schemas.directory import KeyRecord
from schemas.envelope import SaltedPart
from schemas.faults import faults, pointer
from schemas.handling import ADDRESSING_PART, Addressing, AddressingPart
from schemas.statement import ALERT_EVENT, Claims, Part
from schemas.terms import Alg, KeyUse

WINDOW_S = 300
"""How far `iat` may lie from now, either way."""

_DECOYS: Mapping[str, PublicKey] = {
    alg: load_public(generate(alg).jwk, alg) for alg in (Alg.ED25519, Alg.ES256, Alg.ML_DSA_65)
}
"""For tokens without a key: they cost as much as the others, so that time tells nothing."""


@dataclass(frozen=True, slots=True)
class VerifiedEnvelope:
    """A statement whose signature holds under a key that the directory gives to its issuer."""

    framed: jws.Framed
    record: KeyRecord
    posted: Posted
    snapshot: Snapshot

    @property
    def id(self) -> str:
        """The `jti`."""
        return str(self.framed.claims["jti"])

    @property
    def digest(self) -> str:
        """The statement digest."""
        return self.framed.digest

    @property
    def token(self) -> str:
        """As it came."""
        return self.framed.token

    @property
    def kept_parts(self) -> Mapping[str, SaltedPart]:
        """The parts as texts, to be kept and passed on as they came."""
        return {id_: part.kept for id_, part in self.posted.parts.items()}


def verify(posted: Posted, snapshot: Snapshot) -> VerifiedEnvelope:
    """Steps 1 to 4. Refuses with `too-large`, `malformed` or `untrusted`."""
    # 1, 2  size and framing (protocol §2)
    framed = jws.frame_statement(posted.token)
    # 3  the key, from the directory alone: its use, its agency and its algorithm must be the token's (RFC 8725 §3.1)
    record = usable_key(framed, snapshot)
    # 4  the signature (RFC 7515 §5.2); without a key after equal work
    if not _holds(framed, record) or record is None:
        raise _untrusted()
    for cosignature in posted.cosignatures:
        _check_cosignature(cosignature, framed, snapshot)
    return VerifiedEnvelope(framed, record, posted, snapshot)


def usable_key(framed: jws.Framed, snapshot: Snapshot) -> KeyRecord | None:
    """The key record that may sign statements of this issuer in this way, or None."""
    record = snapshot.key(framed.kid)
    if (
        record is None
        or record.use is not KeyUse.STATEMENT
        or record.agency != framed.claims["iss"]
        or not jws.fits(framed.alg, record.alg)
    ):
        return None
    return record


def still_valid(verified: VerifiedEnvelope, now: datetime) -> None:
    """Step 6: the key was valid when it signed, and is now; its agency may act. Refuses with `key-not-valid`."""
    record = verified.record
    signed_at = _moment(verified.framed.claims["iat"])
    agency = verified.snapshot.agency(record.agency)
    begins, ends = instant(record.valid_from), instant(record.valid_until)
    valid = agency is not None and agency.acts(now) and all(begins <= moment < ends for moment in (signed_at, now))
    if not valid or _revoked(record, signed_at, now):
        raise Refused("key-not-valid", "The key was not valid when it signed, or is not valid now.")


def fresh(verified: VerifiedEnvelope, now: datetime) -> None:
    """Step 7: `iat` lies within five minutes. Refuses with `stale`."""
    if abs(now.timestamp() - verified.framed.claims["iat"]) > WINDOW_S:
        fault = Fault("/iat", f"within {WINDOW_S} seconds of the hub's time")
        raise Refused("stale", "The statement was not signed within the last five minutes.", (fault,))


def addressed(verified: VerifiedEnvelope) -> None:
    """Step 8: it is meant for this network (RFC 8725 §3.9). Refuses with `wrong-audience`."""
    if verified.framed.claims["aud"] != verified.snapshot.network:
        raise Refused(
            "wrong-audience", "The statement is meant for another network.", (Fault("/aud", verified.snapshot.network),)
        )


def read(verified: VerifiedEnvelope) -> Claims:
    """Step 9: the schema. Refuses with `invalid-statement`, naming each path."""
    try:
        return Claims.from_claims(verified.framed.claims)
    except ValidationError as error:
        found = tuple(Fault(path, expected) for path, expected in faults(error))
        raise Refused(
            "invalid-statement", "The statement says something that the protocol does not allow.", found
        ) from None


def read_addressing(verified: VerifiedEnvelope, claims: Claims) -> Addressing | None:
    """Step 11: what the part `addressing` says, where it stands in for the member. None without such a part."""
    part = getattr(claims.event, "addressing_part", None)
    if part is None:
        return None
    data = _content(verified, claims, part).data
    try:
        return AddressingPart.model_validate(read_object(data, MOST_COMMAS)).addressing
    except (NotStrict, ValidationError):
        fault = Fault(_part_path(claims, part), "an object with addressing, as the protocol has it")
        raise Refused("invalid-part", "The part addressing cannot be read.", (fault,)) from None


def check_parts(verified: VerifiedEnvelope, claims: Claims, addressing: Addressing | None) -> None:
    """Step 13: each part is there, is the one that was signed, and says nothing else than the statement.

    Refuses with `part-mismatch` or `invalid-part`. Sealed parts are not looked into; that they are sealed is checked.
    """
    stated = getattr(claims.event, "parts", ())
    if surplus := verified.posted.parts.keys() - {part.id for part in stated}:
        fault = Fault(f"/parts/{min(surplus)}", "no such part: the statement does not list it")
        raise Refused("part-mismatch", "There is a part too many.", (fault,))
    for part in stated:
        content = _content(verified, claims, part)
        if part.sealed:
            _check_sealed(claims, part, content.data)
        elif part.id != ADDRESSING_PART:
            _check_says_the_same(verified, claims, addressing, part, content.data)


def _content(verified: VerifiedEnvelope, claims: Claims, part: Part) -> PostedPart:
    """The bytes whose salted digest, size and type were signed."""
    path = _part_path(claims, part)
    content = verified.posted.parts.get(part.id)
    if content is None:
        raise _mismatch(path, "this part, in the envelope")
    if len(content.data) != part.size:
        raise _mismatch(path + "/size", "the size of the part in bytes")
    if salted_digest(content.salt, content.data) != part.digest:
        raise _mismatch(path + "/digest", "SHA-256 over salt and bytes")
    stated = verified.posted.stated_type
    if stated is not None and part.id == MAIN and not _same_type(stated, part.type):
        raise _mismatch(path + "/type", "the Content-Type of the request")
    return content


def _check_says_the_same(
    verified: VerifiedEnvelope, claims: Claims, addressing: Addressing | None, part: Part, data: bytes
) -> None:
    type_ = _bare(part.type)
    if type_ == cap.CAP_TYPE:
        _check_cap(verified, claims, addressing, part, data)
    elif type_ == stix.STIX_TYPE and not stix.is_bundle(data):
        raise Refused(
            "invalid-part", "A part is not what its type says.", (Fault(_part_path(claims, part), "a STIX 2.1 bundle"),)
        )


def _check_sealed(claims: Claims, part: Part, data: bytes) -> None:
    """From the outside: plain content must not pass as sealed, since rule 12 lets what is sealed go one row higher."""
    try:
        sealed_for(data)
    except NotSealed as why:
        fault = Fault(_part_path(claims, part), str(why))
        raise Refused("invalid-part", "A part that is marked as sealed is not sealed.", (fault,)) from None


def _check_cap(
    verified: VerifiedEnvelope, claims: Claims, addressing: Addressing | None, part: Part, data: bytes
) -> None:
    event, path = claims.event, _part_path(claims, part)
    try:
        summary = cap.read(data)
    except cap.CapUnreadable as why:
        raise Refused("invalid-part", "The CAP document cannot be read.", (Fault(path, str(why)),)) from None
    agency = verified.snapshot.agency(claims.issuer)
    expires = getattr(event, "expires", None)
    found = cap.disagreements(
        summary,
        ids={claims.jti} | ({event.refs.ours} if event.refs and event.refs.ours else set()),
        senders={claims.issuer, *(agency.senders if agency else ())},
        status=event.status,
        public=addressing is not None and "@public" in (*addressing.to, *addressing.release_to),
        severity=getattr(event, "severity", None),
        urgency=getattr(event, "urgency", None),
        certainty=getattr(event, "certainty", None),
        expires=expires,
    )
    if found:
        faults_ = tuple(Fault(_event_path(where), expected) for where, expected in found)
        raise Refused("invalid-part", "The CAP document says something else than the statement.", faults_)


def _holds(framed: jws.Framed, record: KeyRecord | None) -> bool:
    if record is None:
        verify_signature(_DECOYS[_plain(framed.alg)], framed.signing_input, framed.signature)
        return False
    return verify_signature(load_public(record.jwk, record.alg), framed.signing_input, framed.signature)


def _check_cosignature(cosignature: str, framed: jws.Framed, snapshot: Snapshot) -> None:
    """A detached signature (RFC 7515 appendix F) of the same issuer over the same payload."""
    header, _, signature = cosignature.partition("..")
    payload = framed.token.split(".")[1]
    other = jws.frame(f"{header}.{payload}.{signature}")
    record = usable_key(other, snapshot)
    if not _holds(other, record):
        raise _untrusted()


def _revoked(record: KeyRecord, signed_at: datetime, now: datetime) -> bool:
    if record.revoked is None:
        return False
    since = record.revoked.compromised_since
    return instant(record.revoked.at) <= now or (since is not None and instant(since) <= signed_at)


def _moment(seconds: int) -> datetime:
    """The last there is, for a time beyond the calendar: no key is valid then."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def _plain(alg: str) -> str:
    return Alg.ED25519 if alg == Alg.EDDSA else alg


def _bare(type_: str) -> str:
    return type_.partition(";")[0].strip().lower()


def _same_type(stated: str, signed: str) -> bool:
    """Parameters count where the statement states some."""
    if ";" in signed:
        return "".join(stated.lower().split()) == "".join(signed.lower().split())
    return _bare(stated) == _bare(signed)


def _part_path(claims: Claims, part: Part) -> str:
    index = claims.event.parts.index(part) if hasattr(claims.event, "parts") else 0
    return pointer("events", ALERT_EVENT, "parts", index)


def _event_path(where: str) -> str:
    return pointer("events", ALERT_EVENT) + where


def _mismatch(path: str, expected: str) -> Refused:
    return Refused("part-mismatch", "A part is not the one that was signed.", (Fault(path, expected),))


def _untrusted() -> Refused:
    return Refused("untrusted", "No key of the directory vouches for this statement.")


def salted_digest(salt: bytes, data: bytes) -> str:
    """The digest of a part: SHA-256(salt ‖ bytes) (protocol §2)."""
    return jws.digest_of(salt + data)
