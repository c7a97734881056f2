"""What the hub promises when it accepts: the entry, its leaf, and the signed receipt (protocol §11)."""

import hashlib
import json
import secrets
import uuid
from datetime import datetime

from broker.label import Label
from broker.trust import jws
from broker.trust.hubkeys import HubKeys
from schemas.receipt import RECEIPT_TYP


def promise(keys: HubKeys, hub: str, label: Label, now: datetime) -> tuple[str, str, str]:
    """Receipt, salt and payload: that the leaf of this payload will be in the ledger within 60 s."""
    payload = text("accepted", alert=label.id, statement=label.digest, at=label.accepted_at, directory=label.directory)
    salt = new_salt()
    claims = {
        "iss": hub,
        "iat": int(now.timestamp()),
        "jti": str(uuid.uuid4()),
        "sub": label.id,
        "statement": label.digest,
        "leaf": leaf(salt, payload),
        "log": hub,
    }
    return keys.sign("receipt", RECEIPT_TYP, claims), salt, payload


def text(type_: str, **what: str) -> str:
    """The payload of an entry: canonical JSON of what happened."""
    return json.dumps({"type": type_} | what, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def equivocation(first: str, second: str, at: str) -> tuple[str, str]:
    """Salt and payload that prove it: two statements of one id, both validly signed."""
    return new_salt(), text("equivocation", at=at, first=first, second=second)


def new_salt() -> str:
    """32 random bytes, base64url."""
    return jws.encode(secrets.token_bytes(32))


def leaf(salt: str, payload: str) -> str:
    """SHA-256(salt ‖ payload), as a digest."""
    return "sha256:" + hashlib.sha256(jws.decode(salt) + payload.encode()).hexdigest()
