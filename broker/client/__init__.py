"""A client of the hub: signs, posts, subscribes, and verifies what it receives.

    async with AsyncClient("https://hub.example", "vn.example", key, auth_key) as hub:
        accepted = await hub.post(await hub.sign(event, {"main": Content(cap, "application/cap+xml")}))

`Client` has the same words without an event loop.
"""

from broker.client.asynchronous import AsyncClient
from broker.client.connection import Options
from broker.client.problem import FaultAt, ProblemError, UnreachableError
from broker.client.retrying import Retries
from broker.client.sealing import NotOpened, open_sealed, seal
from broker.client.signing import Content, Draft, Signed, load_signed, sign
from broker.client.synchronous import Client
from broker.client.verifying import Expected, NotVerified, Received, ReceivedPart, kids_of, verify, verify_heartbeat
from broker.client.webhooks import verify_webhook

__all__ = [
    "AsyncClient",
    "Client",
    "Content",
    "Draft",
    "Expected",
    "FaultAt",
    "NotOpened",
    "NotVerified",
    "Options",
    "ProblemError",
    "Received",
    "ReceivedPart",
    "Retries",
    "Signed",
    "UnreachableError",
    "kids_of",
    "load_signed",
    "open_sealed",
    "seal",
    "sign",
    "verify",
    "verify_heartbeat",
    "verify_webhook",
]
