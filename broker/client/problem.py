"""What went wrong, as the hub told it (RFC 9457), or as it was found here."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import ValidationError

from schemas.faults import faults


@dataclass(frozen=True, slots=True)
class FaultAt:
    """Where (a JSON Pointer from the claims or the request), and what was expected there."""

    path: str
    expected: str


class ProblemError(Exception):
    """A refusal, with the stable `code` of protocol §4.

    `status` is the HTTP status, None when nothing was sent: what would be refused is told before it leaves.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        errors: Iterable[FaultAt] = (),
        *,
        status: int | None = None,
        instance: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.status = status
        self.instance = instance
        self.retry_after = retry_after


class UnreachableError(ProblemError):
    """The hub gave no answer. Whether it did what was asked is unknown: post the same bytes again."""

    def __init__(self, why: str) -> None:
        super().__init__("unreachable", f"The hub gave no answer: {why}")


def invalid(error: ValidationError, code: str, detail: str) -> ProblemError:
    """What a schema says, in the words that the hub would use."""
    return ProblemError(code, detail, (FaultAt(path, expected) for path, expected in faults(error)))


def problem_of(response: httpx2.Response) -> ProblemError:
    """The problem in an answer that is no success; of OAuth (RFC 6749 §5.2) and RFC 8935 too."""
    told = _object(response)
    code = told.get("code") or told.get("error") or told.get("err") or f"http-{response.status_code}"
    detail = told.get("detail") or told.get("error_description") or told.get("description") or response.reason_phrase
    listed = told.get("errors")
    return ProblemError(
        str(code),
        str(detail),
        [
            FaultAt(str(each.get("path", "")), str(each.get("expected", "")))
            for each in (listed if isinstance(listed, list) else ())
            if isinstance(each, dict)
        ],
        status=response.status_code,
        instance=told.get("instance"),
        retry_after=retry_after(response),
    )


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds that the hub asks to wait; it states them as a number."""
    stated = response.headers.get("retry-after", "")
    return float(stated) if stated.isascii() and stated.isdigit() else None


def _object(response: httpx2.Response) -> dict[str, Any]:
    try:
        value = json.loads(response.content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
