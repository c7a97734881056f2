"""Who brought too much that nobody vouches for is told so before anything of it is read (429, RFC 6585 §4)."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from broker.api.errors import answer
from broker.api.limits import address_of
from broker.errors import Refused
from broker.pace import Pace

OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""A monitor behind the same proxy as a flood must not take the hub for dead."""


class PacedByAddress:
    """Around the application: an address whose refusals are spent waits."""

    def __init__(self, app: ASGIApp, refusals: Pace) -> None:
        self._app, self._refusals = app, refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN:
            request = Request(scope)
            try:
                self._refusals.check(address_of(request))
            except Refused as refused:
                await answer(request, refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)
