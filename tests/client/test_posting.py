"""Posting: the same bytes until there is an answer, and never again what was refused."""

import pytest

from broker.client import AsyncClient, Content, Draft, Options, ProblemError, Retries, Signed, UnreachableError, sign
from broker.client.posting import request_for
from tests.client.made import AGENCY, EVENT, NETWORK, PARTS, World
from tests.client.scripted import QUICK, Scripted, Step

MAIN = {"main": Content(b"<alert/>", "application/xml")}
BUSY = {"code": "busy", "detail": "Later."}


@pytest.fixture
def world() -> World:
    """An agency and its key."""
    return World()


async def post(hub: Scripted, signed: Signed, form: str | None = None) -> str:
    """The id that was accepted."""
    async with AsyncClient(hub.url, options=QUICK) as client:
        return (await client.post(signed, form)).id


@pytest.mark.parametrize(
    "troubles",
    [
        [Step(cut=True)],
        [Step(cut=True), Step(cut=True)],
        [Step(503, BUSY, {"Retry-After": "0"})],
        [Step(429, BUSY, {"Retry-After": "0"})],
        [Step(503), Step(cut=True), Step(429, BUSY)],
        [Step(502), Step(504)],
    ],
    ids=["cut", "cut twice", "503", "429", "each", "a proxy's"],
)
@pytest.mark.parametrize("parts", [{}, MAIN, PARTS], ids=["B", "A", "D"])
async def test_no_answer_and_a_busy_hub(world: World, troubles: list[Step], parts: dict[str, Content]) -> None:
    """After a cut connection, a 503, a 429 or a proxy's 502 the same bytes go again, in whatever form."""
    signed = world.signed(parts)
    hub = Scripted(world, [])
    hub.steps = [*troubles, hub.accepted(signed.id)]
    async with hub.listening():
        assert await post(hub, signed) == signed.id
    assert len(hub.seen) == len(troubles) + 1
    kept = ("Alert-Statement", "Alert-Salt", "Content-Type")
    assert len({(what, body, *(headers.get(name) for name in kept)) for what, body, headers in hub.seen}) == 1


@pytest.mark.parametrize("status", [400, 403, 409, 413, 415, 422, 431, 500])
async def test_what_is_refused_is_not_sent_again(world: World, status: int) -> None:
    """A refusal is told at once, with code, paths and the instance to quote."""
    fault = {"path": "/events", "expected": "one event"}
    told = {"code": "terms", "detail": "Not so.", "errors": [fault], "instance": "urn:uuid:1"}
    hub = Scripted(world, [Step(status, told)])
    async with hub.listening():
        with pytest.raises(ProblemError) as why:
            await post(hub, world.signed())
    assert len(hub.seen) == 1
    problem = why.value
    assert (problem.code, problem.status, problem.instance) == ("terms", status, "urn:uuid:1")
    assert [(each.path, each.expected) for each in problem.errors] == [("/events", "one event")]


async def test_a_hub_that_stays_busy_is_told_in_the_end(world: World) -> None:
    """After the stated number of tries the last problem is raised; whoever signed can post the same bytes later."""
    hub = Scripted(world, [Step(503, BUSY)])
    async with hub.listening():
        with pytest.raises(ProblemError, match="busy: Later"):
            await post(hub, world.signed())
    assert len(hub.seen) == QUICK.retries.most


async def test_a_hub_that_is_not_there(world: World) -> None:
    """No answer at all is `unreachable`, after the tries."""
    async with Scripted(world, [Step()]).listening() as hub:
        gone = hub.url
    async with AsyncClient(gone, options=QUICK) as client:
        with pytest.raises(UnreachableError):
            await client.post(world.signed())


def test_a_long_wait_is_the_callers() -> None:
    """A Retry-After beyond the patience is told instead of waited for; a shorter one is kept to, and never undercut."""
    retries = Retries(patience_s=120)
    asked = ProblemError("busy", "Later.", status=503, retry_after=121)
    assert retries.wait(1, asked, repeatable=True) is None
    asked.retry_after = 7
    assert 7 <= (retries.wait(1, asked, repeatable=True) or 0) <= 7 + retries.first_s


@pytest.mark.parametrize(("tried", "most"), [(1, 1.0), (2, 2.0), (5, 16.0), (50, 30.0)])
def test_waits_double_up_to_a_bound(tried: int, most: float) -> None:
    """Without Retry-After the wait has full jitter below 1 s, 2 s, 4 s … 30 s."""
    retries = Retries(most=100)
    waits = [retries.wait(tried, UnreachableError("no"), repeatable=True) for _ in range(200)]
    assert all(wait is not None and 0 <= wait <= most for wait in waits)


def test_what_must_not_be_done_twice_is_not_repeated_without_an_answer() -> None:
    """Making a subscription is tried again when the hub says busy, not when it says nothing."""
    retries = Retries()
    assert retries.wait(1, UnreachableError("no"), repeatable=False) is None
    assert retries.wait(1, ProblemError("x", "y", status=502), repeatable=False) is None
    assert retries.wait(1, ProblemError("busy", "y", status=503), repeatable=False) is not None


@pytest.mark.parametrize(
    ("parts", "form", "fits"),
    [
        ({}, "B", {"B", "D"}),
        (MAIN, "A", {"A", "D"}),
        (PARTS, "D", {"D"}),
        ({"photo": MAIN["main"]}, "D", {"D"}),
    ],
)
def test_the_leanest_form_that_fits(world: World, parts: dict[str, Content], form: str, fits: set[str]) -> None:
    """Without parts B, with `main` alone A, else D; one that cannot hold the alert is a ValueError."""
    signed = world.signed(parts)
    lean = request_for(signed, 7000)
    assert lean == request_for(signed, 7000, form)
    for each in {"A", "B", "D", "Z"} - fits:
        with pytest.raises(ValueError, match=f"form {each}"):
            request_for(signed, 7000, each)


def test_a_statement_too_long_for_a_header(world: World) -> None:
    """Form A is left for D where the statement is longer than the hub's header limit."""
    signed = world.signed(MAIN)
    assert "Alert-Statement" in request_for(signed, len(signed.statement)).headers
    assert "Alert-Statement" not in request_for(signed, len(signed.statement) - 1).headers


def test_what_a_hub_would_refuse_is_told_before_it_is_signed(world: World) -> None:
    """A draft that the schema refuses is `invalid-statement`, with the path that the hub would name."""
    with pytest.raises(ProblemError) as why:
        sign(world.key, AGENCY, NETWORK, Draft(EVENT | {"severity": "huge"}))
    assert why.value.code == "invalid-statement"
    assert why.value.status is None
    assert [each.path.rpartition("/")[2] for each in why.value.errors] == ["severity"]


def test_hidden_addressing_is_a_part_of_its_own(world: World) -> None:
    """The statement then says nothing of who is addressed."""
    signed = sign(world.key, AGENCY, NETWORK, Draft(EVENT, PARTS, hide_addressing=True))
    assert signed.parts.keys() == {"main", "photo", "addressing"}
    assert "vn.moh" not in str(signed.claims)


async def test_a_url_that_is_no_hub(world: World) -> None:
    """Another web server is told apart from a hub."""
    hub = Scripted(world, [Step(200, {})])
    async with hub.listening(), AsyncClient(hub.url + "/elsewhere", options=QUICK) as client:
        with pytest.raises(ProblemError, match="is no hub's discovery"):
            await client.discover()


def test_options_have_a_bound() -> None:
    """By default a request is tried six times, and waits for no answer longer than 30 s."""
    assert (Options().timeout_s, Retries().most) == (30.0, 6)
