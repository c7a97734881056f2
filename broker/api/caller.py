"""Who calls: the `Authorization` header, and the DPoP proof beside it (protocol §6, RFC 6750, RFC 9449)."""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.requests import Request

from broker.api.services import Services
from broker.caller import Caller
from broker.errors import Refused
from broker.policy.ways import Way
from broker.ports.registers import ApiToken
from broker.trust import credentials
from schemas.terms import Role

CallerOf = Callable[[Request], Awaitable[Caller]]

API_TOKEN_PREFIX = "iab_"  # noqa: S105 - how API tokens begin, so that a leaked one is recognised
UNKNOWN_TOKEN = "The API token is unknown or has expired."  # noqa: S105 - words


def caller_of(services: Services) -> CallerOf:
    """The dependency that names the caller or refuses with `unauthenticated`."""

    async def caller(request: Request) -> Caller:
        who = await proven(request)
        services.paces.calls.check(who.agency)
        services.paces.calls.spend(who.agency)
        return who

    async def proven(request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "dpop" and token:
            return await _with_proof(services, request, token.strip())
        if scheme.lower() == "bearer" and token:
            return await _with_bearer(services, token.strip())
        if scheme.lower() == "basic" and token:
            return await _with_basic(services, token.strip())
        raise Refused("unauthenticated", "This call needs an access token: Authorization: DPoP … or Bearer …")

    return caller


async def _with_proof(services: Services, request: Request, token: str) -> Caller:
    access = credentials.read_access_token(token, services.keys, services.issuer, services.clock())
    proofs = request.headers.getlist("dpop")
    if len(proofs) != 1:
        raise Refused("unauthenticated", "A token used with DPoP comes with exactly one proof in the header DPoP.")
    jkt, once = credentials.read_proof(
        proofs[0], request.method, services.issuer + request.url.path, token, services.clock()
    )
    if access.bound_to != jkt:
        raise Refused("unauthenticated", "The token is not bound to the key of this proof.")
    await spend(services, once, "This DPoP proof was used before.")
    return _caller(services, access, Way.READ_BOUND)


async def _with_bearer(services: Services, token: str) -> Caller:
    if token.startswith(API_TOKEN_PREFIX):
        return await _with_api_token(services, token)
    access = credentials.read_access_token(token, services.keys, services.issuer, services.clock())
    if access.bound_to is not None:
        raise Refused("unauthenticated", "This token is bound to a key: send it as DPoP, with a proof.")
    return _caller(services, access, Way.READ_UNBOUND)


async def _with_basic(services: Services, credentials_: str) -> Caller:
    """RFC 7617, for clients that know nothing else: the name of an API token, and the token."""
    try:
        name, _, token = base64.b64decode(credentials_, validate=True).decode("utf-8").partition(":")
    except ValueError:
        name = token = ""
    caller = await _with_api_token(services, token)
    if caller.client != name:
        raise Refused("unauthenticated", UNKNOWN_TOKEN)
    return caller


async def _with_api_token(services: Services, token: str) -> Caller:
    held = await api_token(services, hashlib.sha256(token.encode()).hexdigest())
    if held is None:
        raise Refused("unauthenticated", UNKNOWN_TOKEN)
    access = credentials.Access(held.agency, held.name, frozenset({"read"}), None)
    return replace(_caller(services, access, Way.READ_UNBOUND, held.subscription), api_token=held.hash)


async def api_token(services: Services, hash_: str) -> ApiToken | None:
    """The API token of that hash, unless it was revoked or has expired."""
    held = await services.store.credentials.token(hash_)
    return None if held is None or held.expires <= services.clock().timestamp() else held


def _caller(services: Services, access: credentials.Access, way: Way, subscription: str | None = None) -> Caller:
    agency = services.directory.current().agency(access.agency)
    if agency is None or not agency.acts(services.clock()):
        raise Refused("unauthenticated", "The agency is not active in the directory.")
    scopes = access.scopes if Role.INSPECTOR in agency.roles else access.scopes - {"inspect"}  # taken away, it counts
    return Caller(access.agency, access.client, scopes, way, subscription)


async def spend(services: Services, once: credentials.Once, otherwise: str) -> None:
    """Takes a `jti` that may be used once."""
    if not await services.store.credentials.first_use(once.kind, once.value, once.seconds):
        raise Refused("unauthenticated", otherwise)
