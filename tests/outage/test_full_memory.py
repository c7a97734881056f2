"""Redis reaches its `maxmemory`: posts are refused, what was taken in drains, and more memory is all that is needed."""

from redis import Redis

from tests.integration.asking import accepted
from tests.integration.processes import Engine, serving, until
from tests.outage.conftest import Partner
from tests.outage.posting import Posters

FOR_A_HUB = 64 * 2**20


def test_posts_are_refused_and_deliveries_drain(store: Engine, partner: Partner) -> None:
    """Near `maxmemory` and beyond: 503 `busy` that names the memory; what waits is delivered meanwhile; then 202."""
    with serving(partner.world, REDIS_URL=store.url) as hub, Redis.from_url(store.url) as redis:
        subscription = partner.subscribe(hub)
        partner.set(hub, subscription, "paused")
        waiting = [accepted(hub, partner.world) for _ in range(30)]
        with Posters(hub, partner.world) as posters:
            used = redis.info("memory")["used_memory"]
            redis.config_set("maxmemory", int(used * 1.05))  # nearly full
            posters.refusals(5)
            redis.config_set("maxmemory", used // 2)  # overfull, as when it was filled by others
            for refused in posters.refusals(5):
                assert refused.json()["code"] == "busy"
                assert "its memory is nearly full" in refused.json()["detail"]
                assert int(refused.headers["retry-after"]) == 10
            assert "maxmemory" in hub.http.get("/readyz").json()["wrong"][0]
            partner.set(hub, subscription, "active")
            until(lambda: set(waiting) <= set(partner.receiver.ids()))
            redis.config_set("maxmemory", used + FOR_A_HUB)
            posters.go_on(20)
        until(lambda: set(posters.acknowledged) <= set(partner.receiver.ids()))
        assert redis.info("stats")["evicted_keys"] == 0
        assert hub.http.get("/readyz").status_code == 200
