"""A fault of the hub itself is told as a problem, and found again by its instance."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from broker.store.keys import Partition, partition_of
from tests.integration.agencies import DYKE, World, alert, claims
from tests.integration.asking import accepted, form_b, sign_in
from tests.integration.processes import Engine, Hub, serving


@dataclass(frozen=True)
class Place:
    """A hub, and the store that a test can damage."""

    hub: Hub
    world: World
    store: Engine


@pytest.fixture
def place(tmp_path: Path, own_engine: Engine) -> Iterator[Place]:
    """All roles in one process."""
    world = World.make(tmp_path)
    with serving(world, REDIS_URL=own_engine.url) as hub:
        yield Place(hub, world, own_engine)


def test_a_fault_is_a_problem(place: Place) -> None:
    """A record that cannot be read is answered with 500 as RFC 9457 has it, and its instance stands in the log."""
    id_ = accepted(place.hub, place.world)
    caller = sign_in(place.hub, place.world, DYKE)
    with Redis.from_url(place.store.url) as redis:
        redis.set(Partition(partition_of(id_, 4)).alert(id_), "what no release of ours has written")
    answer = caller.call("GET", f"/v1/alerts/{id_}")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["type"], told["status"]) == ("about:blank", 500)
    assert [line["why"] for line in place.hub.lines() if line.get("instance") == told["instance"]] == [
        "ValidationError"
    ]
    assert place.hub.http.get("/healthz").status_code == 200


def test_inspectors_find_who_was_claimed(place: Place) -> None:
    """Of what was refused, the issuer as claimed stands in the log beside code and time, where it is an agency's id."""
    forged = place.world.signed(claims(alert()))[:-8] + "AAAAAAAA"
    assert form_b(forged).send(place.hub).status_code == 403
    assert form_b("a.b.c").send(place.hub).status_code == 400
    strange = place.world.signed(claims(alert(), issuer=DYKE, iss="<script>"), key=place.world.key(DYKE))
    assert form_b(strange).send(place.hub).status_code == 400
    lines = [line for line in place.hub.lines() if line["event"] == "refused"]
    assert [(line["code"], line["claimed"]) for line in lines] == [
        ("untrusted", DYKE),
        ("malformed", None),
        ("malformed", None),
    ]
