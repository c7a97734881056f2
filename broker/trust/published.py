"""A version of the directory as registrars sign it: proposed, signed apart, put together, opened.

One payload, one digest: whoever proposes a version also says which registrar's header its statement has (the lead), so
the digest (SHA-256 over `header.payload`, protocol §2) is known, and can be read out, before anybody signs. A signature
is a detached JWS (RFC 7515 appendix F) over the payload; that under the lead's header completes the statement, the
others are cosignatures.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from broker.errors import Refused
from broker.trust import jws
from broker.trust.directory import DirectoryFault, Snapshot
from broker.trust.keys import PrivateKey
from broker.trust.strict_json import NotStrict, read_object
from schemas.directory import DirectoryDocument
from schemas.faults import faults
from schemas.published import DirectoryClaims, PublishedDirectory

TYP = "interagency-directory+jwt"
LARGEST = 64 * 1024 * 1024
"""Bytes of one published file."""
MOST_COMMAS = 4_000_000

Reason = Literal[
    "malformed",
    "unsigned",
    "no-first-trust",
    "first-trust",
    "other-network",
    "rollback",
    "fork",
    "gap",
    "chain",
    "future",
    "expired",
    "threshold-before",
    "threshold-own",
]
"""Why a version is not taken; told in logs and by commands, and stable."""


class NotTaken(DirectoryFault):
    """A version is refused; `reason` is stable, the message is for people."""

    def __init__(self, reason: Reason, told: str) -> None:
        super().__init__(f"{reason}: {told}")
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Published:
    """A version that was opened: it is of the right form, and nothing in it has been verified yet."""

    text: str
    framed: jws.Framed
    cosignatures: tuple[jws.Framed, ...]
    claims: DirectoryClaims
    snapshot: Snapshot

    @property
    def version(self) -> int:
        return self.snapshot.version

    @property
    def digest(self) -> str:
        """Of the statement."""
        return self.snapshot.digest

    @property
    def signatures(self) -> tuple[jws.Framed, ...]:
        """All of them, the statement's first."""
        return (self.framed, *self.cosignatures)


def open_published(text: str) -> Published:
    """Reads a published file, strictly. NotTaken (`malformed`) names what is wrong."""
    if len(text) > LARGEST:
        raise NotTaken("malformed", f"a published version has at most {LARGEST} bytes")
    try:
        file = PublishedDirectory.model_validate(read_object(text.encode(), MOST_COMMAS))
        framed = jws.frame(file.statement, TYP)
        cosignatures = tuple(_attached(each, framed) for each in file.cosignatures)
        claims = DirectoryClaims.model_validate(framed.claims)
    except ValidationError as error:
        raise NotTaken("malformed", _told(error)) from None
    except (NotStrict, Refused, UnicodeEncodeError) as why:
        raise NotTaken("malformed", _said(why)) from None
    return Published(text, framed, cosignatures, claims, _snapshot(claims.directory, framed.digest))


def _snapshot(document: DirectoryDocument, digest: str) -> Snapshot:
    try:
        return Snapshot(document, digest)
    except DirectoryFault as why:
        raise NotTaken("malformed", str(why)) from None


def _attached(detached: str, framed: jws.Framed) -> jws.Framed:
    """A cosignature as the JWS that it stands for."""
    header, _, signature = detached.partition("..")
    payload = framed.token.split(".")[1]
    return jws.frame(f"{header}.{payload}.{signature}", TYP)


def propose(document: DirectoryDocument, previous: str | None, lead: Mapping[str, Any], iss: str, now: datetime) -> str:
    """`header.payload` for the registrars to sign. `lead` has the `alg` and `kid` of the key that signs first."""
    claims: dict[str, Any] = {"iss": iss, "iat": int(now.timestamp()), "aud": document.network}
    if previous is not None:
        claims["previous"] = previous
    claims["directory"] = document.model_dump(mode="json", by_alias=True, exclude_none=True)
    header = {"alg": lead["alg"], "kid": lead["kid"], "typ": TYP}
    return ".".join(jws.encode(_json(each)) for each in (header, claims))


def open_proposal(proposal: str) -> tuple[DirectoryClaims, str]:
    """What is to be signed, and its digest. NotTaken (`malformed`) when it is no proposal."""
    unsigned = f"{proposal.strip()}.{jws.encode(bytes(1))}"
    text = _json({"statement": unsigned, "cosignatures": []}).decode()
    published = open_published(text)
    return published.claims, published.digest


def sign_apart(key: PrivateKey, proposal: str) -> str:
    """The registrar's detached signature over the proposal's payload."""
    payload = proposal.strip().partition(".")[2]
    header = jws.encode(_json({"alg": key.alg, "kid": key.kid, "typ": TYP}))
    return f"{header}..{jws.encode(key.sign(f'{header}.{payload}'.encode('ascii')))}"


def put_together(proposal: str, signatures: Sequence[str]) -> str:
    """The text of the published file. NotTaken when the lead's own signature is missing."""
    lead, _, payload = proposal.strip().partition(".")
    stated = list(dict.fromkeys(each.strip() for each in signatures))
    first = next((each for each in stated if each.partition("..")[0] == lead), None)
    if first is None:
        raise NotTaken("threshold-own", "the lead, whose header the proposal has, has not signed")
    statement = f"{lead}.{payload}.{first.partition('..')[2]}"
    return _json({"statement": statement, "cosignatures": [each for each in stated if each != first]}).decode()


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _told(error: ValidationError) -> str:
    return "; ".join(f"{path}: expected {expected}" for path, expected in faults(error)[:5])


def _said(why: Exception) -> str:
    if isinstance(why, Refused):
        return "; ".join(f"expected {fault.expected}" for fault in why.faults) or why.detail
    return str(why)
