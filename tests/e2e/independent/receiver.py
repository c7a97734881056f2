"""A webhook endpoint on loopback, and what Standard Webhooks asks a receiver to check."""

import base64
import hashlib
import hmac
import queue
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

from independent.checking import Failed, equal, holds
from independent.hub import ENVELOPE, Hub
from independent.jose import holds as signed_by

Answer = tuple[int, dict[str, str]]
"""A status and headers."""

_TOLERANCE_S = 300


@dataclass(frozen=True)
class Call:
    """One request that arrived."""

    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Inbox:
    """A path of the receiver: answers as told, then with 204; keeps what came."""

    url: str
    answers: list[Answer]
    calls: "queue.Queue[Call]" = field(default_factory=queue.Queue)

    def next(self, seconds: float = 12.0) -> Call:
        """The next call."""
        try:
            return self.calls.get(timeout=seconds)
        except queue.Empty:
            raise Failed("webhook", "a call", f"none within {seconds} s") from None


class Receiver:
    """An HTTP server at the origin, with one inbox a check."""

    def __init__(self, origin: str) -> None:
        self._origin = origin.rstrip("/")
        self._inboxes: dict[str, Inbox] = {}
        place = urlsplit(origin)
        address = (place.hostname or "127.0.0.1", place.port or 80)
        self._server = ThreadingHTTPServer(address, self._handler())
        self._server.daemon_threads = True

    @contextmanager
    def listening(self) -> Iterator["Receiver"]:
        """Serves until the block ends."""
        thread = Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def inbox(self, *answers: Answer | int) -> Inbox:
        """A fresh path that gives these answers first."""
        path = f"/{uuid.uuid4()}"
        told = [answer if isinstance(answer, tuple) else (answer, {}) for answer in answers]
        self._inboxes[path] = Inbox(self._origin + path, told)
        return self._inboxes[path]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        inboxes = self._inboxes

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                inbox = inboxes.get(self.path)
                status, headers = (404, {}) if inbox is None else _answer(inbox)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()
                if inbox is not None:
                    names = {name.lower(): value for name, value in self.headers.items()}
                    inbox.calls.put(Call(names, body, time.time()))

            def log_message(self, format: str, *args: object) -> None:
                """Silent: the checks tell what matters."""

        return Handler


def _answer(inbox: Inbox) -> Answer:
    return inbox.answers.pop(0) if inbox.answers else (204, {})


def verify_v1a(hub: Hub, call: Call) -> None:
    """Standard Webhooks, asymmetric: one of the hub's webhook keys signed `id.timestamp.body`."""
    keys = [record["jwk"] for record in hub.about["keys"] if record["use"] == "webhook"]
    message = _signed(call)
    signatures = [base64.b64decode(text, validate=True) for text in _signatures(call, "v1a")]
    good = any(signed_by(key, message, signature) for key in keys for signature in signatures)
    holds("v1a signature", good, "one by a webhook key of discovery", call.headers["webhook-signature"])


def verify_v1(secret: str, call: Call) -> None:
    """Standard Webhooks, symmetric: HMAC-SHA256 by the secret told once."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    expected = base64.b64encode(hmac.digest(key, _signed(call), hashlib.sha256)).decode()
    holds("v1 signature", expected in _signatures(call, "v1"), expected, call.headers["webhook-signature"])


def _signed(call: Call) -> bytes:
    equal("media type of a webhook", ENVELOPE, call.headers["content-type"].partition(";")[0])
    timestamp = call.headers["webhook-timestamp"]
    holds("webhook-timestamp", abs(int(timestamp) - call.at) < _TOLERANCE_S, "within 5 minutes", timestamp)
    return f"{call.headers['webhook-id']}.{timestamp}.".encode() + call.body


def _signatures(call: Call, version: str) -> list[str]:
    pairs = (entry.split(",", 1) for entry in call.headers["webhook-signature"].split(" "))
    return [text for name, text in pairs if name == version]
