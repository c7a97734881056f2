"""What is particular to webhooks: protocol §10, and the Standard Webhooks specification that it names."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.allowance import Allowance
from adapters.base import Delivered, Parcel, Refused, Unreachable
from adapters.means import Means
from adapters.outgoing import Outgoing
from adapters.webhook import Webhook
from tests.contract.adapters.conftest import LOOPBACK, Certificates
from tests.contract.adapters.counterparts import Manner
from tests.contract.adapters.http_receiver import HttpReceiver

NOW = 1_795_309_200
HUB_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def settings(origin: str) -> dict[str, Any]:
    """As a subscription has them."""
    return {"url": f"{origin}/in", "signing": "v1a", "timeout_s": 5, "max_in_flight": 8}


@pytest.fixture
async def receiver(certificates: Certificates) -> AsyncIterator[HttpReceiver]:
    """Over TLS."""
    async with HttpReceiver(
        settings, lambda request: request.headers["webhook-id"], certificates.server
    ).listening() as it:
        yield it


@pytest.fixture
def webhook(outgoing: Outgoing) -> Webhook:
    """Signing with the hub's key."""
    return Webhook(Means(outgoing, LOOPBACK, HUB_KEY.sign))


def parcel(receiver: HttpReceiver, text: bytes = b'{"statement":"..."}', **changed: Any) -> Parcel:
    """To the receiver, with settings changed."""
    media_type = "application/vnd.interagency.alert+json"
    where = receiver.settings("127.0.0.1") | changed
    return Parcel("sub_1", "dlv_1", 1, "vn.moh/1", text, media_type, where, attempt=1, timestamp=NOW)


def signed_by_hub(request: web.BaseRequest, body: bytes) -> None:
    """As a receiver checks it: `v1a,` and standard base64 of Ed25519 over `id.timestamp.body`."""
    version, _, signature = request.headers["webhook-signature"].partition(",")
    assert version == "v1a"
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + body
    HUB_KEY.public_key().verify(base64.b64decode(signature, validate=True), signed)


async def test_headers_and_signature(webhook: Webhook, receiver: HttpReceiver) -> None:
    """A receiver that follows Standard Webhooks can verify what it got with the hub's key, and a changed body not."""
    text = '{"statement":"lũ"}'.encode()
    assert isinstance(await webhook.deliver(parcel(receiver, text)), Delivered)
    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", "/in")
    assert request.headers["Content-Type"] == "application/vnd.interagency.alert+json"
    assert request.headers["webhook-id"] == "dlv_1"
    assert request.headers["webhook-timestamp"] == str(NOW)
    signed_by_hub(request, text)
    with pytest.raises(InvalidSignature):
        signed_by_hub(request, text + b" ")


async def test_shared_secret(webhook: Webhook, receiver: HttpReceiver) -> None:
    """With `v1`, the signature is HMAC-SHA256 by the bytes that stand in base64 after `whsec_`."""
    key = bytes(range(24))
    means = replace(webhook.means, secret="whsec_" + base64.b64encode(key).decode())
    assert isinstance(await Webhook(means).deliver(parcel(receiver, b"{}", signing="v1")), Delivered)
    expected = hmac.new(key, b"dlv_1.%d.{}" % NOW, hashlib.sha256).digest()
    assert receiver.requests[0].headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()


@pytest.mark.parametrize("secret", [None, "", "whsec_%%%"])
async def test_no_other_signature_instead(webhook: Webhook, receiver: HttpReceiver, secret: str | None) -> None:
    """Where the secret that was asked for is missing or broken, nothing is sent, and the fault is the hub's."""
    outcome = await Webhook(replace(webhook.means, secret=secret)).deliver(parcel(receiver, signing="v1"))
    assert isinstance(outcome, Unreachable)
    assert outcome.fault == "ours"
    assert receiver.requests == []


async def test_a_key_that_fails(webhook: Webhook, receiver: HttpReceiver) -> None:
    """Whatever fails while signing becomes an outcome, so that the attempt is told."""

    def fails(data: bytes) -> bytes:
        raise RuntimeError("the key's device is away")

    outcome = await Webhook(replace(webhook.means, sign=fails)).deliver(parcel(receiver))
    assert outcome == Unreachable("failed here: RuntimeError", 0, "ours")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_2xx_is_delivered(webhook: Webhook, receiver: HttpReceiver, status: int) -> None:
    """Every 2xx is a delivery."""
    receiver.answer = web.Response(status=status)
    outcome = await webhook.deliver(parcel(receiver))
    assert isinstance(outcome, Delivered)
    assert outcome.status == status


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 409, 410, 413, 429, 500, 503, 599])
async def test_all_else_is_refused(webhook: Webhook, receiver: HttpReceiver, status: int) -> None:
    """Every other status is told as it is: what follows from it is the broker's to say."""
    receiver.answer = web.Response(status=status)
    outcome = await webhook.deliver(parcel(receiver))
    assert isinstance(outcome, Refused)
    assert (outcome.status, outcome.retry_after) == (status, None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(webhook: Webhook, receiver: HttpReceiver, status: int) -> None:
    """A redirect is an answer like any other: nobody goes where it points."""
    receiver.answer = web.Response(status=status, headers={"Location": f"{receiver.origin('127.0.0.1')}/elsewhere"})
    outcome = await webhook.deliver(parcel(receiver))
    assert isinstance(outcome, Refused)
    assert outcome.status == status
    assert [request.path for request in receiver.requests] == ["/in"]


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_told(webhook: Webhook, receiver: HttpReceiver, status: int) -> None:
    """Retry-After comes through, in seconds or as a date."""
    receiver.answer = web.Response(status=status, headers={"Retry-After": "120"})
    outcome = await webhook.deliver(parcel(receiver))
    assert isinstance(outcome, Refused)
    assert outcome.retry_after == 120
    receiver.answer = web.Response(status=status, headers={"Retry-After": formatdate(NOW + 90, usegmt=True)})
    outcome = await webhook.deliver(parcel(receiver))
    assert isinstance(outcome, Refused)
    assert outcome.retry_after == pytest.approx(90, abs=10)


async def test_cookies_are_not_kept(webhook: Webhook, receiver: HttpReceiver) -> None:
    """What a receiver asks to be told again is not told again."""
    receiver.answer = web.Response(headers={"Set-Cookie": "a=b"})
    for _ in range(2):
        await webhook.deliver(parcel(receiver))
    assert [request.headers.get("Cookie") for request in receiver.requests] == [None, None]


async def test_an_answer_is_read_a_little(webhook: Webhook, receiver: HttpReceiver) -> None:
    """Of an answer without end no more is taken in than fits the buffers on the way."""
    receiver.manner = Manner.TALKS_ON
    assert isinstance(await webhook.deliver(parcel(receiver)), Delivered)
    assert receiver.talked < 2**24


async def test_plain_http_by_the_directorys_word(outgoing: Outgoing) -> None:
    """An origin that the directory lists is reached over http, at the address that it names; another port is not."""
    async with HttpReceiver(settings, lambda request: "").listening() as plain:
        listed = Webhook(Means(outgoing, Allowance.of([plain.origin("127.0.0.1")], []), HUB_KEY.sign))
        assert isinstance(await listed.deliver(parcel(plain)), Delivered)
        elsewhere = Webhook(Means(outgoing, Allowance.of(["http://127.0.0.1:1"], []), HUB_KEY.sign))
        assert isinstance(await elsewhere.deliver(parcel(plain)), Unreachable)
        assert len(plain.requests) == 1
