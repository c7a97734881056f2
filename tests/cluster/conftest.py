"""One cluster for the tests of this folder that do not break it; the promises of `tests/contract/store` on it."""

from collections.abc import Callable, Iterator

import pytest
from redis.cluster import RedisCluster

from broker.ports.store import Store
from broker.store.in_redis import RedisStore
from tests.cluster.servers import ClusterOf6, cluster
from tests.contract.store.conftest import alert, attempt, opened, store, until

__all__ = ["alert", "attempt", "opened", "store", "until"]


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterOf6]:
    """Three primaries with a replica each."""
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def new_store(shared_cluster: ClusterOf6) -> Callable[[], Store]:
    """Makes a store, not yet opened, on an empty cluster; each write waits for a replica."""
    url = shared_cluster.emptied()
    return lambda: RedisStore(url)


@pytest.fixture
def address(shared_cluster: ClusterOf6) -> str:
    """Of the empty cluster."""
    return shared_cluster.emptied()


@pytest.fixture
def inside(address: str, shared_cluster: ClusterOf6) -> Iterator[RedisCluster]:
    """A look into the cluster, past the store."""
    server = shared_cluster.servers[0]
    with RedisCluster(host="127.0.0.1", port=server.port, decode_responses=True) as client:
        yield client
