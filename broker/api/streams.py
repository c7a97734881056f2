"""`GET /v1/subscriptions/{id}/stream`: the stream adapter, mounted (protocol §6)."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adapters.stream import EventStream
from broker.api.caller import api_token, caller_of
from broker.api.services import Services
from broker.caller import Caller
from broker.errors import Fault, Refused
from broker.ports.failures import Unavailable
from broker.streaming import Reader
from broker.subscribing import Subscribing
from schemas.subscription import SubscriptionState

RETRY_S = 15
"""After which a reader that left is known to be gone: a heartbeat goes unheard."""

log_line = structlog.get_logger("api")


def streams(services: Services, subscribing: Subscribing) -> APIRouter:
    """Server-sent events, resumed exactly after `Last-Event-ID`."""
    routes = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"])
    places = _Places(services.limits.streams)
    caller = caller_of(services)

    @routes.get("/{id_}/stream", summary="What you are owed, as server-sent events", response_class=Response)
    async def stream(id_: str, request: Request, who: Annotated[Caller, Depends(caller)]) -> Response:
        who.need("read")
        reader = await reader_of(services, subscribing, who, id_)
        await reader.begin(request.headers.get("last-event-id"))
        return _Mounted(EventStream(reader), places, id_)

    return routes


async def reader_of(services: Services, subscribing: Subscribing, who: Caller, id_: str) -> Reader:
    """One connection to the caller's own subscription; refuses where that is no stream, or paused."""
    held = await subscribing.own(who, id_)
    if held.subscription.adapter != "stream":
        fault = Fault("/adapter", "stream")
        raise Refused("invalid-request", "This subscription is not served as a stream.", (fault,))
    if held.subscription.state is not SubscriptionState.ACTIVE:
        raise Refused("invalid-request", "This subscription is paused.", (Fault("/state", "active"),))
    return Reader(
        held=held,
        way=who.way,
        giving=services.giving,
        outbox=services.store.outbox,
        subscriptions=services.store.subscriptions,
        keys=services.keys,
        hub=services.hub.id,
        clock=services.clock,
        may_stay=lambda: _token_holds(services, who),
    )


async def _token_holds(services: Services, who: Caller) -> bool:
    """An access token, which lives for minutes, may finish the stream that it opened; an API token may not."""
    return who.api_token is None or await api_token(services, who.api_token) is not None


class _Places:
    """For the streams of one subscription at once, so that no reader takes all the connections there are."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, subscription: str) -> Iterator[None]:
        """Refused with `busy` where all are taken."""
        if self._taken[subscription] >= self._most:
            raise Refused("busy", f"This subscription has {self._most} streams open here.", retry_after=RETRY_S)
        self._taken[subscription] += 1
        try:
            yield
        finally:
            self._taken[subscription] -= 1
            if not self._taken[subscription]:
                del self._taken[subscription]


class _Mounted(Response):
    """Hands the connection to the transport: it writes its own head and body."""

    def __init__(self, stream: EventStream, places: _Places, subscription: str) -> None:
        super().__init__()
        self._stream, self._places, self._subscription = stream, places, subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._places.one(self._subscription):
                await self._stream(scope, receive, send)
        except Unavailable as why:  # it has begun, so no status can say it: it ends, and its reader comes again
            log_line.warning("store away", path=scope["path"], why=str(why))
            await send({"type": "http.response.body", "body": b""})
