"""The one place that turns errors into HTTP answers."""

import json
from collections.abc import Mapping

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from broker.api.connection import Counts
from broker.api.limits import address_of
from broker.api.problems import new_instance, problem_body, status_of
from broker.errors import Code, Fault, Refused
from broker.metrics import Metrics
from broker.ports.failures import Full, Unavailable
from broker.trust.credentials import ALGORITHMS

PROBLEM = "application/problem+json"
FAILED = "The hub failed to answer this; quote the instance to its operator. What was accepted is not affected."
AWAY_S = 2
"""After which a client may try again when the store was away."""

FULL_S = 10
"""The same, when it was full: somebody has to make room."""

log_line = structlog.get_logger("api")

OF_THE_PROVEN: frozenset[Code] = frozenset({"busy", "insufficient-scope", "not-found", "gone", "invalid-request"})
"""Told to who proved who they are, or at no cost; every other refusal is paid for by the address that it goes to."""

_BY_STATUS: Mapping[int, Code] = {404: "not-found", 405: "not-found", 413: "too-large", 415: "unsupported-media-type"}


def problem(refused: Refused, language: str | None, instance: str) -> Response:
    """The answer to a refusal: RFC 9457 with the members of protocol §4."""
    status = status_of(refused)
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Language"}
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
    if refused.code == "too-large":
        headers["Connection"] = "close"  # what is left of the body is not read (protocol §4)
    if refused.code == "unauthenticated":
        headers["WWW-Authenticate"] = f'DPoP algs="{" ".join(ALGORITHMS)}", Bearer'
    return Response(problem_body(refused, language, instance), status, headers, PROBLEM)


def install(app: FastAPI) -> None:
    """Registers the one answer to every error; nothing else in the application answers with one."""

    async def told(request: Request, error: Exception) -> Response:
        return response_to(request, error)

    for kind in (Exception, Refused, Unavailable, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, told)


def response_to(request: Request, error: Exception) -> Response:
    """What a client is told when this was raised; what is no answer of ours is a failure, with its instance."""
    match error:
        case Refused():
            return answer(request, error)
        case Unavailable():
            log_line.warning("store away", path=request.url.path, why=str(error))
            return answer(request, _busy(error))
        case HTTPException():
            code = _BY_STATUS.get(error.status_code, "invalid-request")
            return answer(request, Refused(code, "There is no such call here."))
        case RequestValidationError():
            faults = tuple(Fault("/" + "/".join(map(str, each["loc"])), str(each["msg"])) for each in error.errors())
            return answer(request, Refused("invalid-request", "The request is not as this call expects it.", faults))
        case _:
            return _failed(request, error)


def _failed(request: Request, error: Exception) -> Response:
    instance = new_instance()
    log_line.error("failed", path=request.url.path, instance=instance, why=type(error).__name__, exc_info=error)
    body = {"type": "about:blank", "title": "Internal error", "status": 500, "detail": FAILED, "instance": instance}
    return Response(json.dumps(body), 500, {"Cache-Control": "no-store", "Connection": "close"}, PROBLEM)


def _busy(error: Exception) -> Refused:
    """With what is the matter, as far as it helps a poster; where and how stands in the log."""
    why, after = "its store does not answer as it must", AWAY_S
    if isinstance(error, Full):
        why, after = f"its {error.what} is nearly full", FULL_S
    return Refused("busy", f"The hub cannot write durably at the moment: {why}.", retry_after=after)


def answer(request: Request, refused: Refused) -> Response:
    """The problem document; counted and logged."""
    return problem(refused, request.headers.get("accept-language"), noted(request, refused.code, refused.claimed))


def noted(request: Request, code: Code, claimed: str | None = None) -> str:
    """A count and a line, with the issuer as claimed, are all that a refusal leaves (protocol §4).

    The instance that finds the line again.
    """
    instance = new_instance()
    client = request.client.host if request.client else None
    request.app.state.metrics.refused.labels(code).inc()
    if code not in OF_THE_PROVEN:
        request.app.state.paces.refusals.spend(address_of(request))
    log_line.info("refused", path=request.url.path, code=code, claimed=claimed, instance=instance, client=client)
    return instance


def watched(metrics: Metrics) -> Counts:
    """For the guard of the connections: what it does is told as what the application does."""
    counts = Counts(cut=lambda why: metrics.cut.labels(why).inc())
    metrics.connections.set_function(lambda: counts.open)
    metrics.half_open.set_function(lambda: len(counts.half_open))

    def refused(code: Code, instance: str) -> None:
        metrics.refused.labels(code).inc()
        log_line.info("refused", path=None, code=code, instance=instance)

    counts.refused = refused
    return counts
