"""Server-sent events, parsed as the HTML standard says, and each alert on them verified in its place."""

import codecs
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import httpx2

from independent.checking import Failed, equal, holds
from independent.hub import Hub
from independent.reading import Chain, Reading, read

_LINE_END = re.compile(r"\r\n|\n|\r(?=[\s\S])")
_PATIENCE_S = 12.0


@dataclass(frozen=True)
class SentEvent:
    """One event; `id` is None when the event itself carried none."""

    id: str | None
    name: str
    data: str


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The stream's lines, ended by CR LF, LF or CR."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    text = ""
    for chunk in chunks:
        text += decoder.decode(chunk)
        while end := _LINE_END.search(text):
            yield text[: end.start()]
            text = text[end.end() :]


def events(chunks: Iterable[bytes]) -> Iterator[SentEvent]:
    """The events: an empty line dispatches what came before it, unless that had no data."""
    event_id: str | None = None
    name, data = "", list[str]()
    for line in lines(chunks):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield SentEvent(event_id, name or "message", "\n".join(data))
            event_id, name, data = None, "", []
        elif field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            event_id = value


@dataclass(frozen=True)
class Arrival:
    """An alert as it came by the stream: its cursor, and what it says."""

    cursor: str
    reading: Reading


class Stream:
    """One open connection. What it yields has been verified, its chain included."""

    def __init__(self, hub: Hub, subscription: str, response: httpx2.Response) -> None:
        media_type = response.headers["content-type"].partition(";")[0]
        equal("media type of a stream", "text/event-stream", media_type)
        self._hub = hub
        self._events = events(response.iter_bytes())
        self.chain = Chain(subscription)

    def next(self, name: str, patience: float = _PATIENCE_S) -> SentEvent:
        """The next event of this name."""
        give_up = time.monotonic() + patience
        try:
            for event in self._events:
                if event.name == name:
                    return event
                if time.monotonic() > give_up:
                    break
        except httpx2.ReadTimeout:
            pass
        raise Failed("stream", f"an event {name}", "none in time")

    def until(self, found: Callable[[Reading], bool]) -> list[Arrival]:
        """The alerts up to the first for which `found` holds, it included."""
        arrivals = list[Arrival]()
        while not arrivals or not found(arrivals[-1].reading):
            arrivals.append(self._alert([a.reading.id for a in arrivals]))
        return arrivals

    def take(self, *ids: str) -> list[Arrival]:
        """The alerts up to where all of these have come, others between them included."""
        missing = set(ids)

        def complete(reading: Reading) -> bool:
            missing.discard(reading.id)
            return not missing

        return self.until(complete)

    def _alert(self, so_far: list[str]) -> Arrival:
        try:
            event = self.next("alert")
        except Failed as failed:
            raise Failed("stream", "one more alert", f"none in time, after {so_far}") from failed
        holds("an alert's cursor", bool(event.id), "an id", event.id)
        holds("an alert's data", "\n" not in event.data, "one line", event.data)
        reading = read(self._hub, event.data)
        self.chain.follow(reading)
        return Arrival(str(event.id), reading)
