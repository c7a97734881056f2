"""Redis is gone for a while: posters wait, nothing is lost, and nobody lends a hand."""

import os
import time

import pytest

from tests.integration.processes import Engine, serving, until
from tests.outage.conftest import Partner
from tests.outage.posting import Posters

STOPPED_S = float(os.environ.get("OUTAGE_SECONDS", "6"))
"""`OUTAGE_SECONDS=60` for the whole minute of the promise."""


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.timeout(120 + 2 * STOPPED_S)
def test_posters_wait_and_nothing_is_lost(store: Engine, partner: Partner, how: str) -> None:
    """While it is away each post gets 503 with Retry-After; once it is back all goes on, and every 202 is delivered."""
    with serving(partner.world, REDIS_URL=store.url) as hub:
        partner.subscribe(hub)
        with Posters(hub, partner.world) as posters:
            posters.go_on(50)
            if how == "killed":
                store.kill()
            else:
                store.freeze()
            back = time.monotonic() + STOPPED_S
            taken = None
            while time.monotonic() < back:
                for refused in posters.refusals(1):
                    assert refused.json()["code"] == "busy"
                    assert "its store does not answer" in refused.json()["detail"]
                taken = len(posters.acknowledged) if taken is None else taken
                assert len(posters.acknowledged) == taken
            if how == "killed":
                store.start()
            else:
                store.go_on()
            posters.go_on(50)
        until(lambda: set(posters.acknowledged) <= set(partner.receiver.ids()))
        assert hub.http.get("/readyz").status_code == 200
        assert hub.process.poll() is None
