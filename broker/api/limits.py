"""Bodies are read up to a limit, and no further."""

from starlette.requests import ClientDisconnect, Request

from broker.errors import Refused
from broker.pace import of_address


def address_of(request: Request) -> str:
    """Who pays for what nobody vouches for: the connection's other end, or whom a trusted proxy names."""
    return of_address(request.client.host if request.client else None)


async def read_body(request: Request, most: int) -> bytes:
    """The whole body, of at most `most` bytes; refuses with `too-large` at the first byte beyond, or before any.

    A client that leaves in the middle is refused with `malformed`: nobody reads the answer.
    """
    stated = request.headers.get("content-length", "")
    if stated.isascii() and stated.isdigit() and (len(stated) > 15 or int(stated) > most):
        raise _too_large(most)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise _too_large(most)
    except ClientDisconnect:
        raise Refused("malformed", "The connection ended before the body did.") from None
    return bytes(body)


def _too_large(most: int) -> Refused:
    return Refused("too-large", f"The body is larger than {most} bytes.")
