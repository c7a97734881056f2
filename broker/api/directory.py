"""The directory, as far as it concerns who asks; whole for registrars and inspectors."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from broker.api.caller import caller_of
from broker.api.services import Services
from broker.caller import Caller
from broker.errors import Refused
from broker.policy.concerning import concerning, sees_all
from schemas.answers import DirectoryAnswer


def directory(services: Services) -> APIRouter:
    """Needs the scope `read`, or `inspect`, which has all of it."""
    routes = APIRouter(tags=["discovery"])
    caller = caller_of(services)

    @routes.get("/v1/directory", response_model=DirectoryAnswer, summary="What of the directory concerns you")
    async def get(who: Annotated[Caller, Depends(caller)]) -> Response:
        if who.api_token is not None:
            raise Refused("insufficient-scope", "An API token reads one subscription, and nothing else.")
        if "inspect" not in who.scopes:
            who.need("read")
        answer = await _answer(services, who)
        text = answer.model_dump_json(by_alias=True, exclude_none=True)
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    return routes


async def _answer(services: Services, who: Caller) -> DirectoryAnswer:
    snapshot = services.directory.current()
    kept = await services.store.directories.document(snapshot.digest) or "{}"
    signed = json.loads(kept) if '"statement"' in kept[:64] else {}
    whole = "inspect" in who.scopes or sees_all(snapshot, who.agency)
    return DirectoryAnswer.model_construct(
        version=snapshot.version,
        digest=snapshot.digest,
        signed=bool(signed),
        whole=whole,
        directory=snapshot.document if whole else concerning(snapshot, who.agency),
        statement=signed.get("statement") if whole else None,
        cosignatures=tuple(signed.get("cosignatures", ())) if whole else None,
    )
