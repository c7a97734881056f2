"""What came of a call, in the few words that the broker and a subscription's owner need."""

import errno
import os
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from socket import gaierror

import aiohttp

from adapters.base import Delivered, Outcome, Refused, Unreachable

LONGEST_WAIT_S = 86_400.0
"""The most that a Retry-After can ask for."""

_OURS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENETDOWN, errno.ENETUNREACH, errno.EADDRNOTAVAIL}
)
"""This machine has no descriptors, memory, ports or network left."""


class Forbidden(OSError):  # noqa: N818 - what it is, as the attempt says it
    """The destination is none that this endpoint may have."""


def answered(status: int, headers: Mapping[str, str], now: float, duration_ms: int) -> Outcome:
    """2xx is delivered; everything else, redirects too, is not. `now` in seconds since the epoch."""
    if 200 <= status < 300:
        return Delivered(status, duration_ms)
    return Refused(status, f"answered {status}", duration_ms, retry_after(headers.get("Retry-After"), now))


def retry_after(text: str | None, now: float) -> float | None:
    """Seconds, from a number or an HTTP date (RFC 9110 §10.2.3), at most a day; None for anything else."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def unreachable(error: BaseException, duration_ms: int) -> Unreachable:
    """Why there was no answer: in our words, since a library's may repeat the URL or what the receiver sent."""
    for cause in _causes(error):
        if words := _words(cause):
            ours = isinstance(cause, OSError) and cause.errno in _OURS
            return Unreachable(words, duration_ms, "ours" if ours else "theirs")
    return Unreachable(f"failed here: {type(error).__name__}", duration_ms, "ours")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The innermost first: it knows most."""
    if error.__cause__ is not None:
        yield from _causes(error.__cause__)
    yield error


def _words(error: BaseException) -> str | None:
    words: str | None = None
    match error:
        case Forbidden():
            words = str(error)
        case ssl.SSLCertVerificationError():
            words = f"TLS: {error.verify_message}"
        case ssl.SSLError():
            reason = getattr(error, "reason", None) or "handshake failed"  # typed as if it always stood there
            words = f"TLS: {reason.lower().replace('_', ' ')}"
        case gaierror():
            words = "the name does not resolve"
        case TimeoutError():
            words = "no answer in time"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | BrokenPipeError():
            words = "closed before an answer"
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError() | aiohttp.http_exceptions.BadHttpMessage():
            words = "the answer is not HTTP"
        case aiohttp.InvalidURL():
            words = "the URL leads nowhere"
        case OSError(errno=int() as number) if number in errno.errorcode:
            words = os.strerror(number).lower()
    return words
