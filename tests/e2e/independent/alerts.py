"""What agencies say: claims, events, parts and envelopes, made as protocol §2, §3 and §5 describe them."""

import json
import os
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from independent.jose import Json, b64, sha256

ALERT = "https://interagency-broker.example/ns/alert/1"
NOTICE = "https://interagency-broker.example/ns/notice/1"

_HANOI = timezone(timedelta(hours=7))


def later(seconds: float) -> str:
    """A time from now, RFC 3339 to the second (CAP 1.2 allows no `Z` and no fractions)."""
    at = datetime.now(UTC).astimezone(_HANOI) + timedelta(seconds=seconds)
    return at.isoformat(timespec="seconds")


def with_changes(members: Json, changes: Json) -> Json:
    """The members with these changed; None takes one away."""
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def handling(tlp: str | None = "green", **changes: Any) -> Json:
    """The terms of a warning that most may have."""
    terms = {"tlp": tlp, "onward": "none", "purpose": ["prevention"], "personal_data": "none"}
    return with_changes(terms, changes)


def personal(tlp: str = "amber", **changes: Any) -> Json:
    """Terms with all that personal data asks for."""
    terms: Json = {
        "personal_data": "ordinary",
        "legal_basis": {"instrument": "Law 116/2025/QH15", "article": "12"},
        "erase_after": later(30 * 86400),
        "person": {"neutrality": "interpol-article-3"},
    }
    return handling(tlp, **{**terms, **changes})


def addressed(*to: str, release_to: tuple[str, ...] = (), not_to: tuple[str, ...] = ()) -> Json:
    """The addressing."""
    return {"to": list(to), "release_to": list(release_to), "not_to": list(not_to)}


def alert(*to: str, **changes: Any) -> Json:
    """A green flood warning to these (the health ministry, when none is named); None takes a member away."""
    event: Json = {
        "kind": "alert",
        "product": "warning",
        "status": "actual",
        "domain": "disaster.flood",
        "urgency": "immediate",
        "severity": "severe",
        "certainty": "observed",
        "expires": later(86400),
        "areas": [{"iso": "VN-13"}],
        "headline": {"vi": "Lũ trên sông Hồng", "en": "Flood on the Red River"},
        "handling": handling(),
        "addressing": addressed(*(to or ("vn.moh",))),
    }
    return with_changes(event, changes)


def update(reference: str, *to: str, **changes: Any) -> Json:
    """An update (protocol §2.1): an alert, and what it updates."""
    return alert(*to, **{"kind": "update", "references": [reference], **changes})


def direct(kind: str, reference: str, **members: Any) -> Json:
    """A kind that refers to one alert and takes its terms from there: ack, error, reply, cancel, …"""
    return {"kind": kind, "status": "actual", "references": [reference], **members}


def new_id(issuer: str) -> str:
    """A fresh `jti`."""
    return f"{issuer}/{uuid.uuid4()}"


def claims(issuer: str, network: str, event: Json, **changes: Any) -> Json:
    """The claims of a SET with this event; None takes one away."""
    members = {
        "iss": issuer,
        "jti": new_id(issuer),
        "iat": int(time.time()),
        "aud": network,
        "events": {ALERT: event},
    }
    return with_changes(members, changes)


def as_json(value: Any) -> bytes:
    """Compact UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Part:
    """A piece of content with the salt that hides its digest."""

    id: str
    type: str
    data: bytes
    salt: bytes = field(default_factory=lambda: os.urandom(32))

    def described(self, **changes: Any) -> Json:
        """What the statement says of it."""
        digest = sha256(self.salt + self.data)
        members = {"id": self.id, "type": self.type, "size": len(self.data), "digest": digest}
        return with_changes(members, changes)

    def carried(self) -> Json:
        """What travels beside the statement."""
        return {"salt": b64(self.salt), "data": b64(self.data)}


def text_part(text: str, part_id: str = "main") -> Part:
    """A part of plain text."""
    return Part(part_id, "text/plain", text.encode())


def addressing_part(addressing: Json) -> Part:
    """The addressing as a part: for hubs alone."""
    return Part("addressing", "application/vnd.interagency.addressing+json", as_json({"addressing": addressing}))


def envelope(statement: str, *parts: Part, **more: Any) -> Json:
    """The envelope of protocol §5, as a poster makes it."""
    return {"statement": statement, "parts": {part.id: part.carried() for part in parts}, **more}
