"""Deliveries made by hand: an agency's alert, a hub's block around it, and the records that a reader goes by."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.client import Content, Draft, Signed, sign
from broker.trust import jws
from broker.trust.keys import PrivateKey, generate
from schemas.directory import KeyRecord
from schemas.receipt import HEARTBEAT_TYP, RECEIPT_TYP
from schemas.statement import NOTICE_EVENT
from schemas.terms import Alg, KeyUse

Json = dict[str, Any]
NETWORK = "https://nts.example/vn"
HUB = "vn.hub"
AGENCY = "vn.mae.dyke"
SUBSCRIPTION = "sub_made"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
EVENT: Json = {
    "kind": "alert",
    "product": "warning",
    "status": "actual",
    "domain": "disaster.flood",
    "urgency": "immediate",
    "severity": "extreme",
    "certainty": "observed",
    "expires": (NOW + 2 * DAY).isoformat(),
    "headline": {"vi": "Lũ khẩn cấp trên sông Hồng", "en": "Flood on the Red River"},
    "handling": {"tlp": "green", "onward": "free", "purpose": ["prevention"], "personal_data": "none"},
    "addressing": {"to": ["vn.moh"], "release_to": [], "not_to": []},
}
PARTS = {"main": Content(b"<alert/>", "application/xml", "vi"), "photo": Content(b"\xff\xd8\xff", "image/jpeg")}


def record(key: PrivateKey, listed_use: str, of: str, **changed: Any) -> KeyRecord:
    """As the hub tells a key that is valid now, unless changed."""
    members: Json = {
        "kid": key.kid,
        "jwk": key.jwk,
        "alg": Alg(key.alg),
        "use": KeyUse(listed_use),
        "agency": of,
        "valid_from": (NOW - DAY).isoformat(),
        "valid_until": (NOW + DAY).isoformat(),
    }
    return KeyRecord.model_validate(members | changed)


@dataclass
class World:
    """Keys, and their records by thumbprint; each test changes what it is about."""

    key: PrivateKey = field(default_factory=generate)
    receipts: PrivateKey = field(default_factory=generate)
    hub_key: PrivateKey = field(default_factory=generate)
    records: dict[str, KeyRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.list(self.key, "statement", AGENCY)
        self.list(self.receipts, "receipt", HUB)
        self.list(self.hub_key, "statement", HUB)

    def list(self, key: PrivateKey, listed_use: str, of: str, **changed: Any) -> None:
        """A key's record, or another in its place."""
        self.records[key.kid] = record(key, listed_use, of, **changed)

    def signed(self, parts: Mapping[str, Content] = PARTS, network: str = NETWORK) -> Signed:
        """The agency's alert."""
        return sign(self.key, AGENCY, network, Draft(EVENT, parts))

    def receipt(self, signed: Signed, **changed: Any) -> str:
        """The hub's promise for it."""
        claims = {
            "iss": HUB,
            "iat": int(time.time()),
            "jti": str(uuid.uuid4()),
            "sub": signed.id,
            "statement": signed.digest,
            "leaf": "sha256:" + "0" * 64,
            "log": HUB,
        }
        return jws.sign(self.receipts, RECEIPT_TYP, claims | changed)

    def envelope(self, signed: Signed, **hub: Any) -> Json:
        """The delivery before it is written; None takes a member of the hub's block out."""
        parts = {id_: {"salt": part.salt, "data": part.data} for id_, part in signed.parts.items()}
        return {"statement": signed.statement, "parts": parts, "hub": self.block(signed, **hub)}

    def block(self, signed: Signed, **changed: Any) -> Json:
        """What the hub says beside it."""
        block: Json = {
            "id": HUB,
            "network": NETWORK,
            "accepted_at": NOW.isoformat(),
            "receipt": self.receipt(signed),
            "released": "whole",
            "subscription": SUBSCRIPTION,
            "delivery": "dlv_1",
            "position": 1,
        }
        return {name: value for name, value in (block | changed).items() if value is not None}

    def notice(self, key: PrivateKey, issuer: str) -> str:
        """That an alert was cancelled, said by `issuer`."""
        said = {"alert": f"{AGENCY}/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d", "kind": "cancelled", "at": NOW.isoformat()}
        jti = f"{issuer}/{uuid.uuid4()}"
        claims = {"iss": issuer, "jti": jti, "iat": int(time.time()), "aud": NETWORK, "events": {NOTICE_EVENT: said}}
        return jws.sign(key, jws.STATEMENT_TYP, claims)

    def heartbeat(self, position: int, last: str | None, **changed: Any) -> str:
        """How far the subscription is, by the hub."""
        claims = {"iss": HUB, "iat": int(time.time()), "subscription": SUBSCRIPTION, "position": position, "last": last}
        return jws.sign(self.receipts, HEARTBEAT_TYP, claims | changed)


def text(envelope: Json) -> str:
    """As a hub writes it, once."""
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
