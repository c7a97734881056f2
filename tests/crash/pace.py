"""Waits and leases made short in the processes of a run, so that what takes hours in service takes seconds here.

The order between them stays as it is in the product: a lease outlasts several renewals, a retry waits longer each time.
"""

from collections.abc import Sequence
from types import ModuleType

from broker import courier, router, service, share, streaming
from broker.policy import breaker, retry
from broker.store import node

PARTITION_LEASE_S = 0.8
CLAIM_LEASE_S = 1.2
STORE_TIMEOUT_S = 1.0
BEYOND_LEASES_S = 1.6
"""Longer than any lease."""
SHORT: Sequence[tuple[ModuleType, str, object]] = (
    (share, "LEASE_S", PARTITION_LEASE_S),
    (share, "RENEW_S", 0.2),
    (router, "REST_S", 0.1),
    (courier, "REST_S", 0.1),
    (courier, "LEASE_S", CLAIM_LEASE_S),
    (service, "REST_S", 0.1),
    (service, "LEASE_S", CLAIM_LEASE_S),
    (service, "LOOK_S", 0.02),
    (service, "STAYING_S", 0.3),
    (service, "TURN_S", 0.5),
    (retry, "WAITS_S", (0.05, 0.1, 0.2, 0.4)),
    (retry, "OURS_S", 0.1),
    (breaker, "FIRST_PROBE_S", 0.1),
    (breaker, "LONGEST_PROBE_S", 0.4),
    (node, "TIMEOUT_S", STORE_TIMEOUT_S),
    (streaming, "WAIT_S", 0.5),
)


def hasten() -> None:
    """In this process alone."""
    for module, name, value in SHORT:
        if not hasattr(module, name):
            raise AttributeError(f"{module.__name__} has no {name} any more")
        setattr(module, name, value)
