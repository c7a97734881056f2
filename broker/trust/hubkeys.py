"""The hub's own private keys, one for each use: found in a folder, or made on first start."""

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from broker.errors import Broken
from broker.trust import jws
from broker.trust.directory import Snapshot
from broker.trust.keys import PrivateKey, generate, load_jwk, load_pem, load_public, save_file, verify_signature
from schemas.directory import KeyRecord
from schemas.terms import Alg, KeyUse

USES = (KeyUse.STATEMENT, KeyUse.RECEIPT, KeyUse.WEBHOOK, KeyUse.LOG, KeyUse.AUTH)
MADE_FOR = timedelta(days=730)
LARGEST_FILE = 65_536

log_line = structlog.get_logger("keys")


@dataclass(frozen=True, slots=True)
class HubKeys:
    """Signs what the hub says. `records` are its public sides, whether or not the directory lists them."""

    keys: Mapping[str, PrivateKey]
    records: tuple[KeyRecord, ...]

    def kid(self, use: str) -> str:
        return self.keys[use].kid

    def sign(self, use: str, typ: str, claims: Mapping[str, Any]) -> str:
        """A compact JWS by the key of that use."""
        return jws.sign(self.keys[use], typ, claims)

    def sign_bytes(self, use: str, data: bytes) -> bytes:
        """The bare signature, as Standard Webhooks and signed notes have it."""
        return self.keys[use].sign(data)

    def verify(self, use: str, data: bytes, signature: bytes) -> bool:
        """Whether the hub signed this itself."""
        key = self.keys[use]
        return verify_signature(load_public(key.jwk, key.alg), data, signature)

    def verifier_key(self, origin: str) -> str:
        """The log's verifier key as C2SP signed notes write it: name, key hash, algorithm and key."""
        public = b"\x01" + jws.decode(self.keys[KeyUse.LOG].jwk["x"])
        hashed = hashlib.sha256(origin.encode() + b"\n" + public).digest()[:4]
        return f"{origin}+{hashed.hex()}+{jws.standard_base64(public)}"


def load_or_make(folder: Path, snapshot: Snapshot) -> HubKeys:
    """Keys for every use: those in the folder that the directory gives to the hub, of several valid ones that which
    began last; then made ones.

    Files may be PKCS #8 PEM, a private JWK, a JWK set, a JSON map of JWKs, or a base64url Ed25519 seed; how they are
    named does not matter, their thumbprint does. What is made is written there with mode 600.
    """
    held = {key.kid: key for key in held_keys(folder)} if folder.is_dir() else {}
    keys: dict[str, PrivateKey] = {}
    for record in sorted(snapshot.keys_of(snapshot.hub), key=_begins, reverse=True):  # at a rollover the next one
        if record.kid in held and _current(record):
            keys.setdefault(record.use, held[record.kid])
    records = [record for record in snapshot.keys_of(snapshot.hub) if record.kid in {key.kid for key in keys.values()}]
    for use in USES:
        if use not in keys:
            keys[use], made_at = _own(folder, use)
            _check_not_ended(folder, use, keys[use], snapshot)
            records.append(_record(snapshot.hub, use, keys[use], made_at))
            log_line.warning("a hub key that the directory does not list", use=use, kid=keys[use].kid)
    if keys[KeyUse.LOG].alg != Alg.ED25519 or keys[KeyUse.WEBHOOK].alg != Alg.ED25519:
        raise Broken("The hub's keys of use log and webhook must be Ed25519 (protocol §10, §11).")
    return HubKeys(keys, tuple(records))


def _own(folder: Path, use: str) -> tuple[PrivateKey, datetime]:
    """The key that this hub made for the use, before or now, and when: what it signed since then stays valid."""
    path = folder / f"made-{use}.pem"
    if not path.exists():
        _make(path)
    return load_pem(path.read_bytes()), datetime.fromtimestamp(int(path.stat().st_mtime), UTC)


def _make(path: Path) -> None:
    """A new key, unless another role of this hub, started at the same moment, made it; whole from its first moment."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    save_file(new, generate(Alg.ED25519))
    with suppress(FileExistsError):
        os.link(new, path)
    new.unlink()


def _check_not_ended(folder: Path, use: str, key: PrivateKey, snapshot: Snapshot) -> None:
    """A key that the directory lists as revoked or ended must not come back under a record of the hub's own."""
    if snapshot.key(key.kid) is not None:
        path = folder / f"made-{use}.pem"
        raise Broken(f"The directory lists {path} as revoked, ended or of another use: move it away, for a new one.")


def _record(hub: str, use: str, key: PrivateKey, made_at: datetime) -> KeyRecord:
    now = datetime.now(UTC).replace(microsecond=0)
    return KeyRecord(
        kid=key.kid,
        jwk=key.jwk,
        alg=Alg(key.alg),
        use=KeyUse(use),
        agency=hub,
        valid_from=(made_at - timedelta(days=1)).isoformat(),
        valid_until=(now + MADE_FOR).isoformat(),
    )


def _begins(record: KeyRecord) -> datetime:
    return datetime.fromisoformat(record.valid_from)


def _current(record: KeyRecord) -> bool:
    now = datetime.now(UTC)
    begins, ends = (datetime.fromisoformat(moment) for moment in (record.valid_from, record.valid_until))
    return record.revoked is None and begins <= now < ends


def held_keys(folder: Path) -> Iterator[PrivateKey]:
    """The private keys there, an operator's and those that the hub made."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.stat().st_size <= LARGEST_FILE:
            yield from _read(path.read_bytes())


def _read(data: bytes) -> Iterator[PrivateKey]:
    """Every private key that the bytes hold; public ones and other files are passed over."""
    if data.lstrip().startswith(b"-----BEGIN"):
        try:
            yield load_pem(data)
        except ValueError:
            return
        return
    try:
        yield from _in_json(json.loads(data))
    except ValueError:
        yield from _in_seed(data.decode("ascii", "replace").strip())


def _in_json(value: Any) -> Iterator[PrivateKey]:
    if isinstance(value, str):
        yield from _in_seed(value)
    elif isinstance(value, list):
        for item in value:
            yield from _in_json(item)
    elif isinstance(value, dict):
        if "kty" not in value:
            for item in value.values():
                yield from _in_json(item)
        elif "d" in value or "priv" in value:
            yield load_jwk(value)


def _in_seed(text: str) -> Iterator[PrivateKey]:
    if len(text) == 43:
        try:
            yield load_jwk({"kty": "OKP", "crv": "Ed25519", "d": text})
        except ValueError:
            return
