"""The disk of the hub fills up: posts are refused early, deliveries go on, and room is all that is needed again."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from broker.store.headroom import DISK
from tests.integration.asking import accepted
from tests.integration.processes import serving, until
from tests.outage.conftest import Partner
from tests.outage.posting import Posters


def fill(place: Path, leaving: int) -> Path:
    """A file that leaves so many bytes."""
    filler = place / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(place).free - max(leaving, 2**18))
        with suppress(OSError):
            while not leaving:  # to the last byte, whatever else is written meanwhile
                os.pwrite(file.fileno(), bytes(4096), file.seek(0, os.SEEK_END))
    return filler


def test_little_room_refuses_early_and_delivers_on(small_disk: Path, partner: Partner) -> None:
    """Below 128 MiB: 503 `busy` that names the disk, with Retry-After; what was taken before is delivered; then 202."""
    with serving(partner.world) as hub:
        subscription = partner.subscribe(hub)
        partner.set(hub, subscription, "paused")
        waiting = [accepted(hub, partner.world) for _ in range(30)]
        with Posters(hub, partner.world) as posters:
            filler = fill(small_disk, DISK - 2**20)
            for refused in posters.refusals(5)[1:]:
                assert refused.json()["code"] == "busy"
                assert "its disk is nearly full" in refused.json()["detail"]
                assert int(refused.headers["retry-after"]) == 10
            assert "128 MiB" in hub.http.get("/readyz").json()["wrong"][0]
            partner.set(hub, subscription, "active")
            until(lambda: set(waiting) <= set(partner.receiver.ids()))
            filler.unlink()
            posters.go_on(20)
        until(lambda: set(posters.acknowledged) <= set(partner.receiver.ids()))
        assert hub.http.get("/readyz").status_code == 200


def test_no_room_at_all_loses_nothing(small_disk: Path, partner: Partner) -> None:
    """With not a byte left the server ends at its next write; with room it is started again, and all is delivered."""
    with serving(partner.world) as hub:
        subscription = partner.subscribe(hub)
        partner.set(hub, subscription, "paused")
        with Posters(hub, partner.world) as posters:
            posters.go_on(30)
            filler = fill(small_disk, 0)
            posters.refusals(5)
            until(lambda: '"server died"' in hub.log.read_text("utf-8"))  # at the next of its workers' own writes
            filler.unlink()
            posters.go_on(30)
        partner.set(hub, subscription, "active")
        until(lambda: set(posters.acknowledged) <= set(partner.receiver.ids()))
        assert hub.process.poll() is None
