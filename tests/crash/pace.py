"""Waits and leases made short in the processes of a run, so that what takes hours in service takes seconds here.

The order between them stays as it is in the product: a lease outlasts several renewals, a retry waits longer each time.
"""

from broker import courier, router, share, streaming
from broker.policy import breaker, retry
from broker.store import link

PARTITION_LEASE_S = 0.8
CLAIM_LEASE_S = 1.2
STORE_TIMEOUT_S = 1.0
BEYOND_LEASES_S = 1.6
"""Longer than any lease."""
TRIES = 5
"""After which a delivery is dead."""


def hasten() -> None:
    """In this process alone."""
    share.LEASE_S, share.RENEW_S = PARTITION_LEASE_S, 0.2
    router.REST_S = courier.REST_S = 0.1
    courier.LEASE_S, courier.STAYING_S = CLAIM_LEASE_S, 0.3
    retry.WAITS_S, retry.OURS_S = (0.05, 0.1, 0.2, 0.4), 0.1
    breaker.FIRST_PROBE_S, breaker.LONGEST_PROBE_S = 0.1, 0.4
    link.TIMEOUT_S = STORE_TIMEOUT_S  # type: ignore[misc]
    streaming.WAIT_S = 0.5
