"""For operators and their monitors: is it alive, is it ready, how much does it do."""

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from broker.api.services import Services
from broker.ports.failures import Unavailable
from schemas.base import instant


def operations(services: Services) -> APIRouter:
    """Public on the listening address; a proxy decides who else sees them."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/healthz", summary="The process answers")
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    @routes.get("/readyz", summary="It could accept an alert now")
    async def readyz() -> Response:
        wrong = await _wrong(services)
        return JSONResponse({"status": "not ready" if wrong else "ready", "wrong": wrong}, 503 if wrong else 200)

    @routes.get("/metrics", summary="Prometheus text")
    async def metrics() -> Response:
        return Response(services.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes


async def _wrong(services: Services) -> list[str]:
    wrong = []
    try:
        await services.store.ping()
    except Unavailable as why:
        wrong.append(f"store: {why}")
    expires = services.directory.current().expires
    if expires is not None and instant(expires) <= services.clock():
        wrong.append("directory: it has expired; nothing is released until a new version is there")
    return wrong
