"""Every transport by its name: one line each. `docs/adding-an-adapter.md` says how a line comes to be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters import stream, webhook
from adapters.base import Protection, Push
from adapters.outgoing import Outgoing
from schemas.base import Strict
from schemas.subscription import NoSettings, WebhookSettings


@dataclass(frozen=True, slots=True)
class Transport:
    """What the broker must know of a transport. `push` makes it for one subscription; None when readers come."""

    settings: type[Strict]
    protection: Callable[[Mapping[str, Any]], Protection]
    push: Callable[..., Push] | None = None


ADAPTERS: dict[str, Transport] = {
    "webhook": Transport(WebhookSettings, webhook.protection, webhook.Webhook),
    "stream": Transport(NoSettings, stream.protection),
}

__all__ = ["ADAPTERS", "Outgoing", "Transport"]
