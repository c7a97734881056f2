"""Redis is gone for good, and a backup takes its place: what is in it is served, the rest is lost, and this shows."""

import shutil
from pathlib import Path

from redis import Redis

from tests.integration.agencies import World, alert, claims
from tests.integration.asking import Ask, form_b, id_of
from tests.integration.processes import Engine, serving, until
from tests.outage.conftest import Partner


def back_up(store: Engine, to: Path) -> None:
    """As docs/operating.md says for a server that runs."""
    with Redis.from_url(store.url) as redis:
        redis.config_set("auto-aof-rewrite-percentage", 0)
        until(lambda: redis.info("persistence")["aof_rewrite_in_progress"] == 0)
        shutil.copytree(store.folder / "appendonlydir", to)
        redis.config_set("auto-aof-rewrite-percentage", 100)


def test_a_backup_is_served_and_what_it_lacks_shows(store: Engine, partner: Partner, tmp_path: Path) -> None:
    """What was accepted after the backup is forgotten, its positions are given again, and `previous` tells that."""
    early, late, after = (_ask(partner.world) for _ in range(3))
    with serving(partner.world, REDIS_URL=store.url) as hub:
        subscription = partner.subscribe(hub)
        first = early.send(hub)
        until(lambda: len(partner.receiver.taken) == 1)
        until(lambda: partner.waiting(hub, subscription) == 0)  # written down too, so it does not come again
        back_up(store, tmp_path / "backup")
        assert late.send(hub).status_code == 202
        until(lambda: len(partner.receiver.taken) == 2)
    store.kill()
    shutil.rmtree(store.folder)
    store.folder.mkdir()
    shutil.copytree(tmp_path / "backup", store.folder / "appendonlydir")
    store.start()
    with serving(partner.world, REDIS_URL=store.url) as hub:
        assert early.send(hub).content == first.content  # known: the same answer as before
        assert after.send(hub).status_code == 202
        until(lambda: len(partner.receiver.taken) == 3)
        lost, instead = partner.receiver.taken[1], partner.receiver.taken[2]
        assert id_of(instead) != id_of(lost)
        assert instead["hub"]["position"] == lost["hub"]["position"] == 2  # given twice, to other texts: …
        assert instead["hub"]["delivery"] != lost["hub"]["delivery"]
        assert instead["hub"]["previous"] == lost["hub"]["previous"]  # … and follows the first, not what came last
        again = late.send(hub)  # the issuer may send it anew
        assert again.status_code == 202
        until(lambda: len(partner.receiver.taken) == 4)
        assert id_of(partner.receiver.taken[3]) == id_of(lost)


def _ask(world: World) -> Ask:
    return form_b(world.signed(claims(alert())))
