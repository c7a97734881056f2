"""The envelope's text on its way out (protocol §5): written once, and those bytes sent everywhere.

Made only from a `Released`: nothing leaves by a way that was not decided.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from broker.policy.release import Released
from broker.ports.alert_log import StoredAlert


@dataclass(frozen=True, slots=True)
class Hub:
    """Who speaks in the `hub` block."""

    id: str
    network: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands among those of one subscription."""

    subscription: str
    position: int
    previous: str | None
    """`sha256:…` of the text at the position before; None at the first."""
    delivery: str


def delivery_id(subscription: str, alert: str, position: int) -> str:
    """Equal over all attempts at one position, and different for any other (protocol §10)."""
    digest = hashlib.sha256(f"{subscription}\0{alert}\0{position}".encode()).digest()
    return "dlv_" + urlsafe_b64encode(digest[:24]).decode()


def place(subscription: str, alert: str, position: int, previous: str | None) -> Place:
    """The place at `position`, with the delivery id that belongs to it."""
    return Place(subscription, position, previous, delivery_id(subscription, alert, position))


def text(alert: StoredAlert, released: Released, hub: Hub, at: Place | None = None) -> bytes:
    """The envelope as released, one line of UTF-8 JSON. Equal arguments give equal bytes, for ever.

    `at` is None for an answer to a read, which has no place in a subscription.
    """
    envelope: dict[str, object] = {
        "statement": alert.statement,
        "parts": {
            id_: {"salt": part.salt, "data": part.data} for id_, part in alert.parts.items() if id_ in released.parts
        },
    }
    if alert.cosignatures:
        envelope["cosignatures"] = list(alert.cosignatures)
    envelope["hub"] = _hub_block(alert, released, hub, at)
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def digest(text_: bytes) -> str:
    """What the next text names as `previous`, and heartbeats as `last`."""
    return "sha256:" + hashlib.sha256(text_).hexdigest()


def _hub_block(alert: StoredAlert, released: Released, hub: Hub, at: Place | None) -> dict[str, object]:
    block: dict[str, object] = {
        "id": hub.id,
        "network": hub.network,
        "accepted_at": alert.label.accepted_at,
        "receipt": alert.receipt,
        "released": "whole" if released.whole else list(released.parts),
        "marked": list(released.marked),
        "conditions": list(released.conditions),
        "path": [],
    }
    if alert.receipt is None:
        del block["receipt"]  # a notice has none (protocol §2.1)
    if alert.trace is not None:
        block["trace"] = alert.trace
    if at is not None:
        block |= {
            "subscription": at.subscription,
            "delivery": at.delivery,
            "position": at.position,
            "previous": at.previous,
        }
    return block
