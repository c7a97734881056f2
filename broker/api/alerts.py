"""Reading alerts, receipts, decisions and deliveries (protocol §6)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import Response

from broker.api.caller import caller_of
from broker.api.problems import language_of
from broker.api.services import Services
from broker.caller import Caller
from broker.errors import Fault, Refused
from broker.ways import MEDIA_TYPE
from schemas.answers import DecisionsAnswer, DeliveriesAnswer, ReceiptAnswer
from schemas.terms import Purpose

ID_MOST = 256


def alerts(services: Services) -> APIRouter:
    """All of it needs the scope `read`."""
    routes = APIRouter(tags=["reading"])
    caller = caller_of(services)

    async def reader(who: Annotated[Caller, Depends(caller)]) -> Caller:
        if not who.scopes & {"read", "inspect"}:
            who.need("read")
        return who

    @routes.get("/v1/alerts/{alert:path}", summary="The envelope as released to you")
    async def envelope(alert: str, who: Annotated[Caller, Depends(reader)], purpose: str | None = None) -> Response:
        who.need("read")
        text = await services.reading.envelope(who, _id(alert), _purpose(purpose), services.clock())
        return Response(text, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    @routes.get("/v1/receipts/{alert:path}", response_model=ReceiptAnswer, summary="The hub's promise, to the issuer")
    async def receipt(alert: str, who: Annotated[Caller, Depends(reader)]) -> Response:
        who.need("read")
        return _json((await services.reading.receipt(who, _id(alert))).model_dump_json())

    @routes.get("/v1/decisions", response_model=DecisionsAnswer, summary="What was decided, rule by rule")
    async def decisions(
        who: Annotated[Caller, Depends(reader)],
        alert: Annotated[str, Query(max_length=ID_MOST)],
        subscription: Annotated[str | None, Query(max_length=ID_MOST)] = None,
        agency: Annotated[str | None, Query(max_length=ID_MOST)] = None,
        changes: bool = False,
        accept_language: Annotated[str | None, Header()] = None,
    ) -> Response:
        answer = await services.reading.decisions(
            who, _id(alert), subscription, agency, language=language_of(accept_language), changes=changes
        )
        return _json(answer.model_dump_json(exclude_unset=True))

    @routes.get(
        "/v1/deliveries", response_model=DeliveriesAnswer, summary="How it stands with each agency, to the issuer"
    )
    async def deliveries(
        who: Annotated[Caller, Depends(reader)], alert: Annotated[str, Query(max_length=ID_MOST)]
    ) -> Response:
        who.need("read")
        return _json(
            (await services.reading.deliveries(who, _id(alert), services.clock())).model_dump_json(exclude_none=True)
        )

    return routes


def _id(alert: str) -> str:
    if not 1 <= len(alert) <= ID_MOST:
        raise Refused("not-found", "There is nothing here for you under that name.")
    return alert


def _purpose(stated: str | None) -> Purpose | None:
    if stated is None:
        return None
    try:
        return Purpose(stated)
    except ValueError:
        fault = Fault("/purpose", "one of " + ", ".join(Purpose))
        raise Refused("invalid-request", "That is no purpose.", (fault,)) from None


def _json(text: str) -> Response:
    return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})
