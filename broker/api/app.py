"""The application: every route of the hub, put together."""

from fastapi import FastAPI

from broker.api import errors
from broker.api.alerts import alerts
from broker.api.discovery import discovery
from broker.api.operations import operations
from broker.api.posting import posting
from broker.api.services import Services
from broker.api.streams import streams
from broker.api.subscriptions import subscriptions
from broker.api.tokens import tokens
from broker.subscribing import Subscribing


def create_app(services: Services) -> FastAPI:
    """A hub's HTTP side; it opens and closes nothing, that is wiring's."""
    app = FastAPI(
        title="Interagency alert broker",
        version="1",
        summary="Signed alerts between agencies: who owns information decides who gets it.",
        redoc_url=None,
    )
    app.state.metrics = services.metrics
    errors.install(app)
    subscribing = Subscribing(services.store, services.directory, services.giving, services.voice, services.adapters)
    for routes in (
        posting(services),
        discovery(services),
        tokens(services),
        alerts(services),
        streams(services, subscribing),
        subscriptions(services, subscribing),
        operations(services),
    ):
        app.include_router(routes)
    return app
