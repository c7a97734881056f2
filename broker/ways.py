"""By which way a subscription is served, and so what it may carry (protocol §9, rule 12)."""

from broker.policy.ways import Way
from broker.ports.registers import Held

MEDIA_TYPE = "application/vnd.interagency.alert+json"

PUSH = frozenset({"webhook"})
"""Adapters that a courier serves; the others are read."""


def is_push(held: Held) -> bool:
    """Whether a courier serves it."""
    return held.subscription.adapter in PUSH


def way_of(held: Held) -> Way:
    """The way of a push subscription; of one that is read, the best that a reader may come by."""
    if not is_push(held):
        return Way.READ_BOUND
    url = str(held.subscription.settings.get("url", ""))
    return Way.WEBHOOK_HTTPS if url.startswith("https://") else Way.WEBHOOK_HTTP


def in_flight_limit(held: Held) -> int:
    """How many deliveries may be under way at once."""
    return int(held.subscription.settings.get("max_in_flight", 8))
