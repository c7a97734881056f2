"""Subscriptions and what belongs to one: attempts, dead letters, replay, gaps, the stream (protocol §6)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.api.caller import caller_of
from broker.api.described import body
from broker.api.limits import read_body
from broker.api.services import Services
from broker.caller import Caller
from broker.errors import Fault, Refused
from broker.ports.outbox import Attempt
from broker.subscribing import Subscribing
from broker.trust.strict_json import read_json
from schemas.answers import (
    AttemptsAnswer,
    CreatedSubscription,
    DeadAnswer,
    Gaps,
    HistoryAnswer,
    QueuedAnswer,
    SubscriptionsAnswer,
    TestAnswer,
)
from schemas.base import Strict
from schemas.faults import faults
from schemas.requests import Replay, Revive
from schemas.subscription import NewSubscription, Subscription, SubscriptionPatch

Model = TypeVar("Model", bound=Strict)
MOST = 256
NO_STORE = {"Cache-Control": "no-store"}
PLACE = "^[0-9]{1,19}(-[0-9]{1,19})?$"
"""What `next` of a page of attempts is."""


def subscriptions(services: Services, subscribing: Subscribing) -> APIRouter:
    """GETs need the scope `read`, everything else `subscribe`."""
    routes = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"])
    caller = caller_of(services)

    async def reader(who: Annotated[Caller, Depends(caller)]) -> Caller:
        who.need("read")
        return who

    async def subscriber(who: Annotated[Caller, Depends(caller)]) -> Caller:
        who.need("subscribe")
        return who

    async def read_as(request: Request, model: type[Model]) -> Model:
        stated = read_json(await read_body(request, services.limits.body))
        with told_as_invalid_request():
            return model.model_validate(stated)

    @routes.post(
        "",
        status_code=201,
        response_model=CreatedSubscription,
        summary="Ask for what you may have",
        openapi_extra=body(NewSubscription),
    )
    async def create(request: Request, who: Annotated[Caller, Depends(subscriber)]) -> Response:
        new = await read_as(request, NewSubscription)
        subscription, secret = await subscribing.create(who, new)
        made = _told(subscription) | ({"secret": secret} if secret else {})
        return JSONResponse(made, 201, NO_STORE | {"Location": f"/v1/subscriptions/{subscription.id}"})

    @routes.get("", response_model=SubscriptionsAnswer, summary="Your subscriptions")
    async def listed(who: Annotated[Caller, Depends(reader)]) -> Response:
        return _json({"subscriptions": [_told(each) for each in await subscribing.all(who)]})

    @routes.get("/{id_}", response_model=Subscription, summary="One of them, with its health")
    async def one(id_: str, who: Annotated[Caller, Depends(reader)]) -> Response:
        return _json(_told(await subscribing.told(who, await subscribing.own(who, id_))))

    @routes.patch(
        "/{id_}", response_model=Subscription, summary="Change it (RFC 7396)", openapi_extra=body(SubscriptionPatch)
    )
    async def change(id_: str, request: Request, who: Annotated[Caller, Depends(subscriber)]) -> Response:
        await subscribing.own(who, id_)
        patch = await read_as(request, SubscriptionPatch)
        with told_as_invalid_request():
            return _json(_told(await subscribing.change(who, id_, patch)))

    @routes.delete("/{id_}", status_code=204, summary="End it")
    async def delete(id_: str, who: Annotated[Caller, Depends(subscriber)]) -> Response:
        await subscribing.delete(who, id_)
        return Response(None, 204)

    @routes.post("/{id_}/test", status_code=202, response_model=TestAnswer, summary="A test alert, to it alone")
    async def test(id_: str, who: Annotated[Caller, Depends(subscriber)]) -> Response:
        return _json({"delivery": await subscribing.test(who, id_, services.clock())}, 202)

    @routes.get("/{id_}/attempts", response_model=AttemptsAnswer, summary="Each try, oldest first")
    async def attempts(
        id_: str, who: Annotated[Caller, Depends(reader)], after: Annotated[str | None, Query(pattern=PLACE)] = None
    ) -> Response:
        page, next_ = await subscribing.attempts(who, id_, after)
        return _json({"attempts": [_attempt(each) for each in page], "next": next_})

    @routes.get("/{id_}/dead", response_model=DeadAnswer, summary="What could not be delivered")
    async def dead(id_: str, who: Annotated[Caller, Depends(reader)]) -> Response:
        return _json({"dead": [_attempt(each) for each in await subscribing.dead(who, id_)]})

    @routes.post(
        "/{id_}/dead",
        status_code=202,
        response_model=QueuedAnswer,
        summary="Try dead letters again",
        openapi_extra=body(Revive),
    )
    async def revive(id_: str, request: Request, who: Annotated[Caller, Depends(subscriber)]) -> Response:
        wanted = await read_as(request, Revive)
        queued = await subscribing.revive(who, id_, wanted.deliveries, services.clock())
        return _json({"queued": queued}, 202)

    @routes.post(
        "/{id_}/replay",
        status_code=202,
        response_model=QueuedAnswer,
        summary="The same deliveries again",
        openapi_extra=body(Replay),
    )
    async def replay(id_: str, request: Request, who: Annotated[Caller, Depends(subscriber)]) -> Response:
        wanted = await read_as(request, Replay)
        return _json({"queued": await subscribing.replay(who, id_, wanted, services.clock())}, 202)

    @routes.get("/{id_}/gaps", response_model=Gaps, summary="What you lack")
    async def gaps(
        id_: str, who: Annotated[Caller, Depends(reader)], have: Annotated[str, Query(max_length=16_384)] = ""
    ) -> Response:
        return _json((await subscribing.gaps(who, id_, have, services.clock())).model_dump())

    return routes


def history(services: Services, subscribing: Subscribing) -> APIRouter:
    """Who did what to subscriptions and tokens, for their owner and for inspectors; it outlives them."""
    routes = APIRouter(tags=["subscriptions"])
    caller = caller_of(services)

    @routes.get("/v1/history", response_model=HistoryAnswer, summary="Who made, changed and ended what")
    async def told(
        who: Annotated[Caller, Depends(caller)],
        agency: Annotated[str | None, Query(max_length=MOST)] = None,
        subscription: Annotated[str | None, Query(max_length=MOST)] = None,
    ) -> Response:
        if "inspect" not in who.scopes:
            who.need("read")
        changes = await subscribing.history(who, agency, subscription)
        return _json({"history": [asdict(each) for each in changes]})

    return routes


@contextmanager
def told_as_invalid_request() -> Iterator[None]:
    """What the schemas refuse, as the answer to a call."""
    try:
        yield
    except ValidationError as error:
        found = tuple(Fault(path, expected) for path, expected in faults(error))
        raise Refused("invalid-request", "The request is not as this call expects it.", found) from None


def _told(subscription: Subscription) -> dict[str, Any]:
    return subscription.model_dump(mode="json", exclude_none=True)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return asdict(attempt)


def _json(told: object, status: int = 200) -> Response:
    return JSONResponse(told, status, NO_STORE)
