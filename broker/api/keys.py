"""Keys that others seal parts with, for agencies that have terms with who asks (protocol §2, ADR 9)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from broker.api.caller import caller_of
from broker.api.services import Services
from broker.caller import Caller
from broker.policy.concerning import concerns
from schemas.answers import KeysAnswer
from schemas.base import instant
from schemas.directory import KeyRecord
from schemas.limits import AGENCY_ID
from schemas.terms import KeyUse


def keys(services: Services) -> APIRouter:
    """It needs the scope `read`: who is enrolled is not told to everybody."""
    routes = APIRouter(tags=["discovery"])
    caller = caller_of(services)

    @routes.get("/v1/directory/keys", response_model=KeysAnswer, summary="An agency's keys to seal parts with")
    async def sealing(
        who: Annotated[Caller, Depends(caller)],
        agency: Annotated[str, Query(max_length=AGENCY_ID)],
        use: Literal["seal"],
    ) -> Response:
        who.need("read")
        found = KeysAnswer(keys=_usable(services, who.agency, agency))
        return Response(found.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store"})

    return routes


def _usable(services: Services, asker: str, agency: str) -> tuple[KeyRecord, ...]:
    """Valid now; none of an agency that the asker has no terms with, as of one that does not exist."""
    snapshot, now = services.directory.current(), services.clock()
    entry = snapshot.agency(agency)
    if entry is None or not entry.acts(now) or not concerns(snapshot, asker, agency, now):
        return ()
    return tuple(
        record
        for record in snapshot.keys_of(agency)
        if record.use is KeyUse.SEAL
        and record.revoked is None
        and instant(record.valid_from) <= now < instant(record.valid_until)
    )
