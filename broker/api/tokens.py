"""`POST /oauth/token`: client credentials by a signed assertion (RFC 6749 §4.4, RFC 7523, RFC 9449 §5)."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.api.caller import spend
from broker.api.described import body, error
from broker.api.limits import address_of, read_body
from broker.api.services import Services
from broker.errors import Refused
from broker.trust import credentials
from broker.trust.directory import Snapshot

FORM = "application/x-www-form-urlencoded"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NO_STORE = {"Cache-Control": "no-store"}


class OAuthError(Exception):
    """An error of RFC 6749 §5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.description, self.status = error, description, status


def tokens(services: Services) -> APIRouter:
    """The token endpoint and its metadata (RFC 8414)."""
    routes = APIRouter(tags=["credentials"])

    @routes.post(
        "/oauth/token",
        summary="An access token for a client of an agency",
        responses={status: error("An error of RFC 6749 §5.2", "error", "error_description") for status in (400, 401)},
        openapi_extra=body({FORM: "grant_type, client_assertion_type, client_assertion, and optionally scope"}),
    )
    async def token(request: Request) -> Response:
        try:
            return await _grant(services, request)
        except OAuthError as why:
            services.paces.refusals.spend(address_of(request))
            told = {"error": why.error, "error_description": why.description}
            return JSONResponse(told, why.status, NO_STORE)

    @routes.get("/.well-known/oauth-authorization-server", summary="Metadata of the token endpoint (RFC 8414)")
    async def metadata() -> Response:
        return JSONResponse(
            {
                "issuer": services.issuer,
                "token_endpoint": services.issuer + "/oauth/token",
                "grant_types_supported": ["client_credentials"],
                "response_types_supported": [],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": list(credentials.ALGORITHMS),
                "dpop_signing_alg_values_supported": list(credentials.ALGORITHMS),
                "scopes_supported": sorted(credentials.SCOPES),
            }
        )

    return routes


async def _grant(services: Services, request: Request) -> Response:
    form = await _form(services, request)
    if form.get("grant_type") != "client_credentials":
        raise OAuthError("unsupported_grant_type", "grant_type is client_credentials")
    if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
        raise OAuthError("invalid_client", f"client_assertion_type is {ASSERTION_TYPE}", 401)
    snapshot, now = services.directory.current(), services.clock()
    try:
        client = credentials.read_assertion(form["client_assertion"], snapshot, services.issuer, now)
        await spend(services, client.once, "This assertion was used before.")
    except Refused as refused:
        raise OAuthError("invalid_client", refused.detail, 401) from None
    services.paces.calls.check(client.agency)
    services.paces.calls.spend(client.agency)
    if form.get("client_id", f"{client.agency}#{client.name}") != f"{client.agency}#{client.name}":
        raise OAuthError("invalid_client", "client_id is not the one of the assertion", 401)
    scopes = _scopes(form, client, snapshot)
    bound_to = await _binding(services, request)
    access = credentials.issue(services.keys, services.issuer, client, scopes, bound_to, now)
    answer = {
        "access_token": access,
        "token_type": "DPoP" if bound_to else "Bearer",
        "expires_in": credentials.TOKEN_LIVES_S,
        "scope": " ".join(sorted(scopes)),
    }
    return JSONResponse(answer, headers=NO_STORE)


async def _form(services: Services, request: Request) -> Mapping[str, str]:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise OAuthError("invalid_request", f"the body is {FORM}")
    text = await read_body(request, services.limits.body)
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, strict_parsing=bool(text), max_num_fields=16)
    except ValueError:
        raise OAuthError("invalid_request", "the form cannot be read") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthError("invalid_request", "a parameter comes twice")
    return form


def _scopes(form: Mapping[str, str], client: credentials.Client, snapshot: Snapshot) -> frozenset[str]:
    """What was asked for, or `read`. `inspect` is for agencies whose directory entry has that role."""
    scopes = frozenset(form.get("scope", "read").split())
    inspector = client.agency in snapshot.inspectors
    if not scopes or not scopes <= credentials.SCOPES or ("inspect" in scopes and not inspector):
        raise OAuthError("invalid_scope", "scopes are read, subscribe and, for inspectors, inspect")
    return scopes


async def _binding(services: Services, request: Request) -> str | None:
    proofs = request.headers.getlist("dpop")
    if not proofs:
        return None
    try:
        if len(proofs) > 1:
            raise Refused("unauthenticated", "There is more than one DPoP proof.")
        url = services.issuer + request.url.path
        jkt, once = credentials.read_proof(proofs[0], request.method, url, None, services.clock())
        await spend(services, once, "This DPoP proof was used before.")
    except Refused as refused:
        raise OAuthError("invalid_dpop_proof", refused.detail) from None
    return jkt
