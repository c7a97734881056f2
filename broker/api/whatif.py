"""`POST /v1/whatif`: who would get an alert that is not posted yet (ADR 10)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from broker.api.caller import caller_of
from broker.api.described import body
from broker.api.limits import read_body
from broker.api.problems import language_of
from broker.api.services import Services
from broker.caller import Caller
from broker.errors import Fault, Refused
from broker.trust.strict_json import read_json
from broker.whatif import Foretelling
from schemas.answers import WhatIfAnswer
from schemas.faults import faults
from schemas.requests import WhatIf


def whatif(services: Services) -> APIRouter:
    """It needs the scope `read`, of the agency itself: an API token serves one subscription."""
    routes = APIRouter(tags=["reading"])
    caller = caller_of(services)
    foretelling = Foretelling(services.reading.judge)

    @routes.post(
        "/v1/whatif",
        response_model=WhatIfAnswer,
        openapi_extra=body(WhatIf),
        summary="Who would get an alert that is not posted yet",
    )
    async def ask(
        request: Request,
        who: Annotated[Caller, Depends(caller)],
        accept_language: Annotated[str | None, Header()] = None,
    ) -> Response:
        who.need("read")
        if who.subscription is not None:
            raise Refused("insufficient-scope", "An API token serves one subscription, and posts nothing.")
        asked = _asked(await read_body(request, services.limits.body))
        answer = await foretelling.tell(who, asked, language_of(accept_language), services.clock())
        text = answer.model_dump_json(exclude_unset=True)
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    return routes


def _asked(data: bytes) -> WhatIf:
    try:
        return WhatIf.model_validate(read_json(data))
    except ValidationError as error:
        found = tuple(Fault(path, expected) for path, expected in faults(error))
        raise Refused("invalid-request", "The request is not as this call needs it.", found) from None
