"""Reads the Common Alerting Protocol, versions 1.1 and 1.2 (OASIS), into what protocol §7 takes from it.

About one national document in five breaks the schema. So what can be understood is accepted, and each departure is
told as a finding; what cannot be read at all is `CapUnreadable`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar
from unicodedata import normalize

from lxml import etree

from schemas.areas import Area
from schemas.base import instant
from schemas.cap_areas import AreaUnion
from schemas.cap_xml import CapUnreadable, Findings, check_members, children, only_text_of, parse, text_of
from schemas.terms import Certainty, Severity, Status, Urgency, certainty_rank, severity_rank, urgency_rank

__all__ = ["CAP_TYPE", "CapSummary", "CapUnreadable", "disagreements", "read", "summarise"]

CAP_TYPE: Final = "application/cap+xml"
"""The media type of a CAP part."""

_ALERT_ORDER: Final = (
    "identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction", "addresses",
    "code", "note", "references", "incidents", "info",
)  # fmt: skip
_INFO_ORDER: Final = (
    "language", "category", "event", "responseType", "urgency", "severity", "certainty", "audience", "eventCode",
    "effective", "onset", "expires", "senderName", "headline", "description", "instruction", "web", "contact",
    "parameter", "resource", "area",
)  # fmt: skip
_STATUSES: Final = {
    "Actual": Status.ACTUAL,
    "Exercise": Status.EXERCISE,
    "Test": Status.TEST,
    "System": Status.SYSTEM,
}
_MSG_TYPES: Final = frozenset({"Alert", "Update", "Cancel", "Ack", "Error"})
_SCOPES: Final = frozenset({"Public", "Restricted", "Private"})
_DEFAULT_LANGUAGE: Final = "en-US"
"""CAP 1.2 §3.2.2: what an info without `language` is in."""

Graded = TypeVar("Graded", Urgency, Severity, Certainty)


@dataclass(frozen=True, slots=True)
class CapSummary:
    """What a CAP document says as a whole: the highest of its infos, the union of their areas (protocol §7).

    What is missing or cannot be understood is None. Without an info there is no urgency, severity or certainty.
    """

    identifier: str | None
    sender: str | None
    sent: str | None
    status: Status | None
    """None also for `Draft`, which nobody may post."""
    msg_type: str | None
    scope: str | None
    references: tuple[str, ...] = ()
    """Each as `sender,identifier,sent`."""
    urgency: Urgency | None = None
    severity: Severity | None = None
    certainty: Certainty | None = None
    expires: str | None = None
    """The latest, as written there."""
    areas: tuple[Area, ...] = ()
    languages: tuple[str, ...] = ()
    headlines: Mapping[str, str] = field(default_factory=dict)
    """By language, the first of each; NFC."""
    findings: tuple[str, ...] = ()
    """Where it departs from the standard, in words without content."""


def read(data: bytes) -> CapSummary:
    """Reads one document. CapUnreadable where it is none, or asks for a DTD or entities."""
    return summarise(parse(data))


def summarise(alert: etree._Element) -> CapSummary:
    """Sums up an `alert` element that was parsed safely, such as the one that an XML signature covered."""
    findings = Findings()
    check_members(alert, _ALERT_ORDER, "the alert", findings)
    infos = list(children(alert, "info"))
    for info in infos:
        check_members(info, _INFO_ORDER, "an info", findings)
    languages = [text_of(info, "language") or _DEFAULT_LANGUAGE for info in infos]
    union = AreaUnion(findings)
    for info, language in zip(infos, languages, strict=True):
        for area in children(info, "area"):
            union.add(area, language)
    status = _one_of("status", only_text_of(alert, "status"), _STATUSES, findings)
    return CapSummary(
        identifier=_required("identifier", alert, findings),
        sender=_required("sender", alert, findings),
        sent=_time("sent", _required("sent", alert, findings), findings),
        status=_STATUSES[status] if status else None,
        msg_type=_one_of("msgType", text_of(alert, "msgType"), _MSG_TYPES, findings),
        scope=_one_of("scope", only_text_of(alert, "scope"), _SCOPES, findings),
        references=tuple((text_of(alert, "references") or "").split()),
        urgency=_highest("urgency", infos, Urgency, urgency_rank, findings),
        severity=_highest("severity", infos, Severity, severity_rank, findings),
        certainty=_highest("certainty", infos, Certainty, certainty_rank, findings),
        expires=_latest_expiry(infos, findings),
        areas=union.areas(),
        languages=tuple(dict.fromkeys(languages)),
        headlines=_headlines(infos, languages),
        findings=findings.all(),
    )


def disagreements(  # noqa: PLR0913 - one argument for each member that must agree (protocol §2)
    summary: CapSummary,
    *,
    ids: Collection[str],
    senders: Collection[str],
    status: Status,
    public: bool,
    severity: Severity | None = None,
    urgency: Urgency | None = None,
    certainty: Certainty | None = None,
    expires: str | None = None,
) -> list[tuple[str, str]]:
    """Where a CAP part contradicts the statement that carries it (protocol §2), as (member of the event, expected).

    `ids` are the alert's id and `refs.ours`; `senders` the issuer and its aliases; `public` is whether `@public` is
    addressed. What the statement does not state (None), and what the part does not, cannot disagree.
    """
    told = []
    if summary.identifier not in ids:
        told.append(("/refs/ours", "the identifier of the CAP part, where that is not the alert's id"))
    if summary.sender not in senders:
        told.append(("/parts", "a CAP part whose sender is the issuer or one of its aliases in the directory"))
    if summary.status is not status:
        told.append(("/status", "the status of the CAP part"))
    if (summary.scope == "Public") is not public:
        told.append(("/addressing/to", "@public exactly if the scope of the CAP part is Public"))
    stated = {"severity": severity, "urgency": urgency, "certainty": certainty}
    for member, value in stated.items():
        highest = getattr(summary, member)
        if value is not None and highest is not None and value is not highest:
            told.append((f"/{member}", f"{highest}: the highest of the CAP part"))
    if expires is not None and summary.expires is not None and instant(expires) != instant(summary.expires):
        told.append(("/expires", "the latest expires of the CAP part"))
    return told


def _required(name: str, alert: etree._Element, findings: Findings) -> str | None:
    text = only_text_of(alert, name)
    if text is None:
        findings.add(f"the alert has no {name}")
    return text


def _one_of(name: str, text: str | None, known: Collection[str], findings: Findings) -> str | None:
    """The term as the standard writes it, whatever its letters' case here."""
    written = next((term for term in known if text is not None and term.lower() == text.lower()), None)
    if written is None:
        findings.add(f"the alert's {name} is missing or none that can be used")
    elif written != text:
        findings.add(f"the alert's {name} is written in other letters")
    return written


def _time(name: str, text: str | None, findings: Findings) -> str | None:
    if text is None:
        return None
    try:
        instant(text)
    except ValueError:
        findings.add(f"{name} is no time with an offset")
        return None
    if text.endswith("Z"):
        findings.add(f"{name} has Z for its offset")
    return text


def _highest(
    name: str,
    infos: Sequence[etree._Element],
    terms: type[Graded],
    rank: Callable[[Graded], int],
    findings: Findings,
) -> Graded | None:
    """The highest over all infos; what cannot be understood counts as unknown."""
    return max((_graded(name, only_text_of(info, name), terms, findings) for info in infos), key=rank, default=None)


def _graded(name: str, text: str | None, terms: type[Graded], findings: Findings) -> Graded:
    if text == "Very Likely":  # CAP 1.0's, and to be read as Likely (CAP 1.2 §3.2.2)
        findings.add("certainty is a term of CAP 1.0")
        text = "Likely"
    try:
        term = terms((text or "").lower())
    except ValueError:
        findings.add(f"an info's {name} is missing or not a term of the standard: taken as unknown")
        return terms("unknown")
    if text != term.capitalize():
        findings.add(f"an info's {name} is written in other letters")
    return term


def _latest_expiry(infos: Sequence[etree._Element], findings: Findings) -> str | None:
    stated = [_time("expires", only_text_of(info, "expires"), findings) for info in infos]
    times = [text for text in stated if text is not None]
    if infos and not times:
        findings.add("no info says when it expires")
    return max(times, key=instant, default=None)


def _headlines(infos: Sequence[etree._Element], languages: Sequence[str]) -> dict[str, str]:
    headlines: dict[str, str] = {}
    for info, language in zip(infos, languages, strict=True):
        text = text_of(info, "headline")
        if text is not None:
            headlines.setdefault(language, normalize("NFC", text))
    return headlines
