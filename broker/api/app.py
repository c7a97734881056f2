"""The application: every route of the hub, put together."""

from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response

from broker.api import errors
from broker.api.alerts import alerts
from broker.api.described import OF_A_BODY, OF_A_CALL, OF_A_DRAFT, OF_A_STATEMENT, describe, problems
from broker.api.directory import directory
from broker.api.discovery import discovery
from broker.api.keys import keys
from broker.api.operations import operations
from broker.api.pacing import PacedByAddress
from broker.api.page import HEADERS, page
from broker.api.posting import posting
from broker.api.reciprocity import reciprocity
from broker.api.services import Services
from broker.api.streams import streams
from broker.api.subscriptions import history, subscriptions
from broker.api.tokens import tokens
from broker.api.whatif import whatif
from broker.subscribing import Subscribing


def create_app(services: Services) -> FastAPI:
    """A hub's HTTP side; it opens and closes nothing, that is wiring's."""
    app = FastAPI(
        title="Interagency alert broker",
        version="1",
        summary="Signed alerts between agencies: who owns information decides who gets it.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.metrics = services.metrics
    app.state.paces = services.paces
    app.add_middleware(PacedByAddress, refusals=services.paces.refusals)
    errors.install(app)
    subscribing = Subscribing(
        services.store,
        services.directory,
        services.giving,
        services.voice,
        services.adapters,
        services.clock,
        services.limits.subscriptions,
    )
    for routes, codes in (
        (posting(services), (*OF_A_STATEMENT, "too-large", "header-too-large", "unsupported-media-type", "busy")),
        (discovery(services), ("not-found",)),
        (keys(services), OF_A_CALL),
        (directory(services), ("unauthenticated", "insufficient-scope", "busy")),
        (tokens(services), ("too-large", "busy")),
        (alerts(services), OF_A_CALL),
        (reciprocity(services), ("unauthenticated", "insufficient-scope", "not-found", "invalid-request", "busy")),
        (whatif(services), (*OF_A_CALL, *OF_A_BODY, *OF_A_DRAFT)),
        (streams(services, subscribing), OF_A_CALL),
        (subscriptions(services, subscribing), (*OF_A_CALL, *OF_A_BODY)),
        (history(services, subscribing), OF_A_CALL),
        (operations(services), ()),
    ):
        app.include_router(routes, responses=problems(*codes))
    describe(app)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(page(app.openapi()), headers=HEADERS)

    return app
