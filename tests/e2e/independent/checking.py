"""What a check is: a small function that raises `Failed`, registered by a decorator and run by the program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from independent.desk import Desk

STATUS = {
    "too-large": 413,
    "header-too-large": 431,
    "unsupported-media-type": 415,
    "malformed": 400,
    "untrusted": 403,
    "conflict": 409,
    "key-not-valid": 403,
    "stale": 409,
    "wrong-audience": 403,
    "invalid-statement": 422,
    "outside-mandate": 403,
    "terms": 403,
    "neutrality": 403,
    "no-legal-basis": 403,
    "part-mismatch": 422,
    "invalid-part": 422,
    "unauthenticated": 401,
    "insufficient-scope": 403,
    "not-found": 404,
    "gone": 410,
    "invalid-request": 422,
}
"""The table of protocol §4."""


class Failed(Exception):  # noqa: N818  # it is no error of this program
    """A promise of the contract that the hub did not keep."""

    def __init__(self, what: str, expected: object, got: object) -> None:
        super().__init__(f"{what}, expected {_short(expected)}, got {_short(got)}")


class Skipped(Exception):  # noqa: N818  # the same
    """What this check needs was not given on the command line."""


Run = Callable[["Desk"], None]


@dataclass(frozen=True)
class Check:
    """One promise. Slow ones mostly wait: they run first, beside each other, and mind no alert but their own."""

    name: str
    run: Run
    slow: bool = False


CHECKS: list[Check] = []


def check(run: Run) -> Run:
    """Registers a check under its module's and its own name."""
    CHECKS.append(Check(_name(run), run))
    return run


def slow_check(run: Run) -> Run:
    """Registers a check that waits for seconds."""
    CHECKS.append(Check(_name(run), run, slow=True))
    return run


def refused(code: str) -> Callable[[Callable[["Desk"], httpx2.Response]], None]:
    """Registers a function that provokes one refusal: its answer must be the problem `code` of protocol §4."""

    def register(provoke: Callable[["Desk"], httpx2.Response]) -> None:
        CHECKS.append(Check(_name(provoke), lambda desk: _refusal(provoke(desk), code)))

    return register


def equal(what: str, expected: object, got: object) -> None:
    """Fails unless both are equal."""
    if expected != got:
        raise Failed(what, expected, got)


def holds(what: str, condition: bool, expected: object, got: object) -> None:
    """Fails unless the condition holds."""
    if not condition:
        raise Failed(what, expected, got)


def answered(response: httpx2.Response, status: int) -> Any:
    """The JSON of an answer with this status; None when it has no body."""
    if response.status_code != status:
        raise Failed(f"{response.request.method} {response.request.url.path}", status, told(response))
    return response.json() if response.content else None


def problem(response: httpx2.Response, code: str) -> dict[str, Any]:
    """The problem (RFC 9457) that the answer is, of this code and its status."""
    if response.status_code != STATUS[code]:
        raise Failed("refusal", f"{STATUS[code]} {code}", told(response))
    media_type = response.headers.get("content-type", "").partition(";")[0]
    equal("media type of the refusal", "application/problem+json", media_type)
    body: dict[str, Any] = response.json()
    equal("code", code, body.get("code"))
    equal("status member", response.status_code, body.get("status"))
    for member in ("type", "title", "detail", "instance"):
        text = body.get(member)
        holds(f"member {member} of the problem", isinstance(text, str) and bool(text), "a text", text)
    for fault in body.get("errors", []):
        holds("a fault", {"path", "expected"} <= fault.keys(), "path and expected", fault)
    return body


def told(response: httpx2.Response) -> str:
    """An answer in one line."""
    return f"{response.status_code} {response.text}"


def _refusal(response: httpx2.Response, code: str) -> None:
    problem(response, code)


def _name(run: Callable[..., object]) -> str:
    return f"{run.__module__.rpartition('.')[2].removeprefix('check_')}.{run.__name__}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 400 else text[:400] + "…"
