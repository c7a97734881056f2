"""The hot call is dispatched ahead of the framework, which costs as much as half of checking an alert does.

Nothing else is different: the same handler, the same answers to the same errors; the framework still describes the
call, and answers it where it is asked without a front.
"""

from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from broker.api.errors import response_to
from broker.api.limits import address_of
from broker.api.posting import post
from broker.api.services import Services

HOT: Final = "/v1/alerts"


class Front:
    """An ASGI application: `POST /v1/alerts` by itself, all else by the one behind it."""

    def __init__(self, app: FastAPI, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != HOT or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["app"] = self._app
        request = Request(scope, receive)
        try:
            self._services.paces.refusals.check(address_of(request))
            response = await post(self._services, request)
        except Exception as error:
            response = response_to(request, error)
            await response(scope, receive, send)
            if response.status_code == 500:  # as the framework does: the server logs what nobody foresaw
                raise
            return
        await response(scope, receive, send)
