"""What is public: who this hub is, its limits, and the keys of everybody in the directory (protocol §6)."""

from fastapi import APIRouter
from starlette.responses import Response

from broker.api.services import Services
from broker.errors import Refused
from schemas.directory import KeyRecord
from schemas.discovery import DirectoryVersion, Discovery, HubLimits
from schemas.terms import Alg


def discovery(services: Services) -> APIRouter:
    """Discovery and key records."""
    routes = APIRouter(tags=["discovery"])

    @routes.get("/.well-known/interagency-hub", summary="Who this hub is", response_model=Discovery)
    async def hub() -> Response:
        return _json(_discovery(services).model_dump_json())

    @routes.get("/v1/directory/keys/{kid}", summary="The record of one key", response_model=KeyRecord)
    async def key(kid: str) -> Response:
        record = services.directory.current().key(kid)
        if record is None:
            raise Refused("not-found", "The directory has no such key.")
        return _json(record.model_dump_json())

    return routes


def _discovery(services: Services) -> Discovery:
    limits, directory = services.limits, services.directory.current()
    return Discovery(
        hub=services.hub.id,
        network=services.hub.network,
        issuer=services.issuer,
        versions=(1,),
        algorithms=(Alg.ED25519, Alg.ES256, Alg.ML_DSA_65),
        limits=HubLimits(
            statement=limits.statement,
            statement_header=limits.statement_header,
            part=limits.part,
            envelope=limits.envelope,
            lines=limits.lines,
            batch=limits.batch,
            headers=limits.headers,
        ),
        directory=DirectoryVersion(version=directory.version, digest=directory.digest),
        keys=tuple(directory.keys_of(services.hub.id)),
        log=services.keys.verifier_key(services.hub.id),
        token_endpoint=services.issuer + "/oauth/token",
    )


def _json(text: str) -> Response:
    return Response(text, media_type="application/json", headers={"Cache-Control": "max-age=60"})
