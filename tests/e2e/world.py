"""A small world for an end-to-end test: eight agencies with fresh keys, two communities, four agreements, one hub.

    python world.py FOLDER --webhook-origin http://127.0.0.1:PORT

writes `FOLDER/directory/directory.json` (JSON is YAML), `FOLDER/hub-keys/<use>.json` (the hub's private JWKs) and
`FOLDER/keys.json` (the agencies' private JWKs, for `independent_client.py`).
"""

import argparse
import base64
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, x25519

Json = dict[str, Any]

NETWORK = "https://nts.example/vn"
HUB = "vn.hub"
HUB_USES = ("statement", "receipt", "webhook", "log", "auth")
TIERS = {
    "vn.mae.dyke": "state",
    "vn.mps.c02": "state",
    "vn.moh": "state",
    "vn.sbv.bank": "business",
    "th.police": "state",
    "asean.aha": "intergovernmental",
    "la.police": "state",
}
WITHOUT_MANDATES = ("la.police",)
SIGNS_ES256 = ("th.police",)
SEALED_FOR = {"vn.moh": "X25519", "th.police": "P-256"}
RECEIVER_OF = "vn.moh"

_DOMAINS = ["disaster", "crime", "health", "cyber"]
_TLPS = ["clear", "green", "amber", "amber+strict", "red"]
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Key:
    """A private JWK and what the directory says of it."""

    jwk: Json
    use: str
    valid_from: datetime
    valid_until: datetime
    compromised_since: datetime | None = None

    @property
    def public(self) -> Json:
        return {name: value for name, value in self.jwk.items() if name not in {"d", "priv"}}

    @property
    def alg(self) -> str:
        if self.use == "seal":
            return "ECDH-ES+A256KW"
        return {"OKP": "Ed25519", "EC": "ES256", "AKP": "ML-DSA-65"}[self.jwk["kty"]]

    @property
    def kid(self) -> str:
        """RFC 7638; for ML-DSA RFC 9964. All our public members are required ones."""
        canonical = json.dumps(self.public, sort_keys=True, separators=(",", ":"))
        return _b64(hashlib.sha256(canonical.encode()).digest())

    def record(self) -> Json:
        """As a directory has it."""
        since = self.compromised_since
        return {
            "kid": self.kid,
            "jwk": self.public,
            "alg": self.alg,
            "use": self.use,
            "valid_from": _time(self.valid_from),
            "valid_until": _time(self.valid_until),
            "revoked": {"at": _time(since + _DAY), "compromised_since": _time(since)} if since else None,
        }


def main() -> None:
    """Writes the world into a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--webhook-origin", required=True)
    wanted = parser.parse_args()
    write(wanted.folder, wanted.webhook_origin, datetime.now(UTC))


def write(folder: Path, webhook_origin: str, now: datetime) -> None:
    """A directory, the hub's keys and the agencies', all valid around `now` unless called otherwise."""
    hub_keys = {use: _fresh(use, now) for use in HUB_USES}
    agencies = {agency: _agency_keys(agency, now) for agency in TIERS}
    for place in ("directory", "hub-keys"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    for use, key in hub_keys.items():
        _secret(folder / "hub-keys" / f"{use}.json", key.jwk | {"kid": key.kid, "use": use, "alg": key.alg})
    private = {agency: {name: key.jwk for name, key in keys.items()} for agency, keys in agencies.items()}
    _secret(folder / "keys.json", {"agencies": private})
    document = directory(hub_keys, agencies, webhook_origin)
    (folder / "directory" / "directory.json").write_text(json.dumps(document, indent=1))


def directory(hub_keys: dict[str, Key], agencies: dict[str, dict[str, Key]], webhook_origin: str) -> Json:
    """Who there is, and who may give what to whom."""
    entries = [_agency(HUB, "state", hub_keys), *(_agency(id_, TIERS[id_], keys) for id_, keys in agencies.items())]
    for entry in entries:
        if entry["id"] == RECEIVER_OF:
            entry["http_endpoints"] = [webhook_origin]
    disaster = ["vn.mae.dyke", "vn.moh", "asean.aha", "th.police"]
    return {
        "network": NETWORK,
        "version": 1,
        "hub": HUB,
        "agencies": entries,
        "communities": [
            _community("@asean.disaster", disaster, ["state", "intergovernmental"], "disaster", _TLPS),
            _community("@vn.fincrime", ["vn.mps.c02", "vn.sbv.bank"], ["state", "business"], "crime", _TLPS[:3]),
        ],
        "agreements": [
            {"from": "vn.mps.c02", "to": "th.police", **_terms(_DOMAINS, _TLPS)},
            {"from": "th.police", "to": "vn.mps.c02", **_terms(_DOMAINS, _TLPS)},
            {"from": "vn.mae.dyke", "to": "vn.mps.c02", **_terms(_DOMAINS, _TLPS)},
            {"from": "vn.mae.dyke", "to": "vn.moh", **_terms(_DOMAINS, _TLPS)},
        ],
        "caveats": {"H1": ["vn.mps.c02", "th.police"]},
    }


def _agency(agency: str, tier: str, keys: dict[str, Key]) -> Json:
    mandate = {
        "domains": _DOMAINS,
        "areas": ["*"],
        "statuses": ["actual", "exercise", "test"],
        "severity": "extreme",
    }
    return {
        "id": agency,
        "tier": tier,
        "active": True,
        "keys": [key.record() for key in keys.values()],
        "mandates": [] if agency in WITHOUT_MANDATES else [mandate],
    }


def _community(name: str, members: list[str], tiers: list[str], domain: str, tlps: list[str]) -> Json:
    return {"name": name, "members": members, "tiers": tiers, "charter": _terms([domain], tlps)}


def _terms(domains: list[str], tlps: list[str]) -> Json:
    return {
        "domains": domains,
        "statuses": ["actual", "exercise"],
        "tlps": tlps,
        "severity": "extreme",
        "personal": ["none", "ordinary"],
        "purposes": ["prevention", "investigation"],
    }


def _agency_keys(agency: str, now: datetime) -> dict[str, Key]:
    """Those that speak and sign in; for some one that has expired or was revoked, one of ML-DSA, one to seal with."""
    kind = "P-256" if agency in SIGNS_ES256 else "Ed25519"
    keys = {"statement": _fresh("statement", now, kind), "auth": _fresh("auth", now)}
    if agency == "vn.mae.dyke":
        keys["expired"] = Key(_private("Ed25519"), "statement", now - 90 * _DAY, now - _DAY)
        begin, end = now - 90 * _DAY, now + 90 * _DAY
        keys["revoked"] = Key(_private("Ed25519"), "statement", begin, end, compromised_since=now - 10 * _DAY)
    if agency in SEALED_FOR:
        keys["seal"] = _fresh("seal", now, SEALED_FOR[agency])
    if agency == "asean.aha":
        keys["ml-dsa"] = _fresh("statement", now, "ML-DSA-65")
    return keys


def _fresh(use: str, now: datetime, kind: str = "Ed25519") -> Key:
    return Key(_private(kind), use, now - 30 * _DAY, now + 365 * _DAY)


def _private(kind: str) -> Json:
    """A private JWK (RFC 8037, RFC 7518, RFC 9964)."""
    if kind == "Ed25519":
        okp = ed25519.Ed25519PrivateKey.generate()
        public = _b64(okp.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": kind, "x": public, "d": _b64(okp.private_bytes_raw())}
    if kind == "X25519":
        sealing = x25519.X25519PrivateKey.generate()
        public = _b64(sealing.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": kind, "x": public, "d": _b64(sealing.private_bytes_raw())}
    if kind == "ML-DSA-65":
        akp = mldsa.MLDSA65PrivateKey.generate()
        public = _b64(akp.public_key().public_bytes_raw())
        return {"kty": "AKP", "alg": kind, "pub": public, "priv": _b64(akp.private_bytes_raw())}
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    point = numbers.public_numbers
    x, y, d = (_b64(number.to_bytes(32, "big")) for number in (point.x, point.y, numbers.private_value))
    return {"kty": "EC", "crv": kind, "x": x, "y": y, "d": d}


def _secret(path: Path, value: Json) -> None:
    """A file that only its owner reads."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file, indent=1)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    main()
