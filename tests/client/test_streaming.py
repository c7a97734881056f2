"""Following a stream: verified, in its chain, and on after every break."""

from itertools import islice

import pytest

from broker.client import AsyncClient, Client, NotVerified, ProblemError, Received
from broker.trust.jws import digest_of
from broker.trust.keys import generate
from tests.client.made import AGENCY, SUBSCRIPTION, World, text
from tests.client.scripted import QUICK, Scripted, Step, event, heartbeat


@pytest.fixture
def world() -> World:
    """An agency and a hub."""
    return World()


def chain(world: World, count: int) -> list[str]:
    """So many deliveries, each naming the one before."""
    texts: list[str] = []
    for position in range(1, count + 1):
        previous = digest_of(texts[-1].encode()) if texts else None
        texts.append(text(world.envelope(world.signed(), position=position, previous=previous)))
    return texts


async def received(hub: Scripted, count: int) -> list[tuple[str, Received]]:
    """The first so many."""
    got: list[tuple[str, Received]] = []
    async with hub.listening(), AsyncClient(hub.url, AGENCY, None, generate(), options=QUICK) as client:
        stream = client.stream(SUBSCRIPTION)
        async for each in stream:
            got.append(each)
            if len(got) == count:
                break
        await stream.aclose()
    return got


async def test_it_goes_on_where_it_was(world: World) -> None:
    """A connection that breaks after each event is opened again with the cursor of the last: no gap, no repeat."""
    texts = chain(world, 4)

    def one(cursor: str | None) -> list[str]:
        number = int((cursor or "c0")[1:])
        return event(f"c{number + 1}", texts[number])

    hub = Scripted(world, [Step()], events=one)
    got = await received(hub, 4)
    assert [cursor for cursor, _ in got] == ["c1", "c2", "c3", "c4"]
    assert [each.hub.position for _, each in got] == [1, 2, 3, 4]
    assert hub.cursors == [None, "c1", "c2", "c3"]


async def test_a_hub_that_is_busy_is_waited_for(world: World) -> None:
    """A 503 in the place of a stream is tried again."""
    texts = chain(world, 1)
    hub = Scripted(world, [Step(503, {"code": "busy"}), Step(202)], events=lambda _: event("c1", texts[0]))
    assert len(await received(hub, 1)) == 1
    assert hub.cursors == [None, None]


async def test_a_cursor_that_is_gone_is_told(world: World) -> None:
    """A 410 is not tried again: what is no longer kept is the reader's to ask for otherwise."""
    hub = Scripted(world, [Step(410, {"code": "gone", "detail": "No longer kept."})])
    with pytest.raises(ProblemError, match="gone"):
        await received(hub, 1)
    assert len(hub.cursors) == 1


async def test_a_broken_chain_is_noticed(world: World) -> None:
    """A delivery that does not name the text before it ends the stream."""
    first, second = chain(world, 1)[0], text(world.envelope(world.signed(), position=2, previous="sha256:" + "1" * 64))
    hub = Scripted(world, [Step()], events=lambda _: event("c1", first) + event("c2", second))
    with pytest.raises(NotVerified, match="does not name the text at position 1"):
        await received(hub, 2)


async def test_a_heartbeat_of_another_history_is_noticed(world: World) -> None:
    """Where the hub signs another last text than the one that came, reader and hub do not have the same."""
    [first, second] = chain(world, 2)
    true, false = world.heartbeat(1, digest_of(first.encode())), world.heartbeat(1, "sha256:" + "1" * 64)
    hub = Scripted(world, [Step()], events=lambda _: event("c1", first) + heartbeat(1, true) + event("c2", second))
    assert len(await received(hub, 2)) == 2
    hub = Scripted(world, [Step()], events=lambda _: event("c1", first) + heartbeat(1, false) + event("c2", second))
    with pytest.raises(NotVerified, match="another text at position 1"):
        await received(hub, 2)


async def test_a_heartbeat_that_the_hub_did_not_sign(world: World) -> None:
    """A heartbeat is verified like everything else."""
    [first] = chain(world, 1)
    forged = World().heartbeat(1, None)
    hub = Scripted(world, [Step()], events=lambda _: heartbeat(1, forged) + event("c1", first))
    with pytest.raises(NotVerified, match="not in the directory"):
        await received(hub, 1)


async def test_what_cannot_be_verified_ends_the_stream(world: World) -> None:
    """A delivery whose key the hub does not know, or that was made for another subscription, is never yielded."""
    other = World()
    hub = Scripted(world, [Step()], events=lambda _: event("c1", text(other.envelope(other.signed()))))
    with pytest.raises(NotVerified, match="not in the directory"):
        await received(hub, 1)
    wrong = text(world.envelope(world.signed(), subscription="sub_other"))
    hub = Scripted(world, [Step()], events=lambda _: event("c1", wrong))
    with pytest.raises(NotVerified, match="another subscription"):
        await received(hub, 1)


async def test_both_clients_have_the_same_words() -> None:
    """What AsyncClient can do, Client can do under the same name."""
    words = [{name for name in vars(each) if not name.startswith("_")} for each in (AsyncClient, Client)]
    assert words[0] == words[1]


def test_the_plain_client_follows_too(world: World) -> None:
    """Without an event loop the same stream is an iterator, which can be left at any time."""
    import asyncio
    import threading

    texts = chain(world, 2)
    hub = Scripted(world, [Step()], events=lambda _: event("c1", texts[0]) + event("c2", texts[1]))
    began, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with hub.listening():
            began.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert began.wait(20)
        with Client(hub.url, AGENCY, None, generate(), options=QUICK) as client:
            got = list(islice(client.stream(SUBSCRIPTION), 2))
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
    assert [each.hub.position for _, each in got] == [1, 2]
