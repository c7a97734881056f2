"""A reader's duties: the originator's statement and its parts, then what the hub adds (protocol §2, §5, §11)."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from independent.alerts import ALERT, NOTICE
from independent.checking import equal, holds
from independent.hub import Hub
from independent.jose import Json, Jws, sha256, unb64

_DAY_S = 86400


@dataclass(frozen=True)
class Reading:
    """An envelope of which everything that can be verified was verified."""

    text: str
    jws: Jws
    hub: Json
    parts: dict[str, bytes]

    @property
    def id(self) -> str:
        return str(self.jws.claims["jti"])

    @property
    def issuer(self) -> str:
        return str(self.jws.claims["iss"])

    @property
    def event(self) -> Json:
        """The alert, or the notice."""
        ((_, event),) = self.jws.claims["events"].items()
        return dict(event)

    @property
    def is_notice(self) -> bool:
        return NOTICE in self.jws.claims["events"]


def read(hub: Hub, text: str) -> Reading:
    """Verifies an envelope's text: statement, audience, key's validity, parts, and the hub's block."""
    envelope = json.loads(text)
    jws = hub.verified(envelope["statement"], "secevent+jwt", "statement")
    equal("aud", hub.network, jws.claims["aud"])
    holds("jti", jws.claims["jti"].startswith(jws.claims["iss"] + "/"), "the issuer's", jws.claims["jti"])
    _valid_then(hub.key(jws.header["kid"]), jws.claims["iat"])
    ((uri, event),) = jws.claims["events"].items()
    holds("event", uri in (ALERT, NOTICE), "alert or notice", uri)
    described = {part["id"]: part for part in event.get("parts", [])}
    parts = {name: _part(name, carried, described) for name, carried in envelope.get("parts", {}).items()}
    reading = Reading(text, jws, envelope["hub"], parts)
    _hub_block(hub, reading, described)
    return reading


def _valid_then(record: Json, iat: int) -> None:
    begin, end = (datetime.fromisoformat(record[when]).timestamp() for when in ("valid_from", "valid_until"))
    holds("validity of the issuer's key", begin <= iat < end, f"{begin} to {end}", iat)
    equal("revocation of the issuer's key", None, record["revoked"])


def _part(name: str, carried: Json, described: dict[str, Json]) -> bytes:
    holds("part", name in described, "one that the statement names", name)
    salt, data = unb64(carried["salt"]), unb64(carried["data"])
    equal("length of a salt", 32, len(salt))
    equal(f"size of part {name}", described[name]["size"], len(data))
    equal(f"digest of part {name}", described[name]["digest"], sha256(salt + data))
    return data


def _hub_block(hub: Hub, reading: Reading, described: dict[str, Json]) -> None:
    block = reading.hub
    equal("hub.id", hub.id, block["id"])
    equal("hub.network", hub.network, block["network"])
    if reading.issuer == hub.id:
        return  # notices have no receipt, and tests need none
    receipt = verify_receipt(hub, block["receipt"], reading.id, reading.jws.digest)
    accepted = datetime.fromisoformat(block["accepted_at"]).timestamp()
    holds("hub.accepted_at", abs(accepted - receipt["iat"]) < 5, receipt["iat"], block["accepted_at"])
    offered = set(described) - {"addressing"}
    released = "whole" if set(reading.parts) == offered else sorted(reading.parts)
    told = block["released"]
    equal("hub.released", released, told if isinstance(told, str) else sorted(told))


def verify_receipt(hub: Hub, token: str, alert_id: str, digest: str) -> Json:
    """A receipt of protocol §11 for this statement; its claims."""
    claims = hub.verified(token, "interagency-receipt+jwt", "receipt").claims
    equal("sub of the receipt", alert_id, claims["sub"])
    equal("statement in the receipt", digest, claims["statement"])
    equal("iss of the receipt", hub.id, claims["iss"])
    equal("log in the receipt", str(hub.about["log"]).split("+")[0], claims["log"])
    holds("iat of the receipt", abs(claims["iat"] - time.time()) < _DAY_S, "now", claims["iat"])
    holds("jti of the receipt", bool(claims["jti"]), "an id", claims["jti"])
    return claims


def verify_entry(receipt: Json, entry: Json) -> Json:
    """The leaf of a receipt against the entry beside it (protocol §11); what the entry says."""
    salt = unb64(entry["salt"])
    equal("length of the leaf's salt", 32, len(salt))
    equal("leaf", receipt["leaf"], sha256(salt + entry["payload"].encode()))
    said: Any = json.loads(entry["payload"])
    equal("type of the entry", "accepted", said["type"])
    return dict(said)


@dataclass
class Chain:
    """The positions of one subscription: each follows the text before it (protocol §5)."""

    subscription: str
    last: Reading | None = None

    def follow(self, reading: Reading) -> None:
        """Takes the next text; the first may be anywhere, for a stream may begin anywhere."""
        block = reading.hub
        equal("hub.subscription", self.subscription, block["subscription"])
        holds("hub.delivery", block["delivery"].startswith("dlv_"), "dlv_…", block["delivery"])
        position = int(block["position"])
        if self.last is not None:
            equal("hub.position", int(self.last.hub["position"]) + 1, position)
            equal("hub.previous", sha256(self.last.text.encode()), block["previous"])
        elif position == 1:
            equal("hub.previous at 1", None, block["previous"])
        self.last = reading
