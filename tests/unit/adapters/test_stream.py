"""Server-sent events, step by step, to a reader who is played."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Event, Message
from adapters.stream import EventStream, frame
from tests.contract.adapters.shelf import Shelf, numbered

one_line = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])).map(str.encode)


@dataclass
class Reader:
    """The server's side of a connection: what was sent, and a reader who leaves or stalls when told."""

    bodies: list[bytes] = field(default_factory=list)
    started: Message | None = None
    ended: bool = False
    leaves_after: int | None = None
    """Messages; what is sent afterwards goes nowhere, and returns as if it had gone out, as ASGI has it."""
    stalls: bool = False
    raises: bool = False
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.left.is_set():
            if self.raises:
                raise BrokenPipeError
            return
        if message["type"] == "http.response.start":
            self.started = message
            return
        if len(self.bodies) == self.leaves_after:
            self.left.set()
            return
        if self.stalls and self.bodies:
            await asyncio.Event().wait()
        self.bodies.append(message["body"])
        self.ended = not message.get("more_body", False)

    async def reads(self, stream: EventStream) -> None:
        async with asyncio.timeout(10):
            await stream({}, self.receive, self.send)
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a task is left"


@given(cursor=st.integers(0), text=one_line)
def test_a_frame_is_read_back(cursor: int, text: bytes) -> None:
    """Reading an event as the HTML standard says gives the cursor and the same bytes."""
    lines = frame(Event(str(cursor), text)).split(b"\n")
    assert lines == [b"id: %d" % cursor, b"event: alert", b"data: " + text, b"", b""]


@pytest.mark.parametrize("text", [b"a\nid: 9", b"a\r", b"\n\n"])
def test_a_text_stays_in_its_line(text: bytes) -> None:
    """A text that would break out of its line is never sent."""
    with pytest.raises(ValueError, match="one line"):
        frame(Event("1", text))


async def test_written_is_delivered() -> None:
    """Each event that went out is told to the cursors, in order, before the next is asked for."""
    shelf, reader = Shelf(numbered(20), ends=True), Reader()
    await reader.reads(EventStream(shelf))
    assert shelf.told == numbered(20)
    assert reader.bodies[1:-1] == [frame(event) for event in numbered(20)]
    assert reader.ended
    assert reader.started is not None
    assert (b"content-type", b"text/event-stream") in reader.started["headers"]


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("after", [0, 1, 2, 5])
async def test_what_nobody_read_stays_owed(after: int, *, raises: bool) -> None:
    """Once the reader left, nothing is told as written, though a send to nobody returns like any other."""
    shelf, reader = Shelf(numbered(9)), Reader(leaves_after=after, raises=raises)
    await reader.reads(EventStream(shelf))
    assert shelf.told == numbered(9)[: max(after - 1, 0)]  # the first message is a comment


async def test_a_reader_who_stalls_is_left() -> None:
    """A reader who takes nothing for long is no longer waited for, and what it did not take stays owed."""
    shelf, reader = Shelf(numbered(3)), Reader(stalls=True)
    await reader.reads(EventStream(shelf, stalled_s=0.02))
    assert shelf.told == []


async def test_heartbeats_while_nothing_comes() -> None:
    """A heartbeat has no id, so that it does not move the place to resume after."""
    shelf, reader = Shelf(), Reader(leaves_after=4)
    await reader.reads(EventStream(shelf, heartbeat_s=0.01))
    assert reader.bodies[1:] == ['event: heartbeat\ndata: {"position":0,"proof":"…"}\n\n'.encode()] * 3


async def test_heartbeats_while_much_comes() -> None:
    """Events that come without pause do not keep heartbeats from their times."""
    shelf, reader = Shelf(numbered(3000), ends=True), Reader()
    await reader.reads(EventStream(shelf, heartbeat_s=0.001))
    assert shelf.told == numbered(3000)
    assert any(body.startswith(b"event: heartbeat") for body in reader.bodies)


async def test_what_fails_behind_is_not_hidden() -> None:
    """When the cursors fail, the connection ends with their error."""
    shelf, reader = Shelf(numbered(1), fails=RuntimeError("store away")), Reader()
    with pytest.raises(RuntimeError, match="store away"):
        await reader.reads(EventStream(shelf))
    assert shelf.told == numbered(1)
