"""Receiving webhooks: the hub's signature as in Standard Webhooks (protocol §10), before anything is read."""

import hashlib
import hmac
import time
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from broker.client.verifying import NotVerified
from broker.trust.keys import load_public, verify_signature
from schemas.base import instant
from schemas.directory import KeyRecord
from schemas.terms import KeyUse

TOLERANCE_S = 300
SECRET_PREFIX = "whsec_"  # noqa: S105 - how secrets begin, not one


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    keys: Iterable[KeyRecord | str],
    tolerance: float = TOLERANCE_S,
    now: float | None = None,
) -> str:
    """The delivery id of a webhook that the hub made within `tolerance` seconds; NotVerified otherwise.

    `keys` are the hub's records of use `webhook`, from discovery, for `v1a`; or secrets (`whsec_…`) for `v1`.
    The body is verified next, as an envelope; keep the id to tell a repeat.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        id_, stamp, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise NotVerified(f"the header {missing.args[0]} is missing") from None
    moment = time.time() if now is None else now
    _check_time(stamp, moment, tolerance)
    signed = b".".join((id_.encode(), stamp.encode(), body))
    known = tuple(each for each in keys if isinstance(each, str) or _usable(each, moment))
    if not any(_holds(each, known, signed) for each in signatures.split(" ")):
        raise NotVerified("no signature of the hub holds")
    return id_


def _check_time(stamp: str, now: float, tolerance: float) -> None:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
        raise NotVerified("webhook-timestamp is no time")
    if abs(now - int(stamp)) > tolerance:
        raise NotVerified("the webhook was made too long ago, or the clocks differ")


def _holds(signature: str, keys: tuple[KeyRecord | str, ...], signed: bytes) -> bool:
    version, _, text = signature.partition(",")
    try:
        value = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        return False
    if version == "v1a":
        return any(_by_key(key, signed, value) for key in keys if isinstance(key, KeyRecord))
    if version == "v1":
        return any(hmac.compare_digest(_mac(key, signed), value) for key in keys if isinstance(key, str))
    return False


def _by_key(record: KeyRecord, signed: bytes, value: bytes) -> bool:
    return verify_signature(load_public(record.jwk, record.alg), signed, value)


def _usable(record: KeyRecord, moment: float) -> bool:
    at = datetime.fromtimestamp(moment, UTC)
    in_time = instant(record.valid_from) <= at < instant(record.valid_until)
    return record.use is KeyUse.WEBHOOK and record.revoked is None and in_time


def _mac(secret: str, signed: bytes) -> bytes:
    return hmac.new(b64decode(secret.removeprefix(SECRET_PREFIX)), signed, hashlib.sha256).digest()
