"""The statement: a small signed token in which an agency says what it sends and under which terms (protocol §2).

One model a kind, with exactly the members that its row of §2.1 allows. The strict framing of the token (duplicate
members, numbers, depth, header) is checked before anything comes here.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from unicodedata import is_normalized

from annotated_types import MaxLen, MinLen
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from schemas import limits
from schemas.areas import Areas
from schemas.base import (
    AgencyId,
    AlertId,
    Choice,
    Count,
    Digest,
    Form,
    LanguageTag,
    Many,
    OfficerCode,
    Strict,
    Text,
    Timestamp,
    Uri,
    Words,
    branch,
    expected,
    unique,
)
from schemas.handling import ADDRESSING_PART, ADDRESSING_TYPE, Addressing, Handling, PartHandling
from schemas.terms import (
    AckOutcome,
    Assessment,
    Certainty,
    ChallengeOutcome,
    ErrorOutcome,
    Kind,
    NoticeKind,
    Product,
    ReplyOutcome,
    Severity,
    Status,
    Urgency,
    Wants,
)
from schemas.vocabulary import Domain

ALERT_EVENT: Final = "https://interagency-broker.example/ns/alert/1"
"""The event of everything that agencies post."""

NOTICE_EVENT: Final = "https://interagency-broker.example/ns/notice/1"
"""The event of a hub's notices."""

BREAK_GLASS: Final = "https://interagency-broker.example/ns/break-glass"
"""An extension: why an officer releases alone what a second one would have to approve (docs/adr/0008)."""

GLASS_BROKEN: Final = "https://interagency-broker.example/ns/glass-broken"
"""An extension of what a hub tells inspectors: who released what alone, and why (docs/adr/0008)."""

LATE: Final = "https://interagency-broker.example/ns/late"
"""An extension of what a hub says: an answer that did not come in time (docs/adr/0011)."""

COMPROMISED: Final = "https://interagency-broker.example/ns/compromised"
"""An extension of a hub's challenge or recall: since when others may have had the key (docs/adr/0013)."""

UNDERSTOOD: Final[frozenset[str]] = frozenset()
"""Extensions that may be listed in `crit`: none so far."""

_EVENT_DEPTH: Final = len(("events", ALERT_EVENT))

_RESTRICTED_NAME: Final = "[A-Za-z0-9!#$&^_.+-]+"
MediaType = Annotated[
    str,
    Form(
        rf'{_RESTRICTED_NAME}/{_RESTRICTED_NAME}(?: ?; ?{_RESTRICTED_NAME}=(?:{_RESTRICTED_NAME}|"[ !#-\[\]-~]*"))*',
        "a media type",
        limits.MEDIA_TYPE,
    ),
]
PartId = Annotated[str, Form("[A-Za-z0-9._-]{1,64}", "letters, digits, dot, hyphen, low line; at most 64", 64)]


class Part(Strict):
    """What the statement says of one piece of content: the digest is of salt and bytes."""

    id: PartId
    type: MediaType
    size: Count
    digest: Digest
    language: LanguageTag | None = None
    sealed: bool = False
    handling: PartHandling | None = None

    @model_validator(mode="after")
    def _addressing_is_for_hubs(self) -> Self:
        if self.id == ADDRESSING_PART:
            if self.type != ADDRESSING_TYPE:
                raise expected(ADDRESSING_TYPE, "type")
            if self.sealed:
                raise expected("false: hubs read the part addressing", "sealed")
        return self


class Refs(Strict):
    """Case references: the sender's own, and the receiver's."""

    ours: Text | None = None
    yours: Text | None = None


def _normal(headline: dict[str, str]) -> dict[str, str]:
    for language, text in headline.items():
        if not is_normalized("NFC", text):
            raise expected("text in Unicode normalization form C", language)
    return headline


def _understood(crit: tuple[str, ...]) -> tuple[str, ...]:
    for index, uri in enumerate(crit):
        if uri not in UNDERSTOOD:
            raise expected("an extension that this hub understands", index)
    return crit


def _reasoned(ext: dict[str, Any]) -> dict[str, Any]:
    """What the hub itself acts on has its form; every other extension holds what it likes."""
    if BREAK_GLASS in ext and not _is_reason(ext[BREAK_GLASS]):
        raise expected('{"reason": "…"} alone, with 1 to 300 characters of Unicode normalization form C', BREAK_GLASS)
    return ext


def _is_reason(stated: Any) -> bool:
    reason = stated.get("reason") if isinstance(stated, Mapping) and stated.keys() == {"reason"} else None
    return (
        isinstance(reason, str)
        and bool(reason.strip())
        and len(reason) <= limits.REASON
        and is_normalized("NFC", reason)
    )


def _distinct(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    unique(parts, lambda part: part.id, "another id for each part")
    return parts


Headline = Annotated[Words, AfterValidator(_normal)]
Parts = Annotated[Many[Part], MaxLen(limits.PARTS), AfterValidator(_distinct)]
One = Annotated[Many[AlertId], MinLen(1), MaxLen(1)]
Several = Annotated[Many[AlertId], MinLen(1), MaxLen(limits.REFERENCES)]


class _Common(Strict):
    """What all kinds may have."""

    status: Status
    by: OfficerCode | None = None
    on_behalf_of: AgencyId | None = None
    refs: Refs | None = None
    ext: Annotated[dict[Uri, Any], MaxLen(limits.EXTENSIONS), AfterValidator(_reasoned)] = Field(default_factory=dict)
    crit: Annotated[Many[Uri], MaxLen(limits.EXTENSIONS), AfterValidator(_understood)] = ()


class _WithParts(_Common):
    """What can carry content, and so say whom it is for."""

    headline: Headline | None = None
    parts: Parts = ()
    handling: Handling | None = None
    addressing: Addressing | None = None

    needs_addressing: ClassVar[bool] = False
    needs_content: ClassVar[bool] = False

    @property
    def content_parts(self) -> tuple[Part, ...]:
        """The parts that readers may get: all but `addressing`."""
        return tuple(part for part in self.parts if part.id != ADDRESSING_PART)

    @property
    def addressing_part(self) -> Part | None:
        """The part that stands in for the addressing."""
        return next((part for part in self.parts if part.id == ADDRESSING_PART), None)

    @model_validator(mode="after")
    def _addressed_once(self) -> Self:
        if self.addressing is not None and self.addressing_part is not None:
            raise expected("an addressing here or in the part addressing, not both", "addressing")
        if self.needs_addressing and self.addressing is None and self.addressing_part is None:
            raise expected("an addressing, here or in the part addressing", "addressing")
        return self

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.needs_content and self.headline is None and not self.content_parts:
            raise expected("a headline or a part", "headline")
        return self


class _Situation(_WithParts):
    """What happened or may happen, where and when; what a kind requires of it, it says itself."""

    domain: Domain | None = None
    urgency: Urgency | None = None
    severity: Severity | None = None
    certainty: Certainty | None = None
    expires: Timestamp | None = None
    effective: Timestamp | None = None
    onset: Timestamp | None = None
    areas: Areas = ()


class _Full(_Situation):
    """What `alert`, `update` and `request` all require."""

    domain: Domain
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    expires: Timestamp
    handling: Handling

    needs_addressing: ClassVar[bool] = True
    needs_content: ClassVar[bool] = True


class Alert(_Full):
    """An agency tells others what happened or may happen."""

    kind: Literal[Kind.ALERT]
    product: Product


class Update(_Full):
    """Takes the place of what it references."""

    kind: Literal[Kind.UPDATE]
    product: Product
    references: Several


class Cancel(_Situation):
    """Ends what it references; what it does not state it takes from the first of them, but for `expires`."""

    kind: Literal[Kind.CANCEL]
    product: Product | None = None
    references: Several


def _listed(wants: Any) -> Any:
    """A single want may be written without its brackets."""
    return (wants,) if isinstance(wants, str) else wants


class Request(_Full):
    """Asks other agencies for something; `onward` asks an issuer whether others may have its alert."""

    kind: Literal[Kind.REQUEST]
    wants: Annotated[
        Many[Wants],
        MinLen(1),
        MaxLen(len(Wants)),
        BeforeValidator(_listed, json_schema_input_type=Wants | Annotated[list[Wants], MinLen(1)]),
    ]
    respond_by: Timestamp
    references: One | None = None
    onward_to: Annotated[Many[AgencyId], MinLen(1), MaxLen(limits.SELECTORS)] | None = None

    @model_validator(mode="after")
    def _onward_names_what_and_whom(self) -> Self:
        onward = Wants.ONWARD in self.wants
        if onward and len(self.wants) > 1:
            raise expected("onward alone", "wants")
        for member in ("references", "onward_to"):
            stated = getattr(self, member) is not None
            if onward and not stated:
                raise expected("this member, as the request wants onward", member)
            if stated and not onward:
                raise expected("no such member, unless the request wants onward", member)
        return self


class Ack(_Common):
    """A reader tells the issuer what it did with an alert."""

    kind: Literal[Kind.ACK]
    references: One
    outcome: AckOutcome
    assessment: Assessment | None = None


class Error(_Common):
    """A reader tells the issuer that it could not use an alert."""

    kind: Literal[Kind.ERROR]
    references: One
    outcome: ErrorOutcome


class Reply(_WithParts):
    """Answers a request; its handling, where missing, is the request's, as are its domain and severity."""

    kind: Literal[Kind.REPLY]
    references: One
    outcome: ReplyOutcome


class Approve(_Common):
    """The second officer lets a waiting alert go."""

    kind: Literal[Kind.APPROVE]
    references: One


class Consent(_Common):
    """The issuer's answer to a request that wants `onward`; it names whom that request named."""

    kind: Literal[Kind.CONSENT]
    references: One
    granted: bool


class Recall(_Common):
    """The issuer takes an alert back from all who were given it."""

    kind: Literal[Kind.RECALL]
    references: One


class Erased(_Common):
    """A reader tells that it has erased what was recalled."""

    kind: Literal[Kind.ERASED]
    references: One


class Challenge(_Common):
    """A reviewer outside the issuer's line suspends an alert, or withdraws the suspension."""

    kind: Literal[Kind.CHALLENGE]
    references: One
    outcome: ChallengeOutcome


KINDS: Final = {
    Kind.ALERT: Alert,
    Kind.UPDATE: Update,
    Kind.CANCEL: Cancel,
    Kind.REQUEST: Request,
    Kind.ACK: Ack,
    Kind.ERROR: Error,
    Kind.REPLY: Reply,
    Kind.APPROVE: Approve,
    Kind.CONSENT: Consent,
    Kind.RECALL: Recall,
    Kind.ERASED: Erased,
    Kind.CHALLENGE: Challenge,
}


def _kind(event: Any) -> str | None:
    kind = event.get("kind") if isinstance(event, Mapping) else getattr(event, "kind", None)
    return kind if isinstance(kind, str) else None


Event = Annotated[
    Annotated[Alert, branch("alert")]
    | Annotated[Update, branch("update")]
    | Annotated[Cancel, branch("cancel")]
    | Annotated[Request, branch("request")]
    | Annotated[Ack, branch("ack")]
    | Annotated[Error, branch("error")]
    | Annotated[Reply, branch("reply")]
    | Annotated[Approve, branch("approve")]
    | Annotated[Consent, branch("consent")]
    | Annotated[Recall, branch("recall")]
    | Annotated[Erased, branch("erased")]
    | Annotated[Challenge, branch("challenge")],
    Choice(_kind, "one of the kinds of protocol §2.1", "kind"),
]


class Events(Strict):
    """Exactly one event, under the URI of version 1."""

    alert: Event = Field(alias=ALERT_EVENT)


class Claims(Strict):
    """What is signed."""

    iss: AgencyId
    jti: AlertId
    iat: Count
    aud: Annotated[str, MinLen(1), MaxLen(limits.URI)]
    txn: Text | None = None
    toe: Count | None = None
    events: Events

    @property
    def event(self) -> Event:
        """What the statement says."""
        return self.events.alert

    @property
    def issuer(self) -> str:
        """`on_behalf_of` where it stands, else `iss` (protocol §1)."""
        return self.event.on_behalf_of or self.iss

    @model_validator(mode="after")
    def _written_before_signed(self) -> Self:
        if self.toe is not None and self.toe > self.iat:
            raise expected("a time not after iat", "toe")
        return self

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> Self:
        """Check an already parsed claims object. Raises ValidationError, which `schemas.faults.faults` reads.

        A member that is null is refused: what is not stated is left out.
        """
        checked = cls.model_validate(claims)
        if nulls := [
            InitErrorDetails(type=expected("a value, or no such member"), loc=path, input=None)
            for path in _nulls(claims)
        ]:
            raise ValidationError.from_exception_data(cls.__name__, nulls, hide_input=True)
        return checked


def _nulls(claims: Mapping[str, Any]) -> Iterator[tuple[str | int, ...]]:
    """Where null stands for a member that should be left out; extensions may hold what they like."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), claims)]
    while waiting:
        path, holder = waiting.pop()
        items: Iterable[tuple[str | int, Any]]
        items = enumerate(holder) if isinstance(holder, list) else holder.items()
        for step, value in items:
            if value is None:
                yield (*path, step)
            elif isinstance(value, list | dict) and not (step == "ext" and len(path) == _EVENT_DEPTH):
                waiting.append(((*path, step), value))


class Notice(Strict):
    """What a hub tells of an alert that it gave: no content, no headline."""

    alert: AlertId
    kind: NoticeKind
    at: Timestamp
