"""Sealing a part for named agencies, and opening it (protocol §2; RFC 7516 §7.2.1, RFC 7518 §4.6).

The cryptography is joserfc's and under it cryptography's; which algorithms there are is ours: one. No hub imports this.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import x25519
from joserfc import jwe as library
from joserfc.errors import JoseError
from joserfc.jwe import GeneralJSONEncryption, JWERegistry
from joserfc.jwk import ECKey, OKPKey

from broker.trust.jwe import ALG, ENC, NotSealed, sealed_for
from broker.trust.keys import WeakKey, thumbprint
from broker.trust.sealing_keys import OpeningKey, enrol
from broker.trust.strict_json import read_object
from schemas import limits
from schemas.base import instant
from schemas.directory import KeyRecord
from schemas.terms import KeyUse


class NotOpened(Exception):  # noqa: N818 - a finding about what was received
    """The part cannot be opened with this key: it is sealed for others, is no sealed part, or was changed."""


class _OneKind(JWERegistry):
    """Knows the two algorithms of protocol §2 and no other: no compression, no passwords, no RSA."""

    max_ciphertext_length = 2**26

    def __init__(self) -> None:
        super().__init__(algorithms=[ALG, ENC], max_recipients=limits.SEALED_FOR)


def seal(data: bytes, keys: Iterable[KeyRecord], now: datetime | None = None) -> bytes:
    """A JWE of the bytes that each of the keys opens, and nobody else.

    Of an agency with several keys, all. ValueError for a key of another use, or that is not valid now, and for none.
    Its own length shows how long the bytes are; `kid` shows for whom it is.
    """
    records = {record.kid: record for record in keys}
    if not 1 <= len(records) <= limits.SEALED_FOR:
        raise ValueError(f"from one to {limits.SEALED_FOR} keys of use seal")
    sealing = GeneralJSONEncryption({"alg": ALG, "enc": ENC}, data)
    for record in records.values():
        _check_usable(record, now or datetime.now(UTC))
        sealing.add_recipient({"kid": record.kid}, _imported(record.jwk))
    made = library.encrypt_json(sealing, None, registry=_OneKind())
    return json.dumps(made, separators=(",", ":")).encode()


def usable(records: Iterable[KeyRecord], agency: str, now: datetime | None = None) -> tuple[KeyRecord, ...]:
    """Of these, the agency's keys of use `seal` that are valid now."""
    at = now or datetime.now(UTC)
    return tuple(record for record in records if record.agency == agency and _is_usable(record, at))


def open_sealed(data: bytes, keys: Sequence[OpeningKey]) -> bytes:
    """What is inside a part that was sealed for one of the keys. NotOpened otherwise."""
    try:
        kids = sealed_for(data)
    except NotSealed as why:
        raise NotOpened(f"it is no sealed part: expected {why}") from None
    held = {key.kid: key for key in keys}
    place = next((index for index, kid in enumerate(kids) if kid in held), None)
    if place is None:
        raise NotOpened("it is sealed for other keys")
    jwe = read_object(data)
    ours = jwe | {"recipients": [jwe["recipients"][place]]}  # the others cannot be opened with this key
    try:
        opened = library.decrypt_json(ours, _private(held[kids[place]]), registry=_OneKind()).plaintext  # type: ignore[arg-type]  # of that shape, as was checked
    except (JoseError, ValueError, TypeError, KeyError, AssertionError):
        raise NotOpened("it does not open: it was changed, or was not sealed for this key") from None
    if opened is None:
        raise NotOpened("it does not open")
    return opened


def _check_usable(record: KeyRecord, now: datetime) -> None:
    if not _is_usable(record, now) or thumbprint(record.jwk) != record.kid:
        raise ValueError(f"{record.kid} of {record.agency} is no key of use seal that is valid now")
    try:
        enrol(record.jwk)
    except WeakKey as why:
        raise ValueError(f"{record.kid} of {record.agency}: {why}") from None


def _is_usable(record: KeyRecord, now: datetime) -> bool:
    in_force = record.revoked is None and instant(record.valid_from) <= now < instant(record.valid_until)
    return record.use is KeyUse.SEAL and in_force


def _imported(jwk: dict[str, str]) -> OKPKey | ECKey:
    return OKPKey.import_key(dict(jwk)) if jwk["kty"] == "OKP" else ECKey.import_key(dict(jwk))


def _private(key: OpeningKey) -> OKPKey | ECKey:
    if isinstance(key.private, x25519.X25519PrivateKey):
        return OKPKey.import_key(key.private)
    return ECKey.import_key(key.private)
