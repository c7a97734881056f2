"""Keys that parts are sealed for, and a JWE to take apart."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.client.sealing import seal
from broker.trust.sealing_keys import OpeningKey
from schemas.directory import KeyRecord

SEEN = datetime(2026, 11, 22, 1, tzinfo=UTC)


def record(key: OpeningKey, agency: str = "th.police", **changes: Any) -> KeyRecord:
    """As the directory lists the key."""
    told = {"kid": key.kid, "jwk": key.jwk, "alg": key.alg, "use": "seal", "agency": agency}
    valid = {
        "valid_from": (SEEN - timedelta(days=1)).isoformat(),
        "valid_until": (SEEN + timedelta(days=365)).isoformat(),
    }
    return KeyRecord.model_validate(told | valid | changes)


def sealed(data: bytes, *keys: OpeningKey) -> bytes:
    """For these."""
    return seal(data, [record(key) for key in keys], SEEN)


def changed(jwe: bytes, **members: Any) -> bytes:
    """With other members; None takes one away."""
    value = json.loads(jwe) | members
    return json.dumps({name: each for name, each in value.items() if each is not None}).encode()
