"""A webhook's signature, before anything of it is read (Standard Webhooks, protocol §10)."""

import hashlib
import hmac
import sys
import time
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from broker.client import NotVerified, verify_webhook
from broker.trust.keys import PrivateKey, generate
from schemas.directory import KeyRecord
from tests.client.made import DAY, HUB, NOW, record

BODY = '{"statement":"…"}'.encode()
SECRET = "whsec_" + b64encode(b"k" * 24).decode()
STAMP = 0
"""The second in which the test began."""


@pytest.fixture(autouse=True)
def stamped(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the tests before took, a webhook was signed just now."""
    monkeypatch.setattr(sys.modules[__name__], "STAMP", int(time.time()))


def headers(*signatures: str, stamp: int | str | None = None) -> dict[str, str]:
    """As a hub sends them."""
    sent = str(STAMP if stamp is None else stamp)
    return {"Webhook-Id": "dlv_1", "Webhook-Timestamp": sent, "Webhook-Signature": " ".join(signatures)}


def v1a(key: PrivateKey, body: bytes = BODY, id_: str = "dlv_1") -> str:
    """By an Ed25519 key."""
    return "v1a," + b64encode(key.sign(f"{id_}.{STAMP}.".encode() + body)).decode()


def v1(secret: bytes = b"k" * 24, body: bytes = BODY) -> str:
    """By a shared secret."""
    mac = hmac.new(secret, f"dlv_1.{STAMP}.".encode() + body, hashlib.sha256).digest()
    return "v1," + b64encode(mac).decode()


@pytest.fixture
def key() -> PrivateKey:
    """The hub's of use webhook."""
    return generate()


def listed(key: PrivateKey, **changed: object) -> list[KeyRecord]:
    """As discovery tells it."""
    return [record(key, "webhook", HUB, **changed)]


def test_a_signature_of_a_discovery_key(key: PrivateKey) -> None:
    """`v1a` holds by any of the hub's keys, beside signatures of others: the delivery id is what was signed."""
    other = generate()
    assert verify_webhook(headers(v1a(other), v1a(key)), BODY, [*listed(generate()), *listed(key)]) == "dlv_1"


def test_a_signature_of_a_secret() -> None:
    """`v1` holds by the secret that was told once."""
    assert verify_webhook(headers(v1()), BODY, [SECRET]) == "dlv_1"


def test_the_library_of_standard_webhooks_agrees() -> None:
    """What the published library signs holds here, and the other way round."""
    webhook = Webhook(SECRET)
    assert webhook.verify(BODY, headers(v1())) is not None
    signed = webhook.sign("dlv_1", datetime.fromtimestamp(STAMP, UTC), BODY.decode())
    assert verify_webhook(headers(signed), BODY, [SECRET]) == "dlv_1"


@pytest.mark.parametrize("apart", [-300, 300])
def test_the_tolerance_is_five_minutes(key: PrivateKey, apart: int) -> None:
    """Up to 300 s before or after now it is taken, one second more is too much."""
    now = float(STAMP + apart)
    assert verify_webhook(headers(v1a(key)), BODY, listed(key), now=now)
    with pytest.raises(NotVerified, match="too long ago"):
        verify_webhook(headers(v1a(key)), BODY, listed(key), now=now + (1 if apart > 0 else -1))


@pytest.mark.parametrize("signature", ["", "v1a", "v1a,", "v1a,?", "v2,AAAA", "v1a,AAAA", "v1,AAAA"])
def test_what_is_no_signature(key: PrivateKey, signature: str) -> None:
    """Neither an empty nor a broken one, nor another version, holds."""
    with pytest.raises(NotVerified, match="no signature of the hub holds"):
        verify_webhook(headers(signature), BODY, [*listed(key), SECRET])


def test_what_was_changed(key: PrivateKey) -> None:
    """Another body, id or time than was signed does not hold; nor does one kind of signature as the other."""
    good = v1a(key)
    for changed in (
        lambda: verify_webhook(headers(good), BODY + b" ", listed(key)),
        lambda: verify_webhook(headers(good) | {"Webhook-Id": "dlv_2"}, BODY, listed(key)),
        lambda: verify_webhook(headers(good, stamp=STAMP + 1), BODY, listed(key)),
        lambda: verify_webhook(headers(good.replace("v1a", "v1")), BODY, [*listed(key), SECRET]),
        lambda: verify_webhook(headers(v1(b"other" * 5)), BODY, [SECRET]),
        lambda: verify_webhook(headers(good), BODY, []),
    ):
        with pytest.raises(NotVerified, match="no signature of the hub holds"):
            changed()


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "statement"},
        {"revoked": {"at": NOW.isoformat()}},
        {"valid_until": (NOW - DAY / 2).isoformat()},
        {"valid_from": (NOW + DAY / 2).isoformat()},
    ],
)
def test_a_key_that_cannot_vouch(key: PrivateKey, changed: dict[str, object]) -> None:
    """A key of another use, revoked, expired or early, signs no webhooks."""
    with pytest.raises(NotVerified, match="no signature of the hub holds"):
        verify_webhook(headers(v1a(key)), BODY, listed(key, **changed))


@pytest.mark.parametrize("missing", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_header_that_is_missing(key: PrivateKey, missing: str) -> None:
    """It is named."""
    given = headers(v1a(key))
    del given[missing]
    with pytest.raises(NotVerified, match=missing.lower()):
        verify_webhook(given, BODY, listed(key))


@pytest.mark.parametrize("stamp", ["", "soon", "-1", "1.5", "9" * 20, "１７９５"])
def test_a_time_that_is_none(key: PrivateKey, stamp: str) -> None:
    """Only digits are a time."""
    with pytest.raises(NotVerified, match="no time"):
        verify_webhook(headers(v1a(key), stamp=stamp), BODY, listed(key))
