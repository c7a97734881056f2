"""`broker doctor` on several servers: settings by which one that takes over would lack what was acknowledged."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from tests.cli.workplace import Json, Workplace, furnished
from tests.cluster.servers import (
    DURABLE,
    PRIMARY_NAME,
    ClusterOf6,
    Server,
    Watched,
    free_ports,
    running,
    until,
    watched,
)


@pytest.fixture
def hub(tmp_path: Path) -> Workplace:
    """A furnished folder in which nothing is wrong."""
    return furnished(tmp_path)


def looked(place: Workplace, url: str, *words: str, ends: int = 0) -> set[tuple[str, str]]:
    """Where, and how to mend it, of all that is wrong with the store."""
    found: list[Json] = place.run(
        "doctor", "--hub-keys", "hub-keys", "--redis-url", url, *words, "--json", ends=ends
    ).json
    others = ("kernel", "not signed")
    told = [each for each in found if each["grade"] != "ok" and not any(word in each["found"] for word in others)]
    return {(each["about"], each["mend"]) for each in told}


@contextmanager
def set_to(server: Server, **settings: str) -> Iterator[str]:
    """The server's name, while it has these settings."""
    names = {name.replace("_", "-"): value for name, value in settings.items()}
    before = {name: server.says("CONFIG", "GET", name) for name in names}
    for name, value in names.items():
        server.says("CONFIG", "SET", name, value)
    yield f"127.0.0.1:{server.port}"
    for name, told in before.items():
        server.says("CONFIG", "SET", name, told[name] if isinstance(told, dict) else told[1])


LONE = "set in its configuration: min-replicas-to-write 1"
COVERAGE = "set in its configuration: cluster-require-full-coverage no"


def test_a_cluster(shared_cluster: ClusterOf6, hub: Workplace) -> None:
    """Each server is looked at: what is set wrongly on a replica or a primary is told with its address and its mend."""
    url = shared_cluster.emptied()
    shared_cluster.well()
    usual = {
        (f"{about} 127.0.0.1:{server.port}", mend)
        for server in shared_cluster.servers
        if server.info()["role"] == "master"
        for about, mend in (("replicas", LONE), ("cluster", COVERAGE))
    }
    assert looked(hub, url) == usual
    primary = next(each for each in shared_cluster.servers if each.info()["role"] == "master")
    replica = next(each for each in shared_cluster.servers if each.info()["role"] == "slave")
    with set_to(replica, appendfsync="everysec") as name:
        assert looked(hub, url, ends=1) - usual == {
            (f"durability {name}", "set in its configuration: appendfsync always")
        }
    with set_to(replica, cluster_replica_no_failover="yes") as name:
        mend = "set in its configuration: cluster-replica-no-failover no, replica-priority 100"
        assert looked(hub, url) - usual == {(f"replicas {name}", mend)}
    with set_to(primary, cluster_allow_reads_when_down="yes") as name:
        mend = "set in its configuration: cluster-allow-reads-when-down no"
        assert looked(hub, url, ends=1) - usual == {(f"cluster {name}", mend)}
    with set_to(primary, min_replicas_to_write="1", cluster_require_full_coverage="no") as name:
        assert usual - looked(hub, url) == {(f"replicas {name}", LONE), (f"cluster {name}", COVERAGE)}
    assert ("replicas", "give --replicas 1") in looked(hub, url, "--replicas", "0", ends=1)
    missing = {about for about, mend in looked(hub, url, "--replicas", "2", ends=1) if "start its replicas" in mend}
    assert len(missing) == 3


def test_one_server_whose_replicas_are_asked_for(hub: Workplace, tmp_path: Path) -> None:
    """A single address with --replicas: as many as were asked for must follow it."""
    server = Server(tmp_path / "server", free_ports(1)[0], DURABLE)
    with running([server]):
        url = f"redis://127.0.0.1:{server.port}"
        assert looked(hub, url) == set()
        wrong = {("replicas", "start its replicas, or give it more"), ("replicas", LONE)}
        assert looked(hub, url, "--replicas", "1", ends=1) == wrong


def test_sentinels(hub: Workplace, tmp_path: Path) -> None:
    """The pair is looked at as a cluster is; too few sentinels to agree are an error."""
    folder = tmp_path / "servers"
    folder.mkdir()
    with watched(folder) as pair:
        name = f"127.0.0.1:{pair.primary.port}"
        assert looked(hub, pair.url) == {(f"replicas {name}", LONE)}
        for sentinel in pair.sentinels[1:]:
            sentinel.kill()
        until(lambda: _cannot_agree(pair))
        assert ("sentinels", "start the missing ones: three, on three machines") in looked(hub, pair.url, ends=1)


def _cannot_agree(pair: Watched) -> bool:
    try:
        pair.sentinels[0].says("SENTINEL", "CKQUORUM", PRIMARY_NAME)
    except ResponseError:
        return True
    return False
