"""Every transport by its name: one line each. `docs/adding-an-adapter.md` says how a line comes to be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters import stream, webhook
from adapters.base import Protection, Push
from adapters.means import Means
from schemas.base import Strict
from schemas.subscription import NoSettings, WebhookSettings


@dataclass(frozen=True, slots=True)
class Transport:
    """What the broker must know of a transport before it uses it."""

    settings: type[Strict]
    """What a subscriber may set; checked before a parcel is made."""
    protection: Callable[[Mapping[str, Any]], Protection]
    """With these settings; for a transport that is read, at its reader's best."""
    push: Callable[[Means], Push] | None = None
    """Makes it for one subscription; None where readers come."""


ADAPTERS: dict[str, Transport] = {
    "webhook": Transport(WebhookSettings, webhook.protection, webhook.Webhook),
    "stream": Transport(NoSettings, stream.protection),
}
