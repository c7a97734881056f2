"""A hub on a cluster, a primary killed under load: every 202 is delivered, and nobody lends a hand."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from broker.store.keys import Partition, outbox, partition_of
from tests.cluster.servers import ClusterOf6, cluster, until
from tests.integration.agencies import DYKE, HEALTH, World
from tests.integration.asking import sign_in
from tests.integration.processes import Hub, serving
from tests.integration.receivers import Receiver, receiving
from tests.outage.posting import Posters


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The endpoint of the ministry of health."""
    with receiving() as one:
        yield one


def positions_without_a_gap(receiver: Receiver) -> bool:
    """Every position from 1 on came, whatever came twice."""
    came = {envelope["hub"]["position"] for envelope in receiver.taken}
    return came == set(range(1, len(came) + 1))


def kill_and_restart(made: ClusterOf6, key: str) -> None:
    """Its primary is killed, another takes over, and what watches processes starts the killed one again."""
    killed = made.primary_of(key)
    killed.kill()
    assert made.primary_of(key) is not killed
    killed.start()
    made.well()


def test_every_202_is_delivered(tmp_path: Path, receiver: Receiver) -> None:
    """The primary of the log, then of the outbox, is killed under load: each 202 is delivered, no position lacks."""
    with ExitStack() as stack:
        made = stack.enter_context(cluster(tmp_path))
        world = World.make(tmp_path, http_endpoints=[receiver.origin])
        hub: Hub = stack.enter_context(serving(world, REDIS_URL=made.url))
        caller = sign_in(hub, world, HEALTH)
        settings = {"url": receiver.origin + "/in", "timeout_s": 5}
        subscription = caller.subscribe(adapter="webhook", settings=settings)
        (head,) = outbox(subscription, "head")
        with Posters(hub, world) as posters:
            posters.go_on(50)
            for key in (Partition(partition_of(DYKE, 4)).log, head):
                kill_and_restart(made, key)
                posters.go_on(50)
        until(lambda: set(posters.acknowledged) <= set(receiver.ids()))
        assert positions_without_a_gap(receiver)
        assert hub.http.get("/readyz").status_code == 200
        assert hub.process.poll() is None
