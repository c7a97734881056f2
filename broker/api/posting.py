"""`POST /v1/alerts` in forms A, B, D and E, and `POST /v1/sets` (protocol §4)."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.accept import Answer
from broker.api.batch import LINES, post_lines
from broker.api.described import body, error
from broker.api.errors import answer, noted
from broker.api.limits import address_of, read_body
from broker.api.services import Services
from broker.errors import Code, Fault, Refused
from broker.trust.posted import Posted, posted_alone, posted_envelope, posted_with_header
from schemas.answers import Accepted

STATEMENT = "application/secevent+jwt"
ENVELOPE = "application/vnd.interagency.alert+json"
ERROR_OF_SET: dict[Code, str] = {
    "malformed": "invalid_request",
    "invalid-statement": "invalid_request",
    "part-mismatch": "invalid_request",
    "invalid-part": "invalid_request",
    "untrusted": "invalid_key",
    "key-not-valid": "invalid_key",
    "wrong-audience": "invalid_audience",
    "conflict": "access_denied",
    "stale": "access_denied",
    "outside-mandate": "access_denied",
    "terms": "access_denied",
    "neutrality": "access_denied",
    "no-legal-basis": "access_denied",
}
"""Protocol §4; limits and `busy` keep their own status, since RFC 8935 has no word for them."""

FORMS = f"{STATEMENT}, {ENVELOPE}, {LINES}, or any other type with the header Alert-Statement"

BODIES = body(
    {
        STATEMENT: "form B: the statement, a compact JWS",
        ENVELOPE: "form D: one envelope",
        LINES: "form E: envelopes, one a line; 200 with an answer or a problem for each, in the same order",
        "*/*": "form A: the one part, with the statement in a header",
    }
)
HEADERS = [
    {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": what}
    for name, what in (("Alert-Statement", "form A: the statement"), ("Alert-Salt", "form A: the salt of the part"))
]


def posting(services: Services) -> APIRouter:
    """The poster needs no credential but the signature."""
    routes = APIRouter(tags=["posting"])

    @routes.post(
        "/v1/alerts",
        status_code=202,
        response_model=Accepted,
        summary="Post a signed alert",
        openapi_extra=BODIES | {"parameters": HEADERS},
    )
    async def alerts(request: Request) -> Response:
        return await post(services, request)

    @routes.post(
        "/v1/sets",
        status_code=202,
        response_class=Response,
        summary="Push a SET (RFC 8935), for alerts without parts",
        responses={400: error("What RFC 8935 calls an error: any refusal but of size or `busy`", "err", "description")},
        openapi_extra=body({STATEMENT: "the statement: a compact JWS"}),
    )
    async def sets(request: Request) -> Response:
        try:
            receipt = (await _pushed(services, request)).receipt
        except Refused as refused:
            if refused.code not in ERROR_OF_SET:
                return answer(request, refused)
            noted(request, refused.code, refused.claimed)
            told = {"err": ERROR_OF_SET[refused.code], "description": refused.detail}
            return JSONResponse(told, 400, {"Content-Language": "en"})
        return Response(None, 202, {"Alert-Receipt": receipt})

    return routes


async def post(services: Services, request: Request) -> Response:
    """`POST /v1/alerts`, whoever dispatched it."""
    if media_type(request) == LINES and "alert-statement" not in request.headers:
        _not_encoded(request)
        return await post_lines(services, request)
    taken = await _taken(services, request, await _read(services, request))
    return Response(taken.body(), 202, media_type="application/json")


async def _pushed(services: Services, request: Request) -> Answer:
    if media_type(request) != STATEMENT:
        raise Refused("malformed", f"A SET is pushed as {STATEMENT}.")
    if "content-encoding" in request.headers:
        raise Refused("malformed", "A SET comes as it was signed, without a Content-Encoding.")
    return await _taken(services, request, posted_alone(await read_body(request, services.limits.statement)))


async def _taken(services: Services, request: Request, posted: Posted) -> Answer:
    """What is said again is paid for by the address: whoever has a statement can do that."""
    taken = await services.accepting.accept(posted)
    if taken.repeated:
        services.paces.refusals.spend(address_of(request))
    return taken


def _not_encoded(request: Request) -> None:
    if "content-encoding" in request.headers:
        raise Refused("unsupported-media-type", "The body comes as it was signed, without a Content-Encoding.")


async def _read(services: Services, request: Request) -> Posted:
    _not_encoded(request)
    limits, type_ = services.limits, media_type(request)
    statements = request.headers.getlist("alert-statement")
    if statements:
        if len(statements) > 1 or len(statements[0]) > limits.statement_header:
            raise Refused(
                "header-too-large", f"Alert-Statement comes once, with at most {limits.statement_header} bytes."
            )
        data = await read_body(request, limits.part)
        return posted_with_header(statements[0], request.headers.get("alert-salt"), _stated_type(request), data)
    if type_ == STATEMENT:
        return posted_alone(await read_body(request, limits.statement))
    if type_ == ENVELOPE:
        return posted_envelope(await read_body(request, limits.envelope), limits.part)
    raise Refused("unsupported-media-type", "This hub takes no such document here.", (Fault("/", FORMS),))


def media_type(request: Request) -> str:
    """The type alone, without parameters."""
    return _stated_type(request).split(";")[0].strip().lower()


def _stated_type(request: Request) -> str:
    return request.headers.get("content-type", "").strip()
