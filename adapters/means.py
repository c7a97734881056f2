"""What the hub gives to a push adapter to work with."""

from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.allowance import Allowance
from adapters.outgoing import Outgoing


@dataclass(frozen=True, slots=True)
class Means:
    """For one subscription; an adapter takes of it what it needs."""

    outgoing: Outgoing
    allowance: Allowance
    """Of the agency that owns the subscription."""
    sign: Callable[[bytes], bytes] = field(repr=False)
    """The bare Ed25519 signature by the hub's key of use `webhook`."""
    secret: str | None = field(default=None, repr=False)
    """What the hub told the subscriber once (`whsec_…`), where the settings ask for a shared secret."""
