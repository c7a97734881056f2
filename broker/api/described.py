"""The OpenAPI document: what the framework cannot see (bodies that are read raw, problems, ways to sign in)."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from broker.api.problems import statuses_of
from broker.errors import Code
from schemas.answers import Problem
from schemas.envelope import Envelope
from schemas.requests import Replay, Revive, WhatIf
from schemas.subscription import NewSubscription, SubscriptionPatch

Responses = dict[int | str, dict[str, Any]]

REFS = "#/components/schemas/{model}"
OF_A_STATEMENT: tuple[Code, ...] = (
    "malformed",
    "untrusted",
    "conflict",
    "key-not-valid",
    "stale",
    "wrong-audience",
    "invalid-statement",
    "outside-mandate",
    "terms",
    "neutrality",
    "no-legal-basis",
    "part-mismatch",
    "invalid-part",
)
OF_A_CALL: tuple[Code, ...] = ("unauthenticated", "insufficient-scope", "not-found", "gone", "invalid-request", "busy")
OF_A_BODY: tuple[Code, ...] = ("too-large", "malformed")
OF_A_DRAFT: tuple[Code, ...] = ("invalid-statement", "outside-mandate", "terms", "neutrality", "no-legal-basis")
SIGN_IN = {
    "dpop": {"type": "http", "scheme": "dpop", "description": "An access token bound to a key (RFC 9449): up to red."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An unbound or an API token: up to green."},
    "basic": {"type": "http", "scheme": "basic", "description": "The name and the secret of an API token."},
}
_MODELS: tuple[type[BaseModel], ...] = (
    Problem,
    Envelope,
    NewSubscription,
    SubscriptionPatch,
    Replay,
    Revive,
    WhatIf,
)


def problems(*codes: Code) -> Responses:
    """The problem answers of a route: one entry a status, which names its codes; `default` for what any request may be.

    Any request may be `malformed` or have a header that is too large, before a route sees it.
    """
    by_status: dict[int | str, list[Code]] = {}
    for code in codes:
        for status in statuses_of(code):
            by_status.setdefault(status, []).append(code)
    told = {status: _problem(", ".join(f"`{code}`" for code in of)) for status, of in by_status.items()}
    return told | {"default": _problem("`malformed` (400) or `header-too-large` (431), as any request may be")}


def error(description: str, *members: str) -> dict[str, Any]:
    """An answer that another RFC shapes: an object of these texts."""
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in members}, "required": [members[0]]}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def body(what: type[BaseModel] | Mapping[str, str]) -> dict[str, Any]:
    """`openapi_extra` for a JSON body of this model, or for raw bodies: media types with what they are."""
    if isinstance(what, Mapping):
        content: dict[str, Any] = {type_: {"schema": _text(said)} for type_, said in what.items()}
    else:
        content = {"application/json": {"schema": {"$ref": REFS.format(model=what.__name__)}}}
    return {"requestBody": {"required": True, "content": content}}


def describe(app: FastAPI) -> None:
    """Completes the document that the framework makes."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
            _complete(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation has it


def _complete(document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    _, known = models_json_schema([(model, "validation") for model in _MODELS], ref_template=REFS)
    components["schemas"] = known["$defs"] | components.get("schemas", {})
    components["securitySchemes"] = SIGN_IN
    for operation in _operations(document):
        if "`unauthenticated`" in operation.get("responses", {}).get("401", {}).get("description", ""):
            operation["security"] = [{name: []} for name in SIGN_IN]


def _operations(document: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _problem(description: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": REFS.format(model=Problem.__name__)}}
    return {"description": description, "content": {"application/problem+json": schema}}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}
