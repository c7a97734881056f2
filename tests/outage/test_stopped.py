"""Redis is gone for a while, once with the end of its file: posters wait, nothing is lost, nobody lends a hand."""

import os
import random
import time

import pytest

from tests.integration.processes import Engine, serving, until
from tests.outage.conftest import Partner
from tests.outage.files import cut, length
from tests.outage.posting import Posters

STOPPED_S = float(os.environ.get("OUTAGE_SECONDS", "6"))
"""`OUTAGE_SECONDS=60` for the whole minute of the promise."""


@pytest.mark.timeout(120 + 2 * STOPPED_S)
def test_posters_wait_and_nothing_is_lost(store: Engine, partner: Partner) -> None:
    """While it is away each post gets 503 with Retry-After; once it is back all goes on, and every 202 is delivered."""
    with serving(partner.world, REDIS_URL=store.url) as hub:
        partner.subscribe(hub)
        with Posters(hub, partner.world) as posters:
            posters.go_on(50)
            store.freeze()
            away(posters)
            store.go_on()
            posters.go_on(50)
            taken, fsynced = len(posters.acknowledged), length(store)
            store.kill()
            if away(posters) == taken:  # nothing was acknowledged between that length and the end
                cut(store, random.randint(fsynced, length(store)))
            store.start()
            posters.go_on(50)
        until(lambda: set(posters.acknowledged) <= set(partner.receiver.ids()))
        assert hub.http.get("/readyz").status_code == 200
        assert hub.process.poll() is None


def away(posters: Posters) -> int:
    """The store is: nothing is acknowledged, and why is told. How many were acknowledged."""
    back = time.monotonic() + STOPPED_S
    posters.refusals(posters.threads)
    taken = len(posters.acknowledged)
    while time.monotonic() < back:
        for refused in posters.refusals(1):
            assert refused.json()["code"] == "busy"
            assert "its store does not answer" in refused.json()["detail"]
    assert len(posters.acknowledged) == taken
    return taken
