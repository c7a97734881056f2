"""`busy` and readiness: what a hub says while its store is away, and that the same bytes are taken afterwards."""

import asyncio
from collections.abc import Iterator

import httpx2
import pytest

from tests.integration.agencies import CONTENT, HEALTH, Part, World, alert, claims
from tests.integration.asking import Ask, accepted, form_a, form_b, form_d, pushed, sign_in
from tests.integration.processes import Engine, Hub, serving, until

MANY, LARGE = 30, 1_000_000
"""Posts of three such parts: half as much again as may wait for a write (64 MiB)."""


@pytest.fixture
def hub(own_world: World, own_engine: Engine) -> Iterator[Hub]:
    """A hub whose store the test can stop."""
    with serving(own_world, REDIS_URL=own_engine.url) as one:
        yield one


def test_a_store_that_is_gone_is_told_as_busy_by_every_form(hub: Hub, own_world: World, own_engine: Engine) -> None:
    """503 `busy` with `Retry-After`, not ready but alive; the same bytes are taken once the store is back."""
    part = Part()
    with_part = own_world.signed(claims(alert(parts=[part.described()])))
    tokens = [own_world.signed(claims(alert())) for _ in range(2)]
    asks = [form_a(with_part, part), form_b(tokens[0]), form_d(tokens[1]), pushed(own_world.signed(claims(alert())))]
    reader = sign_in(hub, own_world, HEALTH)
    own_engine.stop()
    for ask in asks:
        for language, word in (("en", "durably"), ("vi", "Trạm")):
            answer = ask.send(hub, Accept_Language=language)
            assert answer.status_code == 503, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) >= 1
            assert (answer.json()["code"], answer.json()["status"]) == ("busy", 503)
            assert word in answer.json()["detail"]
    assert reader.call("GET", "/v1/subscriptions").json()["code"] == "busy"
    assert hub.figure("broker_refused_total", code="busy") == 9
    not_ready = hub.http.get("/readyz")
    assert not_ready.status_code == 503
    assert not_ready.json()["wrong"][0].startswith("store: ")
    assert hub.http.get("/healthz").status_code == 200
    assert hub.http.get("/.well-known/interagency-hub").status_code == 200
    own_engine.start()
    until(lambda: hub.http.get("/readyz").status_code == 200)
    assert [ask.send(hub).status_code for ask in asks] == [202] * 4
    assert CONTENT not in hub.log.read_text("utf-8")


def test_what_was_taken_before_the_store_went_away_is_still_there(
    hub: Hub, own_world: World, own_engine: Engine
) -> None:
    """A 202 outlives the store's end: the same bytes have the same answer."""
    ask = form_b(own_world.signed(claims(alert())))
    first = ask.send(hub)
    own_engine.stop()
    own_engine.start()
    until(lambda: hub.http.get("/readyz").status_code == 200)
    again = ask.send(hub)
    assert (again.status_code, again.content) == (202, first.content)


async def test_too_much_that_waits_is_refused_at_once_and_nobody_waits_for_ever(
    hub: Hub, own_world: World, own_engine: Engine
) -> None:
    """Behind a store that does not answer only so much waits; all are told `busy`, when to come again, and can."""
    parts = [Part(bytes(LARGE), "application/octet-stream", f"part-{number}") for number in range(3)]
    event = alert(parts=[part.described() for part in parts])
    asks = [form_d(own_world.signed(claims(event)), *parts) for _ in range(MANY)]
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False, timeout=60) as http:

        async def post(ask: Ask) -> httpx2.Response:
            return await http.post(ask.path, content=ask.body, headers=ask.headers)

        own_engine.freeze()
        answers = await asyncio.gather(*map(post, asks))
        own_engine.go_on()
        assert {answer.status_code for answer in answers} == {503}
        assert {answer.json()["code"] for answer in answers} == {"busy"}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
        assert [answer for answer in answers if "more to write" in answer.json()["detail"]]
        await asyncio.to_thread(until, lambda: hub.http.get("/readyz").status_code == 200)
        assert {(await post(ask)).status_code for ask in asks[::6]} == {202}
    accepted(hub, own_world)
