"""A real process against clients that break or bend HTTP: it stays small, serves others, and is as before after."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager

import httpx2
import pytest

from broker.settings import Limits
from tests.integration.agencies import HEALTH, World, alert, claims
from tests.integration.asking import ENVELOPE, STATEMENT, accepted, form_b, form_d, sign_in
from tests.integration.processes import Hub, serving, until
from tests.integration.raw import CHUNK, GIVE_UP_S, Line, dialled, head, one, split

MIB = 1 << 20
GROWTH = 48 * MIB
"""How much the process may grow under any of these: half of one header, of one body, or of what a reader is owed."""
BIG = {"Content_Type": ENVELOPE}


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, World]]:
    """A hub of these tests' own, warmed up, so that what it grows by is theirs."""
    world = World.make(tmp_path_factory.mktemp("besieged"))
    with serving(world) as hub:
        for _ in range(20):
            accepted(hub, world)
        yield hub, world


@asynccontextmanager
async def bounded(hub: Hub, world: World) -> AsyncIterator[None]:
    """Around an attack: others are served meanwhile; afterwards memory is as it was, and the connections are gone."""
    hub.http.close()
    hub.http = httpx2.Client(base_url=hub.url, trust_env=False, timeout=GIVE_UP_S)
    before, most = hub.memory(), 0
    over = asyncio.Event()

    async def serve_others() -> int:
        served = 0
        async with httpx2.AsyncClient(base_url=hub.url, trust_env=False, timeout=GIVE_UP_S) as others:
            while not (over.is_set() and served >= 3):
                ask = form_b(world.signed(claims(alert())))
                answer = await others.post(ask.path, headers=ask.headers, content=ask.body)
                assert answer.status_code == 202, answer.text
                served += 1
                nonlocal most
                most = max(most, hub.memory())
                await asyncio.sleep(0.05)
        return served

    others = asyncio.create_task(serve_others())
    try:
        yield
    finally:
        over.set()
        assert await others >= 3
    assert most - before < GROWTH
    await _quiet(hub)
    accepted(hub, world)
    assert hub.process.poll() is None


async def _quiet(hub: Hub) -> None:
    """No connection is left, by the system's count and by its own but for the one that asks."""
    hub.http.close()
    await asyncio.to_thread(until, lambda: hub.connections() == 0)
    hub.http = httpx2.Client(base_url=hub.url, trust_env=False, timeout=GIVE_UP_S)
    assert hub.figure("broker_connections") == 1
    assert hub.figure("broker_half_open_connections") == 0


# Too much


async def _pour(line: Line, most: int, data: bytes = CHUNK) -> int:
    """Writes until the other end has had enough: how many bytes went out."""
    sent = 0
    while sent < most and await line.say(data):
        sent += len(data)
    return sent


async def test_a_header_of_100_mb_is_refused_after_its_first_kilobytes(besieged: tuple[Hub, World]) -> None:
    """All headers together have at most 32 KiB (431), however much of them comes."""
    hub, world = besieged
    async with bounded(hub, world), dialled(hub.port) as line:
        await line.say(b"GET /healthz HTTP/1.1\r\nHost: hub\r\nX-Long: ")
        heard = asyncio.create_task(line.hear())
        sent = await _pour(line, 100 * MIB, b"a" * 65_536)
        assert sent < 40 * MIB
        assert one(await heard).status == 431


async def test_headers_without_end_are_refused(besieged: tuple[Hub, World]) -> None:
    """Many small header fields are as bounded as one that is long."""
    hub, world = besieged
    async with bounded(hub, world), dialled(hub.port) as line:
        await line.say(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n")
        heard = asyncio.create_task(line.hear())
        assert await _pour(line, 100 * MIB, b"X-Many: 1\r\n" * 5_000) < 40 * MIB
        assert one(await heard).status == 431


@pytest.mark.parametrize("framed", ["content-length", "chunked", "trailers"])
async def test_a_body_without_end_is_refused_and_cut(framed: str, besieged: tuple[Hub, World]) -> None:
    """Beyond the limit: 413 with `Connection: close`, read on for at most 16 MiB, and cut."""
    hub, world = besieged
    async with bounded(hub, world), dialled(hub.port) as line:
        if framed == "content-length":
            await line.say(head(**BIG, Content_Length=str(1 << 40)))
            data = CHUNK
        else:
            await line.say(head(**BIG, Transfer_Encoding="chunked"))
            data = b"10000\r\n" + CHUNK + b"\r\n"
        if framed == "trailers":
            await line.say(b"0\r\n")
            data = b"X-Trailer: 1\r\n" * 5_000
        heard = asyncio.create_task(line.hear())
        assert await _pour(line, 200 * MIB, data) < 60 * MIB
        if framed != "trailers":  # those only end the connection
            answer = one(await heard)
            assert (answer.status, answer.headers["connection"]) == (413, "close")


async def test_a_body_that_nobody_announced_is_no_body(besieged: tuple[Hub, World]) -> None:
    """Without Content-Length and Transfer-Encoding there is none (RFC 9112 §6.3): what follows is no request."""
    hub, world = besieged
    async with bounded(hub, world), dialled(hub.port) as line:
        await line.say(head(**BIG))
        heard = asyncio.create_task(line.hear())
        assert await _pour(line, 100 * MIB) < 40 * MIB
        assert {answer.status for answer in split(await heard)} == {400}


async def test_an_answer_before_the_body_keeps_the_connection_it_did_not_close(besieged: tuple[Hub, World]) -> None:
    """Without `Connection: close` in it, the rest of the body is passed over, and the next request is served."""
    hub, _ = besieged
    async with dialled(hub.port) as line:
        await line.say(head(**BIG, Content_Encoding="gzip", Content_Length="100000"))
        first = await line.answers(1)
        await line.say(bytes(100_000) + head("GET", "/healthz"))
        found = list(split(first + await line.answers(1)))
    assert [answer.status for answer in found] == [415, 200]
    assert "connection" not in found[0].headers


async def test_what_is_passed_over_is_bounded(besieged: tuple[Hub, World]) -> None:
    """Of a body whose answer is out, at most 16 MiB are read, and none for ever."""
    hub, world = besieged
    for path in ("/healthz", "/v1/subscriptions"):
        async with bounded(hub, world), dialled(hub.port) as line:
            await line.say(head(path=path, Content_Length=str(1 << 40)))
            heard = asyncio.create_task(line.hear())
            assert await _pour(line, 200 * MIB) < 60 * MIB
            assert one(await heard).status in (401, 404)


async def test_who_writes_first_and_reads_then_finds_the_refusal(besieged: tuple[Hub, World]) -> None:
    """The answer to a request that is too large can be read after all of it was written (RFC 9112 §9.6)."""
    hub, world = besieged
    async with bounded(hub, world):
        for size in (5 * MIB, 12 * MIB):
            async with dialled(hub.port) as line:
                assert await line.say(head(**BIG, Content_Length=str(size)))
                await _pour(line, size)
                answer = one(await line.hear())
                assert (answer.status, answer.headers["connection"]) == (413, "close")


# Too slow


async def _drip(line: Line, text: bytes) -> None:
    """One byte a second until the other end has had enough."""
    for byte in text:
        if not await line.say(bytes([byte])) or line.reader.at_eof():
            return
        await asyncio.sleep(1)
    raise AssertionError("it was let on")


async def test_one_byte_a_second_is_cut_and_others_are_served(besieged: tuple[Hub, World]) -> None:
    """A header has ten seconds, and a body must keep coming; who is slower is cut, by whatever part of a request."""
    hub, world = besieged
    long_header, slow_body = head(X_Slow="a" * 100), head(**BIG, Content_Length="100000")
    async with bounded(hub, world), contextlib.AsyncExitStack() as stack:

        async def slow(first: bytes, then: bytes) -> None:
            line = await stack.enter_async_context(dialled(hub.port))
            await line.say(first)
            ended = asyncio.create_task(line.hear())
            await _drip(line, then)
            await ended

        chunked = head(**BIG, Transfer_Encoding="chunked")
        async with asyncio.TaskGroup() as group:
            for first, then in (
                (b"", long_header),
                (long_header[:40], b"b" * 100),
                (slow_body, b"c" * 100),
                (chunked + b"100\r\n", b"d" * 100),
                (chunked, b"1;" + b"e" * 100),
                (head("GET", "/healthz") * 2, long_header),
            ):
                for _ in range(8):
                    group.create_task(slow(first, then))


async def test_a_body_that_has_just_begun_is_not_slow(hub: Hub, world: World) -> None:
    """Whenever the connection is looked at, a small body has the time that a large one has: here each comes a second
    after its header, one after the other on one connection, for longer than it takes until somebody looks.
    """
    async with dialled(hub.port) as line:
        for _ in range(7):
            body = world.signed(claims(alert())).encode()
            await line.say(head(Content_Type=STATEMENT, Content_Length=str(len(body))))
            await asyncio.sleep(1)
            await line.say(body)
            assert one(await line.answers(1)).status == 202


async def test_a_thousand_half_open_connections_keep_nobody_out(besieged: tuple[Hub, World]) -> None:
    """Of connections that wait for the end of a header 512 are kept; in a burst twice as many, and then the newest."""
    hub, world = besieged
    async with bounded(hub, world), contextlib.AsyncExitStack() as stack:
        lines = []
        for _ in range(1_500):
            lines.append(await stack.enter_async_context(dialled(hub.port)))
            await lines[-1].say(b"POST /v1/alerts HTTP/1.1\r\nHost: hub\r\nX-Half:")
        assert hub.figure("broker_half_open_connections") <= 1_024
        await asyncio.gather(*(line.hear() for line in lines))  # the others after ten seconds
    assert hub.figure("broker_connections_cut_total", why="half-open") >= 1_500 - 1_024


# More than one request


async def test_pipelined_requests_are_answered_in_their_order(besieged: tuple[Hub, World]) -> None:
    """Requests that come together are answered one after the other (RFC 9112 §9.3.2)."""
    hub, world = besieged
    tokens = [world.signed(claims(alert())) for _ in range(5)]
    posts = [head(Content_Type=STATEMENT, Content_Length=str(len(token))) + token.encode() for token in tokens]
    async with bounded(hub, world), dialled(hub.port) as line:
        await line.say(b"".join(post + head("GET", "/healthz") for post in posts))
        found = list(split(await line.answers(10)))
    assert [answer.status for answer in found] == [202, 200] * 5
    ids = [claims_of(token) for token in tokens]
    assert [answer.body.find(id_.encode()) > 0 for answer, id_ in zip(found[::2], ids, strict=True)] == [True] * 5


async def test_a_pipelined_request_that_is_refused_waits_for_its_turn(besieged: tuple[Hub, World]) -> None:
    """The refusal of a later request is never the answer to an earlier one, whichever of its bytes is refused."""
    hub, world = besieged
    wrong = [
        b"GET /healthz HTTP/1.1\nHost: hub\n\n",
        head("GET", "/healthz", X_Long="a" * 40_000),
        head(**BIG, Transfer_Encoding="chunked") + b"z\r\n",
    ]
    for after in wrong:
        token = world.signed(claims(alert()))
        async with dialled(hub.port) as line:
            await line.say(head(Content_Type=STATEMENT, Content_Length=str(len(token))) + token.encode() + after)
            found = list(split(await line.hear()))
        assert [answer.status for answer in found] in ([202, 400], [202, 431])
    assert not [line for line in hub.lines() if line.get("level") in ("error", "critical")]


async def test_a_pipelined_body_may_come_later(besieged: tuple[Hub, World]) -> None:
    """The answer to one request does not end the connection in the middle of the next."""
    hub, world = besieged
    one_, two = (world.signed(claims(alert())).encode() for _ in range(2))
    length = str(len(two))
    async with dialled(hub.port) as line:
        await line.say(head(Content_Type=STATEMENT, Content_Length=str(len(one_))) + one_)
        await line.say(head(Content_Type=STATEMENT, Content_Length=length) + two[:100])
        first = await line.answers(1)
        await line.say(two[100:])
        found = list(split(first + await line.answers(1)))
    assert [answer.status for answer in found] == [202, 202]


def claims_of(token: str) -> str:
    """The id in a token."""
    from broker.trust import jws

    return str(jws.frame_statement(token).claims["jti"])


POSTED = b"POST /healthz HTTP/1.1\r\nHost: hub\r\n"
ASKED = b"GET /healthz HTTP/1.1\r\nHost: hub\r\n"
CHUNKED = POSTED + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /readyz HTTP/1.1\r\nHost: hub\r\n\r\n"
AMBIGUOUS = {
    "both lengths": POSTED + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": POSTED + b"Content-Length: 0\r\nContent-Length: 35\r\n\r\n",
    "a list of lengths": POSTED + b"Content-Length: 0, 35\r\n\r\n",
    "a signed length": POSTED + b"Content-Length: +0\r\n\r\n",
    "a length in hex": POSTED + b"Content-Length: 0x0\r\n\r\n",
    "chunked not last": POSTED + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "an unknown coding": POSTED + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a folded header": ASKED + b"X-A: 1\r\n Content-Length: 35\r\n\r\n",
    "a folded first header": b"GET /healthz HTTP/1.1\r\n Host: hub\r\n\r\n",
    "white space before the colon": POSTED + b"Content-Length : 35\r\n\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: hub\n\n",
    "a bare line feed in a header": b"GET /healthz HTTP/1.1\r\nHost: hub\nX-A: 1\r\n\r\n",
    "a bare carriage return": ASKED + b"X-A: 1\rContent-Length: 35\r\n\r\n",
    "a NUL in a header": ASKED + b"X-A: 1\x00\r\n\r\n",
    "a chunk size too many": CHUNKED + b"100000000000000000\r\n",
    "a chunk longer than said": CHUNKED + b"1\r\nabc\r\n0\r\n\r\n",
    "a chunk line ended by a line feed": CHUNKED + b"0\n\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n",
}


@pytest.mark.parametrize("shape", AMBIGUOUS)
async def test_what_can_be_read_in_two_ways_is_refused_and_what_follows_is_not_read(
    shape: str, besieged: tuple[Hub, World]
) -> None:
    """A request whose end two parsers could see at two places is 400 and the end of its connection (RFC 9112 §11.2)."""
    hub, _ = besieged
    async with dialled(hub.port) as line:
        await line.say(AMBIGUOUS[shape] + SMUGGLED)
        found = list(split(await line.hear()))
    assert [answer.status for answer in found] in ([400], [404, 400]), found  # 404: the part before it was a request
    assert found[-1].headers["connection"] == "close"


# Leaving early


async def test_who_leaves_in_the_middle_of_a_body_leaves_nothing(besieged: tuple[Hub, World]) -> None:
    """A post whose sender goes away before its end is none: no alert, no connection, no traceback."""
    hub, world = besieged
    ask = form_d(world.signed(claims(alert())))
    async with bounded(hub, world):
        for gone in (1, len(ask.body) // 2, len(ask.body) - 1):
            async with dialled(hub.port) as line:
                await line.say(head(**BIG, Content_Length=str(len(ask.body))) + ask.body[:gone])
        await _quiet_but_for_others(hub)
    assert form_d_is_new(hub, ask.body)
    assert not [line for line in hub.lines() if line.get("level") in ("error", "critical")]


def form_d_is_new(hub: Hub, body: bytes) -> bool:
    """Whether these bytes are taken now for the first time."""
    repeated = hub.figure("broker_repeated_total")
    assert hub.http.post("/v1/alerts", content=body, headers={"Content-Type": ENVELOPE}).status_code == 202
    return hub.figure("broker_repeated_total") == repeated


async def _quiet_but_for_others(hub: Hub) -> None:
    """At most the one that posts meanwhile and the one that asks."""
    await asyncio.to_thread(until, lambda: hub.connections() <= 2)


async def test_readers_that_vanish_leave_no_connection(besieged: tuple[Hub, World]) -> None:
    """A stream whose reader goes away without a word ends; what it had not written comes to the next one."""
    hub, world = besieged
    reader = sign_in(hub, world, HEALTH)
    subscription = reader.subscribe()
    async with bounded(hub, world), contextlib.AsyncExitStack() as stack:
        path = f"/v1/subscriptions/{subscription}/stream"
        for _ in range(Limits().streams):
            line = await stack.enter_async_context(dialled(hub.port))
            await line.say(head("GET", path, **reader.headers("GET", path)))
            await _until_told(line, b": connected")
    last = accepted(hub, world)
    with ExitStack() as open_:
        envelopes = open_.enter_context(reader.stream(subscription))
        ids = (claims_of(envelope["statement"]) for envelope in envelopes)
        assert last in ids
    reader.call("DELETE", f"/v1/subscriptions/{subscription}")
    await _quiet(hub)


async def _until_told(line: Line, text: bytes) -> None:
    heard = b""
    async with asyncio.timeout(GIVE_UP_S):
        while text not in heard:
            heard += await line.reader.read(4_096)


async def test_a_reader_that_does_not_read_holds_no_memory(besieged: tuple[Hub, World]) -> None:
    """What waits for a reader that does not read stays in the store, whatever it is owed."""
    hub, world = besieged
    reader = sign_in(hub, world, HEALTH)
    subscription = reader.subscribe()
    path = f"/v1/subscriptions/{subscription}/stream"
    async with dialled(hub.port) as line:
        await line.say(head("GET", path, **reader.headers("GET", path)))
        await _until_told(line, b": connected")
        before = hub.memory()
        await _accept_large(hub, world, 60)
        assert hub.memory() - before < GROWTH
    reader.call("DELETE", f"/v1/subscriptions/{subscription}")
    await _quiet(hub)


async def _accept_large(hub: Hub, world: World, count: int) -> None:
    """So many alerts with a part of nearly a megabyte."""
    from tests.integration.agencies import Part

    part = Part(bytes(MIB - 1), "application/octet-stream")
    event = alert(parts=[part.described()])
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False, timeout=GIVE_UP_S) as http:
        for _ in range(count):
            ask = form_d(world.signed(claims(event)), part)
            answer = await http.post(ask.path, content=ask.body, headers=ask.headers)
            assert answer.status_code == 202
