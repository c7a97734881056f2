"""The closed lists of terms that statements, subscriptions and the directory use (protocol §2 to §6)."""

from enum import StrEnum
from typing import Any, cast

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema


class Term(StrEnum):
    """A member of a closed list, written on the wire as its value."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Let strict models take the wire's string as well as the member, and nothing else."""
        schema = handler(source)
        return cast("core_schema.CoreSchema", {**schema, "strict": False})


class Kind(Term):
    """What a statement does (protocol §2.1)."""

    ALERT = "alert"
    UPDATE = "update"
    CANCEL = "cancel"
    REQUEST = "request"
    ACK = "ack"
    ERROR = "error"
    REPLY = "reply"
    APPROVE = "approve"
    CONSENT = "consent"
    RECALL = "recall"
    ERASED = "erased"
    CHALLENGE = "challenge"


class NoticeKind(Term):
    """What became of an alert, told by the hub (protocol §2.1)."""

    UPDATED = "updated"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


class Product(Term):
    """What sort of alert it is."""

    WARNING = "warning"
    ADVISORY = "advisory"
    FORECAST = "forecast"
    SITUATION_REPORT = "situation-report"
    ALL_CLEAR = "all-clear"
    NOTICE = "notice"
    REPORT = "report"
    DATA = "data"


class Status(Term):
    """How it is meant; `system` is the hub's own."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"
    SYSTEM = "system"


class Urgency(Term):
    """CAP 1.2 §3.2.2, lower case."""

    IMMEDIATE = "immediate"
    EXPECTED = "expected"
    FUTURE = "future"
    PAST = "past"
    UNKNOWN = "unknown"


class Severity(Term):
    """CAP 1.2 §3.2.2, lower case."""

    EXTREME = "extreme"
    SEVERE = "severe"
    MODERATE = "moderate"
    MINOR = "minor"
    UNKNOWN = "unknown"


class Certainty(Term):
    """CAP 1.2 §3.2.2, lower case."""

    OBSERVED = "observed"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"
    UNKNOWN = "unknown"


class Tlp(Term):
    """FIRST Traffic Light Protocol 2.0."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"


class Onward(Term):
    """The third-party rule: what a reader may pass on."""

    FREE = "free"
    COMMUNITY = "community"
    ASK_ORIGINATOR = "ask-originator"
    NONE = "none"


class Purpose(Term):
    """What it may be used for."""

    PREVENTION = "prevention"
    INVESTIGATION = "investigation"
    PROSECUTION = "prosecution"
    HUMANITARIAN = "humanitarian"
    PUBLIC_WARNING = "public-warning"


class PersonalData(Term):
    """Whether it is about persons."""

    NONE = "none"
    ORDINARY = "ordinary"
    SENSITIVE = "sensitive"


class Wants(Term):
    """What a request asks for."""

    INFORMATION = "information"
    CONFIRMATION = "confirmation"
    RECORD_CHECK = "record-check"
    VERIFICATION = "verification"
    ASSISTANCE = "assistance"
    ONWARD = "onward"


class AckOutcome(Term):
    """What a reader did with an alert."""

    RECEIVED = "received"
    READ = "read"
    ACTING = "acting"
    CANNOT_ACT = "cannot-act"
    DISPUTES = "disputes"


class Assessment(Term):
    """What a reader thinks of an alert."""

    USEFUL = "useful"
    FALSE = "false"
    DUPLICATE = "duplicate"
    ACTED = "acted"
    SEEN = "seen"


class ErrorOutcome(Term):
    """Why a reader could not use an alert."""

    CANNOT_VERIFY = "cannot-verify"
    CANNOT_PARSE = "cannot-parse"
    CANNOT_STORE = "cannot-store"


class ReplyOutcome(Term):
    """The answer to a request."""

    HIT = "hit"
    NO_HIT = "no-hit"
    PARTIAL = "partial"
    REFUSED = "refused"
    FORWARDED = "forwarded"
    NEED_MORE = "need-more"
    OFFER = "offer"


class ChallengeOutcome(Term):
    """What a reviewer asks for."""

    SUSPEND = "suspend"
    WITHDRAW = "withdraw"


class Tier(Term):
    """What sort of organisation an agency is; communities admit by it."""

    STATE = "state"
    INTERGOVERNMENTAL = "intergovernmental"
    BUSINESS = "business"
    ORGANISATION = "organisation"
    CITIZENS = "citizens"


class Role(Term):
    """What an agency may do beyond sending and receiving."""

    INSPECTOR = "inspector"
    WITNESS = "witness"


class PersonRole(Term):
    """What a person of an agency is there for."""

    OFFICER = "officer"
    APPROVER = "approver"
    INSPECTOR = "inspector"
    OPERATOR = "operator"
    REGISTRAR = "registrar"


class KeyUse(Term):
    """The one use of a key (protocol §2)."""

    STATEMENT = "statement"
    RECEIPT = "receipt"
    AUTH = "auth"
    WEBHOOK = "webhook"
    LOG = "log"
    REGISTRAR = "registrar"
    SEAL = "seal"
    """Others seal parts for its agency with it; it signs nothing."""


class Alg(Term):
    """Signature algorithms (RFC 9864, RFC 7518, RFC 9964); `EdDSA` counts as `Ed25519` everywhere.

    The last is for keys of use `seal` alone, and signs nothing (RFC 7518 §4.6).
    """

    ED25519 = "Ed25519"
    EDDSA = "EdDSA"
    ES256 = "ES256"
    ML_DSA_65 = "ML-DSA-65"
    ECDH_ES_A256KW = "ECDH-ES+A256KW"


_SEVERITIES = (Severity.UNKNOWN, Severity.MINOR, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME)
_URGENCIES = (Urgency.UNKNOWN, Urgency.PAST, Urgency.FUTURE, Urgency.EXPECTED, Urgency.IMMEDIATE)
_CERTAINTIES = (Certainty.UNKNOWN, Certainty.UNLIKELY, Certainty.POSSIBLE, Certainty.LIKELY, Certainty.OBSERVED)
_TLPS = tuple(Tlp)
_ONWARDS = tuple(Onward)


def severity_rank(severity: Severity) -> int:
    """0 for unknown to 4 for extreme. What unknown means against a threshold or a ceiling is the caller's rule."""
    return _SEVERITIES.index(severity)


def urgency_rank(urgency: Urgency) -> int:
    """0 for unknown to 4 for immediate."""
    return _URGENCIES.index(urgency)


def certainty_rank(certainty: Certainty) -> int:
    """0 for unknown to 4 for observed."""
    return _CERTAINTIES.index(certainty)


def tlp_rank(tlp: Tlp) -> int:
    """0 for clear to 4 for red: higher is stricter."""
    return _TLPS.index(tlp)


def onward_rank(onward: Onward) -> int:
    """0 for free to 3 for none: higher is stricter."""
    return _ONWARDS.index(onward)
