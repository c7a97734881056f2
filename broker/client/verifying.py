"""Reading what a hub delivered: the hub's block, then the originator's own statement (protocol §2, §5, §10).

Pure: the key records are handed in. `kids_of` says which are needed; where they come from is the caller's trust.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

from broker.client.sealing import open_sealed
from broker.errors import Refused
from broker.trust import jws
from broker.trust.keys import load_public, thumbprint, verify_signature
from broker.trust.sealing_keys import OpeningKey
from broker.trust.strict_json import NotStrict, read_object
from schemas.base import Strict, instant
from schemas.directory import KeyRecord
from schemas.envelope import DeliveredEnvelope, HubBlock, SaltedPart
from schemas.reading import read
from schemas.receipt import HEARTBEAT_TYP, RECEIPT_TYP, HeartbeatClaims, ReceiptClaims
from schemas.statement import ALERT_EVENT, NOTICE_EVENT, Claims, Notice, Part
from schemas.terms import ErrorOutcome, KeyUse

Model = TypeVar("Model", bound=Strict)


class NotVerified(Exception):  # noqa: N818 - a finding about what was received
    """What arrived is not what an originator signed for this reader; nothing of it may be used.

    `outcome` is what an `error` statement to the issuer would say (protocol §2.1).
    """

    def __init__(self, why: str, outcome: ErrorOutcome = ErrorOutcome.CANNOT_VERIFY) -> None:
        super().__init__(why)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class ReceivedPart:
    """The bytes of a part, as the originator signed them; of a sealed one, the JWE."""

    type: str
    data: bytes = field(repr=False)
    language: str | None = None
    sealed: bool = False

    def open(self, *keys: OpeningKey) -> bytes:
        """What is inside a sealed part; the data of any other. NotOpened when none of the keys opens it."""
        return open_sealed(self.data, keys) if self.sealed else self.data


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery whose statement, parts and hub block have been checked."""

    id: str
    issuer: str
    said: Claims | Notice
    parts: Mapping[str, ReceivedPart]
    hub: HubBlock
    digest: str
    """Of the envelope's text: what the next one names as `previous`."""

    @property
    def withheld(self) -> bool:
        """Whether parts were kept back from this reader."""
        return self.hub.released != "whole"

    def follow(self, before: "Received") -> None:
        """Checks the chain of one subscription (protocol §5): NotVerified if this cannot come right after `before`.

        Positions may be skipped (a delivery whose content changed takes a new one); `missing` tells which.
        """
        here, there = self.hub.position, before.hub.position
        if here is not None and there is not None and here == there + 1 and self.hub.previous != before.digest:
            raise NotVerified(f"position {here} does not name the text at position {there} as previous")

    def missing(self, before: "Received | None") -> range:
        """The positions between `before` and this; `GET …/gaps` tells what became of them."""
        last = (before.hub.position if before else None) or 0
        return range(last + 1, self.hub.position or 0)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a reader knows by itself: its network, its subscription (None for an alert that was read by id), its hub."""

    network: str
    subscription: str | None = None
    hub: str | None = None
    """None: any hub of the network."""


def kids_of(text: str) -> tuple[str, ...]:
    """The keys that `verify` will ask for. NotVerified when the text is no envelope."""
    envelope = _envelope(text)
    kids = [_framed(envelope.statement, jws.STATEMENT_TYP).kid]
    if envelope.hub.receipt is not None:
        kids.append(_framed(envelope.hub.receipt, RECEIPT_TYP).kid)
    return tuple(kids)


def verify(text: str, records: Mapping[str, KeyRecord], expected: Expected) -> Received:
    """The delivery, checked step by step; NotVerified at the first that fails."""
    # 1  the envelope, and that it is meant for this subscription (protocol §10)
    envelope = _envelope(text)
    if envelope.hub.network != expected.network:
        raise NotVerified("the hub speaks for another network")
    if expected.hub is not None and envelope.hub.id != expected.hub:
        raise NotVerified("another hub made it")
    if expected.subscription is not None and envelope.hub.subscription != expected.subscription:
        raise NotVerified("it was made for another subscription")
    # 2  the originator's statement: framing, key, signature (protocol §2)
    framed = _framed_statement(envelope.statement)
    _check_signature(framed, records.get(framed.kid), KeyUse.STATEMENT)
    # 3  it is meant for this network (RFC 8725 §3.9)
    if framed.claims["aud"] != expected.network:
        raise NotVerified("the statement is meant for another network")
    # 4  the hub's receipt is for this statement (protocol §11)
    _check_receipt(envelope.hub, framed, records)
    # 5  what it says, and each part against its salted digest
    said = _said(framed, envelope.hub)
    return Received(
        id=str(framed.claims["jti"]),
        issuer=said.issuer if isinstance(said, Claims) else str(framed.claims["iss"]),
        said=said,
        parts=_parts(said, envelope),
        hub=envelope.hub,
        digest=jws.digest_of(text.encode()),
    )


def kid_of_heartbeat(proof: str) -> str:
    """The key that `verify_heartbeat` will ask for. NotVerified when the text is no such token."""
    return _framed(proof, HEARTBEAT_TYP).kid


def verify_heartbeat(proof: str, records: Mapping[str, KeyRecord], subscription: str) -> HeartbeatClaims:
    """How far the subscription has come, by the hub's signature (protocol §6)."""
    framed = _framed(proof, HEARTBEAT_TYP)
    _check_signature(framed, records.get(framed.kid), KeyUse.RECEIPT)
    claims = _model(HeartbeatClaims, framed.claims)
    if claims.subscription != subscription:
        raise NotVerified("the heartbeat is another subscription's")
    return claims


def _envelope(text: str) -> DeliveredEnvelope:
    try:
        return _model(DeliveredEnvelope, read_object(text.encode()))
    except NotStrict as why:
        raise NotVerified(f"the envelope cannot be read: {why}", ErrorOutcome.CANNOT_PARSE) from None


def _model(model: type[Model], value: Any) -> Model:
    """As readers read: what they do not know, they ignore."""
    try:
        return read(model, value)
    except ValidationError as error:
        raise NotVerified(f"a {model.__name__} cannot be read: {error}", ErrorOutcome.CANNOT_PARSE) from None


def _framed(token: str, typ: str) -> jws.Framed:
    try:
        return jws.frame(token, typ)
    except Refused as why:
        raise NotVerified(f"a token is not framed as it must be: {_first(why)}") from None


def _framed_statement(token: str) -> jws.Framed:
    try:
        return jws.frame_statement(token)
    except Refused as why:
        raise NotVerified(f"the statement is not framed as it must be: {_first(why)}") from None


def _first(refused: Refused) -> str:
    return refused.faults[0].expected if refused.faults else refused.detail


def _check_signature(framed: jws.Framed, record: KeyRecord | None, use: KeyUse) -> None:
    """The key is the issuer's for this use, was valid when it signed, and its signature holds."""
    if record is None or record.kid != framed.kid or thumbprint(record.jwk) != framed.kid:
        raise NotVerified("its key is not in the directory")
    if record.use is not use or record.agency != framed.claims.get("iss") or not jws.fits(framed.alg, record.alg):
        raise NotVerified("its key is not the issuer's for this use")
    signed_at = _signed_at(framed)
    if not instant(record.valid_from) <= signed_at < instant(record.valid_until):
        raise NotVerified("its key was not valid when it signed")
    revoked = record.revoked
    if revoked is not None and instant(revoked.compromised_since or revoked.at) <= signed_at:
        raise NotVerified("its key was revoked, or in other hands, when it signed")
    if not verify_signature(load_public(record.jwk, record.alg), framed.signing_input, framed.signature):
        raise NotVerified("its signature does not hold")


def _signed_at(framed: jws.Framed) -> datetime:
    iat = framed.claims.get("iat")
    try:
        return datetime.fromtimestamp(iat, UTC) if type(iat) is int else _never()
    except (ValueError, OverflowError, OSError):
        return _never()


def _never() -> NoReturn:
    raise NotVerified("its iat is no time")


def _check_receipt(hub: HubBlock, framed: jws.Framed, records: Mapping[str, KeyRecord]) -> None:
    if hub.receipt is None:
        if framed.claims["iss"] != hub.id:  # what the hub itself says, its notices and tests, has none
            raise NotVerified("the hub gave no receipt for it")
        return
    receipt = _framed(hub.receipt, RECEIPT_TYP)
    _check_signature(receipt, records.get(receipt.kid), KeyUse.RECEIPT)
    promised = _model(ReceiptClaims, receipt.claims)
    if (promised.iss, promised.sub, promised.statement) != (hub.id, framed.claims["jti"], framed.digest):
        raise NotVerified("the receipt is for another statement")


def _said(framed: jws.Framed, hub: HubBlock) -> Claims | Notice:
    events = framed.claims["events"]
    if NOTICE_EVENT in events:
        if framed.claims["iss"] != hub.id:
            raise NotVerified("a notice is signed by the hub that gave the alert")
        return _model(Notice, events[NOTICE_EVENT])
    if ALERT_EVENT not in events:
        raise NotVerified("its event is of a kind that is not known here", ErrorOutcome.CANNOT_PARSE)
    return _model(Claims, framed.claims)


def _parts(said: Claims | Notice, envelope: DeliveredEnvelope) -> Mapping[str, ReceivedPart]:
    stated: tuple[Part, ...] = () if isinstance(said, Notice) else getattr(said.event, "content_parts", ())
    released = {part.id for part in stated} if envelope.hub.released == "whole" else set(envelope.hub.released)
    if envelope.parts.keys() != released:
        raise NotVerified("the parts are not those that the hub says it released")
    described = {part.id: part for part in stated}
    if not envelope.parts.keys() <= described.keys():
        raise NotVerified("a part came that the originator did not sign")
    return {id_: _part(described[id_], salted) for id_, salted in envelope.parts.items()}


def _part(stated: Part, salted: SaltedPart) -> ReceivedPart:
    try:
        salt, data = jws.decode(salted.salt), jws.decode(salted.data)
    except NotStrict as why:
        raise NotVerified(f"part {stated.id} cannot be read: {why}", ErrorOutcome.CANNOT_PARSE) from None
    if len(data) != stated.size or jws.digest_of(salt + data) != stated.digest:
        raise NotVerified(f"part {stated.id} is not what the originator signed")
    return ReceivedPart(stated.type, data, stated.language, stated.sealed)
