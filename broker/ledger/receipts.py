"""What the hub promises when it accepts: the entry, its leaf, and the signed receipt (protocol §11)."""

import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime

from broker.label import Label
from broker.trust import jws
from broker.trust.hubkeys import HubKeys
from schemas.receipt import RECEIPT_TYP


@dataclass(frozen=True, slots=True)
class Entry:
    """What a leaf of the ledger stands for: leaf = SHA-256(salt ‖ payload); `salt` base64url of 32 bytes."""

    salt: str
    payload: str

    @property
    def leaf(self) -> str:
        return "sha256:" + hashlib.sha256(jws.decode(self.salt) + self.payload.encode()).hexdigest()

    @property
    def said(self) -> str:
        """Digest of what it says but for when: equal for entries that say the same, so that it is said once."""
        what = {name: value for name, value in json.loads(self.payload).items() if name != "at"}
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def promise(keys: HubKeys, hub: str, label: Label, now: datetime) -> tuple[str, Entry]:
    """The receipt and its entry: the leaf of this entry will be in the ledger within 60 s."""
    entry = new_entry(
        "accepted", alert=label.id, statement=label.digest, at=label.accepted_at, directory=label.directory
    )
    claims = {
        "iss": hub,
        "iat": int(now.timestamp()),
        "jti": str(uuid.uuid4()),
        "sub": label.id,
        "statement": label.digest,
        "leaf": entry.leaf,
        "log": hub,
    }
    return keys.sign("receipt", RECEIPT_TYP, claims), entry


def equivocation(first: str, second: str, at: str) -> Entry:
    """Proves it: two statements of one id, both validly signed."""
    return new_entry("equivocation", at=at, first=first, second=second)


def new_entry(type_: str, **what: str) -> Entry:
    """With a fresh salt, and canonical JSON of what happened as its payload."""
    payload = json.dumps({"type": type_} | what, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Entry(jws.encode(secrets.token_bytes(32)), payload)
