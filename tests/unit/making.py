"""A small network to try trust and policy in: agencies with keys, mandates and delegations, and what they sign."""

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from functools import cache
from typing import Any

from broker.label import Label
from broker.policy.authorise import Authorised, authorise
from broker.policy.mandate import Known
from broker.trust import jws
from broker.trust.directory import Snapshot
from broker.trust.folder import snapshot_of
from broker.trust.keys import PrivateKey, generate, load_jwk
from broker.trust.posted import Posted, PostedPart
from broker.trust.verify import VerifiedEnvelope, read, verify
from schemas.base import instant
from schemas.envelope import SaltedPart
from schemas.statement import ALERT_EVENT

NOW = instant("2026-11-22T01:00:00Z")
IAT = int(NOW.timestamp())
NETWORK = "https://nts.example/vn"
EVENT = "/events/https:~1~1interagency-broker.example~1ns~1alert~11"
UUID = "019aa8f0-5d2e-7c3a-9a51-{:012x}"
DYKE, PARENT, PROVINCE, REVIEWER, POLICE, HUB = (
    "vn.mae.dyke",
    "vn.mae",
    "vn.quangninh",
    "vn.inspect",
    "th.police",
    "vn.hub",
)

HANDLING = {"tlp": "amber", "onward": "none", "purpose": ["prevention"], "personal_data": "none"}
PERSONAL = {
    **HANDLING,
    "personal_data": "ordinary",
    "legal_basis": {"instrument": "Decree 13/2023", "article": "17"},
    "erase_after": "2027-06-01T00:00:00Z",
    "person": {"neutrality": "interpol-article-3"},
}
SITUATION = {
    "status": "actual",
    "domain": "disaster.flood",
    "urgency": "immediate",
    "severity": "severe",
    "certainty": "observed",
    "expires": "2026-11-22T20:00:00+07:00",
    "areas": [{"iso": "VN-13"}],
    "handling": HANDLING,
    "addressing": {"to": ["vn.quangninh"]},
    "headline": {"vi": "Lũ lên nhanh trên sông Ka Long", "en": "The Ka Long is rising fast"},
}
_ANSWER = {"status": "actual"}
EVENTS: Mapping[str, Mapping[str, Any]] = {
    "alert": {**SITUATION, "product": "warning"},
    "update": {**SITUATION, "product": "warning"},
    "cancel": _ANSWER,
    "request": {
        **SITUATION,
        "wants": ["information"],
        "respond_by": "2026-11-22T12:00:00Z",
        "refs": {"ours": "DD/2026/1"},
    },
    "ack": {**_ANSWER, "outcome": "acting"},
    "error": {**_ANSWER, "outcome": "cannot-parse"},
    "reply": {**_ANSWER, "outcome": "no-hit"},
    "approve": _ANSWER,
    "consent": {**_ANSWER, "granted": True},
    "recall": _ANSWER,
    "erased": _ANSWER,
    "challenge": {**_ANSWER, "outcome": "suspend"},
}
"""The fewest members of each kind, but for references."""


def mandate(*domains: str, **changes: Any) -> dict[str, Any]:
    """What an agency may speak about."""
    wide = {"areas": ["*"], "statuses": ["actual", "exercise"], "severity": "extreme"}
    return {"domains": list(domains), **wide, **changes}


MANDATES: Mapping[str, list[dict[str, Any]]] = {
    HUB: [mandate("disaster")],
    DYKE: [mandate("disaster.flood", areas=["VN-13", "VN-HN"], severity="severe")],
    PARENT: [mandate("disaster", override=["vn.mae.*"], review=["vn.mae.*"])],
    PROVINCE: [mandate("disaster", areas=["VN-13"])],
    REVIEWER: [mandate("disaster", review=["vn.mae.*", "vn.inspect.desk"])],
    "vn.inspect.desk": [mandate("disaster", review=["vn.inspect"])],
    POLICE: [mandate("crime"), mandate("cyber", areas=["TH"]), mandate("health")],
    "vn.idle": [],
}
SENDERS = {DYKE: ["canhbao@dyke.example"]}
PROFILES = {
    "health": {"required": ["onset", "areas"]},
    "cyber": {"approval": True},
    "crime.trafficking": {"person_declaration": True, "longest_erasure_days": 365},
}
DELEGATIONS = [{"from": PROVINCE, "to": DYKE, "domains": ["disaster.flood"]}]


@cache
def key(agency: str, use: str = "statement", alg: str = "Ed25519") -> PrivateKey:
    """The agency's key of that use; an Ed25519 key is the same in every run."""
    if alg != "Ed25519":
        return generate(alg)
    seed = jws.encode(hashlib.sha256(f"{agency} {use}".encode()).digest())
    return load_jwk({"kty": "OKP", "crv": "Ed25519", "d": seed})


def key_entry(private: PrivateKey, use: str = "statement", **changes: Any) -> dict[str, Any]:
    """A key as it stands in the directory."""
    dates = {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2028-01-01T00:00:00Z"}
    return {"kid": private.kid, "jwk": private.jwk, "alg": private.alg, "use": use, **dates, **changes}


def document(**changes: Any) -> dict[str, Any]:
    """The directory's text. A change to `agencies` is by id, and laid over the agency's members."""
    by_agency = changes.pop("agencies", {})
    agencies = [
        {
            "id": id_,
            "tier": "state",
            "active": True,
            "keys": [key_entry(key(id_)), key_entry(key(id_, "auth"), "auth")],
            "mandates": mandates,
            "senders": SENDERS.get(id_, []),
        }
        | by_agency.get(id_, {})
        for id_, mandates in MANDATES.items()
    ]
    whole = {"network": NETWORK, "version": 1, "hub": HUB, "agencies": agencies}
    return deepcopy(whole | {"profiles": PROFILES, "delegations": DELEGATIONS} | changes)


@cache
def _plain() -> Snapshot:
    return snapshot_of(document())


def directory(**changes: Any) -> Snapshot:
    """The directory, changed."""
    return snapshot_of(document(**changes)) if changes else _plain()


def id_of(agency: str, number: int = 1) -> str:
    """An alert's id."""
    return f"{agency}/{UUID.format(number)}"


def claims(kind: str = "alert", /, iss: str = DYKE, number: int = 1, **event: Any) -> dict[str, Any]:
    """Claims of that kind with the fewest members; `...` leaves one out."""
    stated = {"kind": kind, **EVENTS[kind], **event}
    return {
        "iss": iss,
        "jti": id_of(iss, number),
        "iat": IAT,
        "aud": NETWORK,
        "events": {ALERT_EVENT: deepcopy({name: value for name, value in stated.items() if value is not ...})},
    }


def signed(content: Mapping[str, Any], by: PrivateKey | None = None) -> str:
    """The statement, signed by its issuer's key unless another is given."""
    return jws.sign(by or key(content["iss"]), jws.STATEMENT_TYP, content)


SALT = b"\x07" * 32


def part(id_: str, data: bytes, type_: str = "text/plain", **changes: Any) -> dict[str, Any]:
    """What a statement says of these bytes."""
    digest = jws.digest_of(SALT + data)
    return {"id": id_, "type": type_, "size": len(data), "digest": digest, **changes}


def sent(token: str, parts: Mapping[str, bytes] | None = None, **changes: Any) -> Posted:
    """What came in: the token with the bytes of its parts."""
    salted = {
        id_: PostedPart(SALT, data, SaltedPart(salt=jws.encode(SALT), data=jws.encode(data)))
        for id_, data in (parts or {}).items()
    }
    return Posted(token, salted, **changes)


def verified(
    content: Mapping[str, Any],
    parts: Mapping[str, bytes] | None = None,
    world: Snapshot | None = None,
    by: PrivateKey | None = None,
    **changes: Any,
) -> VerifiedEnvelope:
    """A statement that went through steps 1 to 4."""
    return verify(sent(signed(content, by), parts, **changes), world or directory())


def label(id_: str = "", /, **changes: Any) -> Label:
    """An alert as it is known here: the dyke agency's flood warning for the province, changed."""
    members = {
        "id": id_ or id_of(DYKE, 9),
        "digest": "sha256:" + "0a" * 32,
        "iss": DYKE,
        "issuer": DYKE,
        "kid": "k",
        "kind": "alert",
        "status": "actual",
        "product": "warning",
        "domain": "disaster.flood",
        "urgency": "immediate",
        "severity": "severe",
        "certainty": "observed",
        "areas": [{"iso": "VN-13"}],
        "handling": HANDLING,
        "addressing": {"to": ["vn.quangninh"]},
        "iat": IAT - 60,
        "expires": "2026-11-22T20:00:00+07:00",
        "accepted_at": "2026-11-22T00:59:00.000Z",
        "directory": "sha256:" + "0b" * 32,
    }
    return Label.model_validate_json(json.dumps({**members, **changes}))


def known(*labels: Label, given: tuple[str, ...] = (), about: Label | None = None, **fate: bool) -> dict[str, Known]:
    """What is known here, each given to those agencies; `fate` is `approved` or `ended`."""
    return {each.id: Known(each, frozenset(given), about, **fate) for each in labels}


def officers(agency: str, *codes: str, revoked: str = "", **changes: Any) -> dict[str, Any]:
    """The agency's entry with a key for each of these officers beside its system's; one may be revoked."""
    at = {"at": "2026-11-22T00:00:00Z"}
    own = [key_entry(key(agency, code), officer=code, **({"revoked": at} if code == revoked else {})) for code in codes]
    return {agency: {"keys": [key_entry(key(agency)), *own], **changes}}


def authorised(
    kind: str = "alert",
    /,
    iss: str = DYKE,
    *,
    knows: Mapping[str, Known] | None = None,
    world: Snapshot | None = None,
    parts: Mapping[str, bytes] | None = None,
    at: datetime = NOW,
    officer: str | None = None,
    **event: Any,
) -> Authorised:
    """What `authorise` makes of a signed post, by an officer's key where one is named. Refused as it refuses.

    References are all that is known, if not said; `parts` are bytes, `parts_stated` what the event says of them.
    """
    if "parts_stated" in event:
        event["parts"] = event.pop("parts_stated")
    if knows and "references" not in event:
        event["references"] = list(knows)
    envelope = verified(claims(kind, iss, **event), parts, world, key(iss, officer) if officer else None)
    return authorise(envelope, read(envelope), knows or {}, world or directory(), at)
