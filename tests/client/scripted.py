"""A hub that answers as a test says: a real HTTP server, so that dropped connections are real ones."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from broker.client import Options, Retries
from tests.client.made import HUB, NETWORK, World

Json = dict[str, Any]
QUICK = Options(timeout_s=10, retries=Retries(first_s=0.01, longest_s=0.02))


@dataclass
class Step:
    """One answer: a status, or the connection cut once the request was read."""

    status: int = 202
    body: Json = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Scripted:
    """`steps` are answered one after the other, the last one for ever; `seen` is what came."""

    world: World
    steps: list[Step]
    seen: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    tokens: list[Json] = field(default_factory=list)
    lives_s: int = 600
    events: Callable[[str | None], list[str]] = lambda _: []
    """The lines of one stream, by its Last-Event-ID; then the stream breaks off."""
    cursors: list[str | None] = field(default_factory=list)
    url: str = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Scripted"]:
        """On any free port of this machine."""
        runner = web.AppRunner(self._app())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    def accepted(self, id_: str) -> Step:
        """A 202 for it."""
        entry = {"salt": "s", "payload": "{}"}
        told = {"id": id_, "statement": "sha256:" + "0" * 64, "accepted_at": "2026-11-22T01:00:00.000Z"}
        return Step(202, told | {"state": "accepted", "receipt": "a.b.c", "entry": entry})

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/interagency-hub", self._discovery)
        app.router.add_get("/v1/directory/keys/{kid}", self._key)
        app.router.add_post("/oauth/token", self._token)
        app.router.add_get("/v1/subscriptions/{id}/stream", self._stream)
        app.router.add_route("*", "/{rest:.*}", self._answer)
        return app

    async def _discovery(self, _: web.Request) -> web.Response:
        sizes = {"statement": 16384, "statement_header": 7000, "part": 1048576, "envelope": 4194304}
        return web.json_response(
            {
                "hub": HUB,
                "network": NETWORK,
                "issuer": self.url,
                "versions": [1],
                "algorithms": ["Ed25519"],
                "limits": sizes | {"lines": 1000, "batch": 8388608, "headers": 32768},
                "directory": {"version": 1, "digest": "sha256:" + "0" * 64},
                "keys": [],
                "log": "vn.hub+00000000+AA",
                "token_endpoint": f"{self.url}/oauth/token",
            }
        )

    async def _key(self, request: web.Request) -> web.Response:
        record = self.world.records.get(request.match_info["kid"])
        if record is None:
            return web.json_response({"code": "not-found", "detail": "Not listed."}, status=404)
        return web.json_response(record.model_dump(mode="json"))

    async def _token(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        self.tokens.append(form | {"dpop": request.headers["DPoP"], "at": time.monotonic()})
        told = {"access_token": f"token-{len(self.tokens)}", "token_type": "DPoP", "expires_in": self.lives_s}
        return web.json_response(told)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        cursor = request.headers.get("Last-Event-ID")
        self.cursors.append(cursor)
        if self.steps and self.steps[0].status != 202:
            return await self._answer(request)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for line in self.events(cursor):
            await answer.write(line.encode() + b"\n")
        request.transport.abort()  # type: ignore[union-attr] # it is there while a request is answered
        return answer

    async def _answer(self, request: web.Request) -> web.Response:
        self.seen.append((f"{request.method} {request.path}", await request.read(), dict(request.headers)))
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if step.cut:
            request.transport.abort()  # type: ignore[union-attr] # the same
        return web.json_response(step.body, status=step.status, headers=step.headers)


def event(id_: str, data: str, name: str = "alert") -> list[str]:
    """The lines of one server-sent event."""
    return [f"id: {id_}"] * bool(id_) + [f"event: {name}", f"data: {data}", ""]


def heartbeat(position: int, proof: str) -> list[str]:
    """How far the stream is."""
    return event("", json.dumps({"position": position, "proof": proof}), "heartbeat")
