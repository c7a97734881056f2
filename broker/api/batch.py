"""Form E: envelopes, one a line, each answered as if it had come alone (protocol §4)."""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from broker.api.errors import response_to
from broker.api.limits import address_of, read_body
from broker.api.services import Services
from broker.errors import Refused
from broker.trust.posted import posted_envelope
from broker.trust.verify import VerifiedEnvelope

LINES = "application/x-ndjson"
TOGETHER = 32
"""Lines under way at a time, whose writes share a commit: while so many are checked, nobody else is served."""

CHECKED = 131_072
"""Bytes of lines after which the others have their turn."""

Answers = Sequence[asyncio.Task[bytes]]


async def post_lines(services: Services, request: Request) -> Response:
    """`200` with as many lines in the same order: what a 202 would have said, or a problem.

    They are accepted in their order: an issuer that catches up has its alerts in the log as it listed them, and a line
    may refer to what stands in one before it.
    """
    limits = services.limits
    lines = _lines(await read_body(request, limits.batch), limits.lines)
    answers: list[asyncio.Task[bytes]] = []
    checked = 0
    for number, line in enumerate(lines):
        if number % TOGETHER == 0:
            await asyncio.gather(*answers[-TOGETHER:])
        answers.append(await _begun(services, request, line, answers[-TOGETHER:]))
        checked += len(line)
        if checked >= CHECKED:
            checked = 0
            await asyncio.sleep(0)
    said = await asyncio.gather(*answers)
    return Response(b"".join(each + b"\n" for each in said), 200, media_type=LINES)


def _lines(body: bytes, most: int) -> Sequence[bytes]:
    """Each ends with a line feed, but for the last, which may. Refuses with `too-large`."""
    lines = body.split(b"\n", most + 1)
    if not lines[-1]:
        lines.pop()
    if len(lines) > most:
        raise Refused("too-large", f"There are more than {most} lines.")
    return lines


async def _begun(services: Services, request: Request, line: bytes, earlier: Answers) -> asyncio.Task[bytes]:
    """Its writing joins that of the lines before it; where it refers to others, these are durable first."""
    limits = services.limits
    try:
        if len(line) > limits.envelope:
            raise Refused("too-large", f"An envelope has at most {limits.envelope} bytes.")
        verified = services.accepting.verify(posted_envelope(line, limits.part))
    except Exception as error:
        return asyncio.create_task(_refused(request, error))
    if not _refers(verified):
        return asyncio.create_task(_answer(services, request, verified))
    await asyncio.gather(*earlier)
    answer = asyncio.create_task(_answer(services, request, verified))
    await asyncio.wait((answer,))
    return answer


def _refers(verified: VerifiedEnvelope) -> bool:
    (event,) = verified.framed.claims["events"].values()
    return isinstance(event, dict) and "references" in event


async def _answer(services: Services, request: Request, verified: VerifiedEnvelope) -> bytes:
    try:
        taken = await services.accepting.accept_verified(verified)
        if taken.repeated:
            services.paces.refusals.spend(address_of(request))
        return taken.body()
    except Exception as error:
        return await _refused(request, error)


async def _refused(request: Request, error: Exception) -> bytes:
    return bytes(response_to(request, error).body)
