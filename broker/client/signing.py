"""Making a statement: the claims, the salted digests of its parts, and the signature (protocol §2)."""

import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from broker.client.problem import ProblemError, invalid
from broker.client.sealing import seal
from broker.errors import Refused
from broker.trust import jws
from broker.trust.keys import PrivateKey
from broker.trust.strict_json import NotStrict, read_object
from schemas.directory import KeyRecord
from schemas.envelope import Envelope, SaltedPart
from schemas.handling import ADDRESSING_PART, ADDRESSING_TYPE
from schemas.reading import read
from schemas.statement import ALERT_EVENT, Claims

SALT_BYTES = 32
MAIN = "main"


@dataclass(frozen=True, slots=True)
class Content:
    """A piece of content before it is signed. `sealed`: `data` is a JWE, `type` that of what is inside."""

    data: bytes = field(repr=False)
    type: str
    language: str | None = None
    sealed: bool = False
    handling: Mapping[str, Any] | None = None
    """Stricter terms than the statement's, for this part alone (protocol §3)."""
    seal_for: tuple[KeyRecord, ...] = ()
    """Keys of use `seal`: signing seals `data` for these agencies, so that nobody else can read it, nor the hub."""

    def placed(self) -> "Content":
        """As it is signed and posted: sealed, where it is to be. ValueError for keys that cannot be sealed for."""
        if not self.seal_for:
            return self
        if self.sealed:
            raise ValueError("what is sealed already is not sealed again")
        return replace(self, data=seal(self.data, self.seal_for), sealed=True, seal_for=())


@dataclass(frozen=True, slots=True)
class Draft:
    """What an agency wants to say: `event` holds the members of protocol §2 without `parts`; those come by id."""

    event: Mapping[str, Any]
    parts: Mapping[str, Content] = field(default_factory=dict)
    txn: str | None = None
    toe: int | None = None
    hide_addressing: bool = False
    """Puts the addressing into a part of its own, which hubs read and readers never see."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement with its parts, ready to post. Keep it: only these bytes may be posted again under this id."""

    statement: str
    parts: Mapping[str, SaltedPart] = field(default_factory=dict, repr=False)
    cosignatures: tuple[str, ...] = ()

    @property
    def claims(self) -> Mapping[str, Any]:
        """What was signed. Refused if the statement is not framed as protocol §2 asks."""
        return jws.frame_statement(self.statement).claims

    @property
    def id(self) -> str:
        """The `jti`."""
        return str(self.claims["jti"])

    @property
    def digest(self) -> str:
        """The statement digest, as the answer will name it."""
        return jws.statement_digest(self.statement)

    def envelope(self) -> bytes:
        """Form D (protocol §5); equal for equal content, however often it is asked for."""
        body: dict[str, Any] = {
            "statement": self.statement,
            "parts": {id_: {"salt": part.salt, "data": part.data} for id_, part in self.parts.items()},
        }
        if self.cosignatures:
            body["cosignatures"] = list(self.cosignatures)
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def load_signed(text: bytes) -> Signed:
    """What `envelope` wrote, or a bare statement. ProblemError `malformed` for anything else."""
    try:
        if not text.lstrip().startswith(b"{"):
            return Signed(jws.frame_statement(text.decode("ascii").strip()).token)
        envelope = read(Envelope, read_object(text))
    except ValidationError as error:
        raise invalid(error, "malformed", "The envelope is not as the protocol has it.") from None
    except (NotStrict, UnicodeDecodeError, Refused):
        raise ProblemError("malformed", "This is neither an envelope nor a statement.") from None
    return Signed(envelope.statement, envelope.parts, envelope.cosignatures)


def sign(key: PrivateKey, agency: str, network: str, draft: Draft, *, unsafe_unchecked: bool = False) -> Signed:
    """The statement, with each part salted afresh.

    What the schema refuses is told here as the hub would tell it (ProblemError `invalid-statement`), unless
    `unsafe_unchecked`.
    """
    event, contents = _placed(draft)
    salted = {id_: (os.urandom(SALT_BYTES), content) for id_, content in contents.items()}
    if salted:
        event["parts"] = [_described(id_, salt, content) for id_, (salt, content) in salted.items()]
    claims = _claims(agency, network, event, draft)
    if not unsafe_unchecked:
        _check(claims)
    return Signed(
        jws.sign(key, jws.STATEMENT_TYP, claims),
        {id_: SaltedPart(salt=jws.encode(salt), data=jws.encode(each.data)) for id_, (salt, each) in salted.items()},
    )


def described(draft: Draft) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    """The event as `sign` would state it, and the addressing where that would be hidden: to ask who would get it."""
    event, contents = _placed(draft)
    if contents:
        event["parts"] = [_described(id_, os.urandom(SALT_BYTES), content) for id_, content in contents.items()]
    return event, draft.event.get("addressing") if draft.hide_addressing else None


def said_in(signed: Signed) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    """The same of what is signed already. ProblemError `malformed` when its part `addressing` cannot be read."""
    event = dict(signed.claims["events"].get(ALERT_EVENT, {}))
    hidden = signed.parts.get(ADDRESSING_PART)
    try:
        return event, None if hidden is None else read_object(jws.decode(hidden.data))["addressing"]
    except (NotStrict, KeyError):
        raise ProblemError("malformed", "The part addressing cannot be read.") from None


def new_id(agency: str) -> str:
    """A `jti` that is unique for ever, and sorts by time: a UUIDv7 (RFC 9562 §5.7)."""
    random = int.from_bytes(os.urandom(10), "big")
    ms = time.time_ns() // 1_000_000
    number = ms << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return f"{agency}/{uuid.UUID(int=number)}"


def _placed(draft: Draft) -> tuple[dict[str, Any], dict[str, Content]]:
    """The event and the contents: sealed where they are to be, and with the addressing where it is wanted."""
    event = dict(draft.event)
    contents = {id_: content.placed() for id_, content in draft.parts.items()}
    if draft.hide_addressing and "addressing" in event:
        text = json.dumps({"addressing": event.pop("addressing")}, ensure_ascii=False, separators=(",", ":"))
        contents[ADDRESSING_PART] = Content(text.encode(), ADDRESSING_TYPE)
    return event, contents


def _claims(agency: str, network: str, event: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "iss": agency,
        "jti": new_id(agency),
        "iat": int(time.time()),
        "aud": network,
        "events": {ALERT_EVENT: event},
    }
    return claims | {name: value for name, value in (("txn", draft.txn), ("toe", draft.toe)) if value is not None}


def _described(id_: str, salt: bytes, content: Content) -> dict[str, Any]:
    part: dict[str, Any] = {
        "id": id_,
        "type": content.type,
        "size": len(content.data),
        "digest": jws.digest_of(salt + content.data),
    }
    if content.language is not None:
        part["language"] = content.language
    if content.sealed:
        part["sealed"] = True
    if content.handling is not None:
        part["handling"] = dict(content.handling)
    return part


def _check(claims: Mapping[str, Any]) -> None:
    try:
        Claims.from_claims(claims)
    except ValidationError as error:
        raise invalid(
            error, "invalid-statement", "The statement says something that the protocol does not allow."
        ) from None
