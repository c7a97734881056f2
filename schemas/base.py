"""The base model and the small string types that everything on the wire is made of (protocol §1)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar

from annotated_types import MaxLen, MinLen
from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, GetCoreSchemaHandler, Tag
from pydantic_core import PydanticCustomError, core_schema

from schemas import limits


class Strict(BaseModel):
    """A value from the wire: no coercion, no unknown members, no change after it was made."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
    )


Item = TypeVar("Item")

Many = Annotated[tuple[Item, ...], Field(strict=False)]
"""A JSON array, kept as a tuple."""

TAG_MARK: Final = "\x1f"
"""Begins the name of each branch of a union, so that a fault's path can leave it out."""


def branch(name: str) -> Tag:
    """The tag of one branch of a union; it never shows in a path."""
    return Tag(TAG_MARK + name)


@dataclass(frozen=True)
class Choice:
    """Tells the branches of a union apart; `name` gives the branch, or None where there is no such one."""

    name: Callable[[Any], str | None]
    words: str
    member: str | None = None
    """Where the fault lies when no branch fits: at this member, else at the value itself."""

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Pydantic's own discriminator, with our words for a refusal."""
        return Discriminator(
            self._tag,
            custom_error_type="expected",
            custom_error_message="{expected}",
            custom_error_context=self._context(),
        ).__get_pydantic_core_schema__(source, handler)

    def _context(self) -> dict[str, Any]:
        return {"expected": self.words, "member": () if self.member is None else (self.member,)}

    def _tag(self, value: Any) -> str | None:
        name = self.name(value)
        return None if name is None else TAG_MARK + name


def expected(phrase: str, *member: str | int) -> PydanticCustomError:
    """A fault that says what was expected, at `member` below the value that is being checked.

    The phrase must not repeat what was sent: that may be personal data.
    """
    context: dict[str, Any] = {"expected": phrase, "member": member}
    return PydanticCustomError("expected", "{expected}", context)


@dataclass(frozen=True)
class Form:
    """The form of a string: a pattern that both Rust and ECMA-262 read alike, and the words for it in a refusal."""

    pattern: str
    words: str
    most: int

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """A string of this form; what does not fit is told in our words."""
        text = core_schema.str_schema(pattern=f"^(?:{self.pattern})$", max_length=self.most, strict=True)
        return core_schema.custom_error_schema(
            text,
            custom_error_type="expected",
            custom_error_context={"expected": self.words},
            custom_error_message="{expected}",
        )


def unique(items: tuple[Item, ...], key: Callable[[Item], str], phrase: str, *member: str | int) -> None:
    """Refuse, at the later of the two, items of one list that share a key."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        if key(item) in seen:
            raise expected(phrase, *member, index)
        seen.add(key(item))


_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:)([0-9]{2})(\.[0-9]{1,32})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


@lru_cache(maxsize=1_024)
def instant(text: str) -> datetime:
    """The moment that an RFC 3339 time with an offset names, in UTC. ValueError for anything else.

    A leap second counts as the second after it; fractions are cut to the microsecond. Remembered: a decision asks for
    the times of the directory's entries twenty times over.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 time with an offset")
    date, minutes, seconds, fraction, offset = match.groups()
    leap = seconds == "60"
    moment = datetime.fromisoformat(f"{date}T{minutes}{'59' if leap else seconds}{fraction or ''}{offset.upper()}")
    try:
        return moment.astimezone(UTC) + timedelta(seconds=leap)
    except OverflowError as error:
        raise ValueError("outside the calendar") from error


def _is_time(text: str) -> str:
    try:
        instant(text)
    except ValueError:
        raise expected("a time as in RFC 3339, with an offset") from None
    return text


_LABELS: Final = r"[a-z0-9-]+(?:\.[a-z0-9-]+){0,7}"
_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

AgencyId = Annotated[str, Form(_LABELS, "an agency id", limits.AGENCY_ID)]
"""A dotted id, most general first: `vn.mps.c02`."""

CommunityName = Annotated[str, Form(f"@{_LABELS}", "the name of a community, with its @", limits.AGENCY_ID)]
"""`@asean.disaster`; the `@` is part of the name. `@public` is everyone."""

Selector = Annotated[
    str,
    Form(rf"@{_LABELS}|{_LABELS}(?:\.\*)?", "an agency id, a.* or a community", limits.AGENCY_ID + len(".*")),
]
"""An agency id (that one alone), `a.*` (its descendants), or a community."""

AlertId = Annotated[
    str,
    Form(f"{_LABELS}/{_UUID}", "an alert's id: agency, slash, lower-case UUID", limits.AGENCY_ID + len("/") + 36),
]
"""A `jti`: the issuer, a slash, a lower-case UUID."""

Digest = Annotated[str, Form("sha256:[0-9a-f]{64}", "sha256: and 64 lower-case hexadecimal digits", 71)]

B64Url = Annotated[str, Form("[A-Za-z0-9_-]*", "base64url without padding", 2**26)]
"""Base64url without padding."""

Timestamp = Annotated[str, AfterValidator(_is_time), Field(max_length=64, json_schema_extra={"format": "date-time"})]
"""An RFC 3339 time with an offset, kept as written; `instant` reads it."""

LanguageTag = Annotated[str, Form("(?:[A-Za-z]{2,8}|[xi])(?:-[A-Za-z0-9]{1,8})*", "a BCP 47 language tag", 64)]
"""Checked for form alone."""

Uri = Annotated[str, Form("[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", "a URI", limits.URI)]

OfficerCode = Annotated[
    str, Form("[A-Za-z0-9._-]{1,64}", "an officer's code: letters, digits, dot, hyphen, low line", 64)
]
"""An officer's code in the agency's own register; never a name."""

IsoCode = Annotated[str, Form("[A-Z]{2}(?:-[A-Z0-9]{1,3})?", "an ISO 3166-1 alpha-2 or 3166-2 code", 6)]
"""A country or a subdivision of one."""

Country = Annotated[str, Form("[A-Z]{2}", "an ISO 3166-1 alpha-2 code", 2)]

Text = Annotated[str, Field(min_length=1, max_length=limits.TEXT)]
"""A short text: a case reference, a code of somebody else's register."""

Words = Annotated[
    dict[LanguageTag, Annotated[str, Field(min_length=1, max_length=limits.HEADLINE)]],
    MinLen(1),
    MaxLen(limits.LANGUAGES),
]
"""A short text in several languages."""

Count = Annotated[int, Field(ge=0, le=limits.SAFE_INTEGER)]
"""A whole number, or seconds since 1970."""
