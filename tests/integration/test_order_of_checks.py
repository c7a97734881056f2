"""The order of protocol §4's checks: of all that is wrong with a post, the earliest step is told."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from broker.trust.keys import generate
from tests.integration.agencies import DYKE, LAO_POLICE, Json, Part, World, alert, claims
from tests.integration.asking import Ask, form_a, form_b, form_d, pushed
from tests.integration.in_process import Here, hub_here
from tests.integration.processes import Hub

MINUTES_10 = 600


def _wrong_from(step: int, world: World) -> Ask:
    """A post with a fault at this step and at every later one that it can have beside it."""
    part = Part(type="application/cap+xml")  # step 9: no CAP at all
    good_terms = step > 8
    event: Json = alert("@asean.disaster", tlp="green" if good_terms else "red")
    event["parts"] = [part.described()]
    if step <= 5:
        event["severity"] = "grave"
    issuer = LAO_POLICE if step == 6 else DYKE
    if step == 7:  # the part addressing stands in for the member, and cannot be read
        addressing = Part(b"{}", "application/vnd.interagency.addressing+json", "addressing")
        del event["addressing"]
        event["parts"].append(addressing.described())
        return form_d(world.signed(claims(event)), part, addressing)
    changes: Json = {}
    if step <= 4:
        changes["aud"] = "https://other.example"
    if step <= 3:
        changes["iat"] = claims(event)["iat"] - MINUTES_10
    if step == 0:
        changes["exp"] = 1
    key = generate() if step <= 1 else world.key(issuer, "expired" if step == 2 else "statement")
    token = world.signed(claims(event, issuer, **changes), key)
    return form_d(token, part)


CODES = {
    0: "malformed",
    1: "untrusted",
    2: "key-not-valid",
    3: "stale",
    4: "wrong-audience",
    5: "invalid-statement",
    6: "outside-mandate",
    7: "invalid-part",
    8: "terms",
    9: "invalid-part",
}
"""Framing, key, its validity, freshness, audience, schema, mandate, the part addressing, terms, other parts."""


@pytest.mark.parametrize("step", CODES)
def test_the_earliest_fault_is_told(step: int, hub: Hub, world: World) -> None:
    """Checks go in the order of protocol §4, whatever else is wrong with the post."""
    answer = _wrong_from(step, world).send(hub)
    assert answer.json()["code"] == CODES[step], answer.text


def test_the_part_addressing_comes_before_terms_and_other_parts_after(hub: Hub, world: World) -> None:
    """A part that cannot be read is told before the terms if it is the addressing, after them if it is another."""
    codes = {step: _wrong_from(step, world).send(hub).json() for step in (7, 8)}
    assert codes[7]["errors"][0]["path"].endswith("/parts/1")
    assert codes[8]["code"] == "terms"


def test_size_comes_before_everything(hub: Hub, world: World) -> None:
    """What is too large is not looked at: no key is needed to be told so."""
    event = alert(severity="grave", ext={"https://x.example/pad": "x" * 20_000})
    token = world.signed(claims(event, aud="x", exp=1), generate())
    assert form_b(token).send(hub).json()["code"] == "too-large"


# Seen before


@pytest_asyncio.fixture
async def here(own_world: World) -> AsyncIterator[Here]:
    """A hub whose clock can be moved."""
    async with hub_here(own_world) as one:
        yield one


async def test_the_same_bytes_long_after_have_the_first_answer(here: Here, own_world: World) -> None:
    """Seen before comes ahead of key, freshness and all that follows: the first answer, to the byte, however late."""
    part = Part()
    token = own_world.signed(claims(alert(parts=[part.described()])))
    asks = [form_a(token, part), form_d(token, part)]
    first = await here.send(asks[0])
    assert first.status_code == 202
    here.clock.ahead = timedelta(days=800)  # the key has ended, and the alert expired
    for ask in asks:
        again = await here.send(ask)
        assert (again.status_code, again.content) == (202, first.content)
    fresh = await here.send(form_d(own_world.signed(claims(alert()))))
    assert fresh.json()["code"] == "key-not-valid"


async def test_the_same_statement_signed_again_is_the_same_statement(here: Here, own_world: World) -> None:
    """The digest is over `header.payload`: a second signature over it changes nothing (protocol §2)."""
    es256 = "th.police"
    said = claims(alert("vn.mps.c02", domain="crime.trafficking"), es256)
    one, other = own_world.signed(said), own_world.signed(said)
    assert one != other  # ECDSA is not deterministic
    answers = [await here.send(form_b(token)) for token in (one, other)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content


async def test_a_set_that_comes_again_has_the_first_receipt(here: Here, own_world: World) -> None:
    """`POST /v1/sets` and form B are one door: the same statement, the same receipt."""
    token = own_world.signed(claims(alert()))
    first = await here.send(form_b(token))
    here.clock.ahead = timedelta(hours=3)
    again = await here.send(pushed(token))
    assert (again.status_code, again.content) == (202, b"")
    assert again.headers["alert-receipt"] == first.json()["receipt"]


async def test_a_second_statement_under_an_id_is_told_and_proven(here: Here, own_world: World) -> None:
    """Another digest under the same id: 409, a ledger entry with both statements, and the first stays as it was."""
    said = claims(alert())
    first, second = own_world.signed(said), own_world.signed({**said, "events": _other_event()})
    taken = await here.send(form_b(first))
    entries = await _entries(here)
    assert (await here.send(form_b(second))).json()["code"] == "conflict"
    (new,) = [entry for entry in await _entries(here) if entry not in entries]
    assert '"equivocation"' in new
    assert first in new
    assert second in new
    assert (await here.send(form_b(first))).content == taken.content


async def test_equivocation_is_found_although_the_second_could_not_be_accepted(here: Here, own_world: World) -> None:
    """Seen before comes ahead of freshness and policy: an old or forbidden second statement is a conflict too."""
    said = claims(alert())
    await here.send(form_b(own_world.signed(said)))
    second = own_world.signed({**said, "events": _other_event(tlp="red", to="@asean.disaster")})
    assert (await here.send(form_b(second))).json()["code"] == "conflict"
    here.clock.ahead = timedelta(hours=1)
    third = own_world.signed({**said, "events": _other_event(severity="minor")})
    assert (await here.send(form_b(third))).json()["code"] == "conflict"


async def test_a_forged_second_statement_proves_nothing(here: Here, own_world: World) -> None:
    """Both are validly signed, or it is `untrusted` and the ledger says nothing."""
    said = claims(alert())
    await here.send(form_b(own_world.signed(said)))
    entries = await _entries(here)
    forged = own_world.signed({**said, "events": _other_event()}, generate())
    assert (await here.send(form_b(forged))).json()["code"] == "untrusted"
    assert await _entries(here) == entries


async def test_a_refused_statement_is_not_seen(here: Here, own_world: World) -> None:
    """What was refused leaves nothing: mended and signed anew under the same id, it is taken."""
    said = claims(alert(severity="grave"))
    assert (await here.send(form_b(own_world.signed(said)))).json()["code"] == "invalid-statement"
    mended = own_world.signed({**said, "events": _other_event()})
    assert (await here.send(form_b(mended))).status_code == 202


async def test_parts_do_not_count_when_the_statement_was_seen(here: Here, own_world: World) -> None:
    """The digest of the statement decides, whatever stands beside it this time."""
    part = Part()
    token = own_world.signed(claims(alert(parts=[part.described()])))
    first = await here.send(form_d(token, part))
    again = await here.send(form_d(token, replace(part, data=b"something else")))
    assert (again.status_code, again.content) == (202, first.content)


def _other_event(to: str = "vn.moh", **changes: Any) -> Json:
    from schemas.statement import ALERT_EVENT

    return {ALERT_EVENT: alert(to, **{"severity": "extreme", **changes})}


async def _entries(here: Here) -> list[str]:
    """The payloads that wait for the ledger, but for the directory's own."""
    said = [entry.payload async for entry in here.hub.services.store.ledger.entries()]
    return [payload for payload in said if json.loads(payload)["type"] != "directory"]
