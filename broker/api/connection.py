"""One HTTP connection, bounded: in header bytes, in time, in what is read after an answer (protocol §4, RFC 9112 §9.6).

uvicorn's httptools protocol parses and serves; left alone it takes a header of any size and waits for ever.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from broker.api.problems import new_instance, problem_body, status_of
from broker.errors import Code, Refused

SLICE = 16_384
"""How much is parsed before the count of header bytes is looked at."""
LONGEST_LANGUAGES = 1_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of every connection: bytes and seconds."""

    headers: int = 32_768
    header_s: float = 10.0
    """From the first byte of a request, or the connection, to the end of its header."""
    look_s: float = 5.0
    """How often a body's progress, and a reader's, is looked at."""
    body_rate: int = 1_024
    """Bytes a second that a body must bring, once it was looked at."""
    unread_s: float = 30.0
    """How long an answer may wait for a reader that does not read."""
    linger_s: float = 2.0
    linger_bytes: int = 16 * 1024 * 1024
    connections: int = 2_048
    half_open: int = 512
    grace_s: float = 1.0
    """For a connection's first bytes to be read, before it makes room for others; past twice the number, none."""


@dataclass
class Counts:
    """What the guard sees, and whom it tells: these end or are refused without the application."""

    open: int = 0
    half_open: "OrderedDict[GuardedConnection, float]" = field(default_factory=OrderedDict)
    """Connections that wait for the end of a header, and since when (the loop's time)."""
    idle: "OrderedDict[GuardedConnection, None]" = field(default_factory=OrderedDict)
    """Connections that were answered and have not begun another request, the longest idle first."""
    cut: Callable[[str], None] = lambda _: None
    """A connection was ended, and why."""
    refused: Callable[[Code, str], None] = lambda *_: None
    """A request was refused: the code, and the instance that its poster was told."""


class _Transport:
    """The transport as uvicorn sees it: closing it leaves time for the client to read the answer."""

    def __init__(self, transport: asyncio.Transport, connection: "GuardedConnection") -> None:
        self._transport = transport
        self._connection = connection

    def close(self) -> None:
        self._connection.finish()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class GuardedConnection(HttpToolsProtocol):
    """`bounds` and `counts` are set on a subclass for each server (`guarded`)."""

    bounds: Bounds
    counts: Counts

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._real: asyncio.Transport | None = None
        self._header_bytes = 0
        self._stated_bytes = 0
        self._language: str | None = None
        """In which the client would read a refusal."""
        self._body_bytes = 0
        self._looked_bytes: int | None = None
        """Of the body that is being read, how much there was when it was last looked at; None: it began since."""
        self._answered_at: int | None = None
        """How much of the body had come when its answer was complete, if that was before its end."""
        self._unread_looks = 0
        self._in_body = False
        self._dispatched = False
        """Whether the request that is being read has a cycle, running or in the pipeline."""
        self._refusal: tuple[Code, str] | None = None
        """Of a request behind others whose answers go first."""
        self._ended = False
        self._lingering: int | None = None
        """Bytes read since the answer, while the client may still be writing."""
        self._header_timer: asyncio.TimerHandle | None = None
        self._look_timer: asyncio.TimerHandle | None = None

    # the connection begins and ends -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        self._real = transport
        self.counts.open += 1
        super().connection_made(_Transport(transport, self))  # type: ignore[arg-type]  # the same but for close
        if len(self.connections) > self.bounds.connections:
            self._make_room()
        self._await_header()
        self._look_timer = self.loop.call_later(self.bounds.look_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self.counts.open -= 1
        self.counts.idle.pop(self, None)
        self._header_complete()
        if self._look_timer is not None:
            self._look_timer.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server ends: who is being answered is answered first; a stream, which has no end, ends now."""
        super().shutdown()
        streaming = self._dispatched and not self.cycle.response_complete and self.cycle.chunked_encoding
        if streaming and self._real is not None:
            self._real.close()

    def _make_room(self) -> None:
        """One that was answered goes first (RFC 9112 §9.5), then the oldest with half a header, else this one."""
        self.counts.cut("connections")
        if self.counts.idle:
            self.counts.idle.popitem(last=False)[0].finish()
        else:
            next(iter(self.counts.half_open), self).cut()

    def _await_header(self) -> None:
        self._header_bytes = 0
        self._header_timer = self.loop.call_later(self.bounds.header_s, self._header_late)
        self.counts.half_open[self] = self.loop.time()
        if len(self.counts.half_open) > self.bounds.half_open:
            self._cut_oldest_half_open()

    def _cut_oldest_half_open(self) -> None:
        """Unless it has just begun: a burst of clients that mean it is read before anybody has to go."""
        oldest, since = next(iter(self.counts.half_open.items()))
        if self.loop.time() - since >= self.bounds.grace_s or len(self.counts.half_open) > 2 * self.bounds.half_open:
            self.counts.cut("half-open")
            oldest.cut()

    def _header_complete(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
        self.counts.half_open.pop(self, None)

    def _over(self) -> bool:
        unread = self._lingering is not None or self._refusal is not None
        return self._ended or unread or self.transport.is_closing()

    def _header_late(self) -> None:
        self.counts.cut("header-late")
        self.cut()

    # bytes come ---------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._lingering is not None or self._refusal is not None:
            self._discard(len(data))
            return
        view = memoryview(data)
        for start in range(0, len(data), SLICE):
            if self._over():
                return
            piece = view[start : start + SLICE]
            if not self._in_body:
                self._header_bytes += len(piece)
            super().data_received(bytes(piece))
            if not self._in_body and self._header_bytes > self.bounds.headers + SLICE:
                self._refuse("header-too-large", f"All headers together have at most {self.bounds.headers} bytes.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.counts.idle.pop(self, None)
        self._unset_keepalive_if_required()
        self._dispatched = False
        self._stated_bytes = 0
        self._language = None
        if self._header_timer is None:
            self._await_header()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._stated_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._stated_bytes += len(name) + len(value) + 4
        if name.lower() == b"accept-language":
            self._language = value[:LONGEST_LANGUAGES].decode("latin-1")
        if self._stated_bytes <= self.bounds.headers:
            super().on_header(name, value)
        elif self._lingering is None and self._in_body:
            self.cut()  # trailers without end

    def on_headers_complete(self) -> None:
        self._header_complete()
        self._in_body = True
        self._body_bytes = 0
        self._looked_bytes = None
        self._answered_at = None
        if self._stated_bytes > self.bounds.headers:
            self._refuse("header-too-large", f"All headers together have at most {self.bounds.headers} bytes.")
            return
        super().on_headers_complete()
        self._dispatched = True

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._answered_at is not None and self._body_bytes - self._answered_at > self.bounds.linger_bytes:
            self.cut()
        elif self._lingering is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        self._header_bytes = 0
        if self._lingering is None:
            super().on_message_complete()

    # an answer goes out ---------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        self._refuse("malformed", "This is no HTTP request that can be read in one way only.")

    def on_response_complete(self) -> None:
        """An answer that came before the end of its body: the rest is passed over for a while, and no further."""
        ours = self._real is not None and not self._real.is_closing()
        if self._refusal is not None and not self.pipeline:
            self._tell_refusal(*self._refusal)
            return
        if ours and self._in_body and self.cycle.response_complete and self._lingering is None:
            self._answered_at = self._body_bytes
            self.loop.call_later(self.bounds.linger_s, self._passed_over, self.cycle)
        super().on_response_complete()
        if not self._over() and not self._in_body and self.cycle.response_complete and self._header_timer is None:
            self.counts.idle[self] = None

    def _passed_over(self, answered: RequestResponseCycle) -> None:
        """The rest of its body did not come in time: the connection, which was to be kept, is not."""
        if self.cycle is answered and self._in_body and self._lingering is None and not self._ended:
            self._linger()

    def _refuse(self, code: Code, detail: str) -> None:
        """Answers without the application, in its turn, and ends the connection."""
        self._header_complete()
        if self._refusal is not None or self._lingering is not None:
            return
        if self._is_first():
            self._tell_refusal(code, detail)
        else:
            self._refusal = code, detail

    def _is_first(self) -> bool:
        """Whether the refused request is the next to be answered; if the application has it, it lets go of it."""
        if not (self._dispatched and self._in_body):
            return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]  # None at first
        if self.pipeline:
            self.pipeline.popleft()
            return False
        if self.cycle.response_started:
            self.cut()
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        return True

    def _tell_refusal(self, code: Code, detail: str) -> None:
        refused, instance = Refused(code, detail), new_instance()
        self.counts.refused(code, instance)
        body = problem_body(refused, self._language, instance)
        head = (
            f"HTTP/1.1 {status_of(refused)} {code}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        if self._real is not None and not self._real.is_closing():
            self._real.write(head.encode("ascii") + body)
            self._linger()

    def finish(self) -> None:
        """Ends the connection: at once when the request was read whole, else after lingering."""
        if self._real is None or self._real.is_closing():
            return
        if self._in_body and self._lingering is None:
            self._linger()
        elif self._lingering is None:
            self._real.close()

    def _linger(self) -> None:
        """Half-closes, so that a client still writing gets the answer and no reset (RFC 9112 §9.6)."""
        if self._real is None:
            return
        self._lingering = 0
        if self._real.can_write_eof():
            self._real.write_eof()
        self._real.resume_reading()
        self.loop.call_later(self.bounds.linger_s, self.cut)

    def _discard(self, size: int) -> None:
        self._lingering = (self._lingering or 0) + size
        if self._lingering > self.bounds.linger_bytes:
            self.cut()

    def eof_received(self) -> None:
        if self._lingering is not None and self._real is not None:
            self._real.close()

    def cut(self) -> None:
        """Ends the connection now."""
        self._header_complete()
        if self._real is not None and not self._real.is_closing():
            self._real.abort()

    # time passes ----------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Cuts a body that does not come, and a reader that does not read."""
        if self._real is None or self._real.is_closing():
            return
        waiting_for_body = self._in_body and self._lingering is None and not self.flow.read_paused
        before, self._looked_bytes = self._looked_bytes, self._body_bytes if waiting_for_body else None
        enough = self.bounds.body_rate * self.bounds.look_s
        if waiting_for_body and before is not None and self._body_bytes - before < enough:
            self.counts.cut("body-slow")
            self.cut()
            return
        self._unread_looks = self._unread_looks + 1 if self.flow.write_paused else 0
        if self._unread_looks * self.bounds.look_s >= self.bounds.unread_s:
            self.counts.cut("unread")
            self.cut()
            return
        self._look_timer = self.loop.call_later(self.bounds.look_s, self._look)


def guarded(bounds: Bounds, counts: Counts) -> type[GuardedConnection]:
    """The protocol class for one server."""
    return type("Guarded", (GuardedConnection,), {"bounds": bounds, "counts": counts})
