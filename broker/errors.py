"""What a poster or reader can be told: one exception, with the stable codes of protocol §4."""

from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "too-large",
    "header-too-large",
    "unsupported-media-type",
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
    "busy",
    "unauthenticated",
    "insufficient-scope",
    "not-found",
    "gone",
    "invalid-request",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where (a JSON Pointer from the claims or the request), and what was expected."""

    path: str
    expected: str


class Refused(Exception):  # noqa: N818 - a refusal is an answer of the protocol, not an error of ours
    """The request ends here with `code`; nothing of it is kept.

    `detail` is one sentence for a duty officer; it never repeats content or what was sent.
    `too_many` says of `busy` that it is the client who asks too much (429), not the hub that cannot (503).
    `more` are further members of the problem document (`oldest` of a `gone` stream).
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        faults: tuple[Fault, ...] = (),
        *,
        retry_after: int | None = None,
        too_many: bool = False,
        more: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: Code = code
        self.detail = detail
        self.faults = faults
        self.retry_after = retry_after
        self.too_many = too_many
        self.more = more or {}
        self.claimed: str | None = None
        """Who the statement says it is from, for inspectors: nothing more of what was refused is kept."""


class Broken(Exception):  # noqa: N818 - named as operators would say it
    """The broker itself cannot go on (settings, keys, store); the message says what and how to mend it."""
