"""Every push adapter in the suite: one entry each."""

from adapters.registry import ADAPTERS
from tests.contract.adapters.counterparts import SECRET, Entry
from tests.contract.adapters.documented import documented
from tests.contract.adapters.http_receiver import http

ENTRIES = [
    documented(),
    Entry(
        "webhook",
        ADAPTERS["webhook"],
        http(
            lambda origin: {"url": f"{origin}/in?token={SECRET}", "signing": "v1a", "timeout_s": 1, "max_in_flight": 8},
            lambda request: request.headers["webhook-id"],
        ),
    ),
]
