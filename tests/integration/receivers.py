"""Webhook endpoints on this machine, plain or over TLS, which take whatever comes."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.integration.agencies import Json
from tests.integration.asking import id_of


@dataclass
class Receiver:
    """What came, in the order in which it came."""

    origin: str
    taken: list[Json] = field(default_factory=list)
    status: int = 204
    """What it answers; only what it answered with 2xx counts as taken."""
    asked: int = 0
    """Requests so far, whatever was answered."""
    meanwhile: Callable[[], object] = lambda: None
    """What happens between a request and its answer."""

    def ids(self) -> list[str]:
        """Of the alerts."""
        return [id_of(envelope) for envelope in self.taken]


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """One that listens until the block ends."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.asked += 1
            status = receiver.status
            if 200 <= status < 300:
                receiver.taken.append(body)
            receiver.meanwhile()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.origin = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
