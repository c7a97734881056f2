"""`GET /v1/reciprocity`: what was given and received, between the caller and others (docs/adr/0015)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from broker.api.caller import caller_of
from broker.api.services import Services
from broker.caller import Caller
from broker.errors import Fault, Refused
from broker.reciprocity import Period, Reciprocity
from schemas.answers import ReciprocityAnswer

NAME_MOST = 130
TIME_MOST = 64

Name = Annotated[str | None, Query(max_length=NAME_MOST)]
Time = Annotated[str | None, Query(max_length=TIME_MOST)]


def reciprocity(services: Services) -> APIRouter:
    """It needs the scope `read`; between two others `inspect`."""
    routes = APIRouter(tags=["reading"])
    caller = caller_of(services)
    counting = Reciprocity(services.store.log, services.store.dossiers, services.directory)

    @routes.get("/v1/reciprocity", response_model=ReciprocityAnswer, summary="What you gave and received")
    async def count(
        who: Annotated[Caller, Depends(caller)],
        with_: Annotated[str | None, Query(alias="with", max_length=NAME_MOST)] = None,
        community: Name = None,
        agency: Name = None,
        since: Time = None,
        until: Time = None,
    ) -> Response:
        period = Period.of(since, until, services.clock())
        if with_ is not None and community is None:
            answer = await counting.pair(who, agency, with_, period)
        elif community is not None and with_ is None:
            answer = await counting.community(who, agency, community, period)
        else:
            fault = Fault("/with", "an agency here, or a community under `community`")
            raise Refused("invalid-request", "Ask for one agency, or for one community.", (fault,))
        text = answer.model_dump_json()
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    return routes
