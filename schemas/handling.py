"""Who may have an alert and what they may do with it (protocol §3).

Only the form is held here. What may not stand together, and what personal data asks for, is policy.
"""

from typing import Annotated, Any, Literal

from annotated_types import MaxLen, MinLen

from schemas import limits
from schemas.base import AlertId, Choice, Count, Digest, Many, Selector, Strict, Text, Timestamp, branch
from schemas.terms import Onward, PersonalData, Purpose, Tlp

ADDRESSING_TYPE = "application/vnd.interagency.addressing+json"
"""The media type of the part `addressing`."""

ADDRESSING_PART = "addressing"
"""The id of the part that stands in for the addressing, and that only hubs get."""


class LegalBasis(Strict):
    """The instrument and its article that allow passing on personal data."""

    instrument: Text
    article: Text


class Person(Strict):
    """What the sender declares about a message on a person."""

    neutrality: Literal["interpol-article-3"] | None = None
    """That Article 3 of INTERPOL's constitution is respected. Whether it must stand is policy's question."""
    offence: Text | None = None
    reference: Text | None = None


class AdmiraltyEvaluation(Strict):
    """NATO Admiralty: source A to F, information 1 to 6."""

    scheme: Literal["admiralty"]
    source: Literal["A", "B", "C", "D", "E", "F"]
    information: Literal["1", "2", "3", "4", "5", "6"]


class EuropolEvaluation(Strict):
    """Europol 4 × 4: source A, B, C, X, information 1 to 4."""

    scheme: Literal["europol"]
    source: Literal["A", "B", "C", "X"]
    information: Literal["1", "2", "3", "4"]


def _scheme(evaluation: Any) -> str | None:
    scheme = evaluation.get("scheme") if isinstance(evaluation, dict) else getattr(evaluation, "scheme", None)
    return scheme if isinstance(scheme, str) else None


Evaluation = Annotated[
    Annotated[AdmiraltyEvaluation, branch("admiralty")] | Annotated[EuropolEvaluation, branch("europol")],
    Choice(_scheme, "admiralty or europol", "scheme"),
]

Purposes = Annotated[Many[Purpose], MinLen(1), MaxLen(len(Purpose))]
Caveat = Annotated[str, MinLen(1), MaxLen(64)]
Caveats = Annotated[Many[Caveat], MaxLen(limits.CAVEATS)]
References = Annotated[Many[AlertId], MaxLen(limits.REFERENCES)]


class PartHandling(Strict):
    """A part's own terms: any of handling's members, each acting as the stricter of the two."""

    tlp: Tlp | None = None
    onward: Onward | None = None
    purpose: Purposes | None = None
    personal_data: PersonalData | None = None
    legal_basis: LegalBasis | None = None
    erase_after: Timestamp | None = None
    person: Person | None = None
    caveats: Caveats = ()
    evaluation: Evaluation | None = None
    derived_from: References = ()


class Handling(Strict):
    """The terms of a whole alert."""

    tlp: Tlp
    onward: Onward
    purpose: Purposes
    personal_data: PersonalData
    legal_basis: LegalBasis | None = None
    erase_after: Timestamp | None = None
    person: Person | None = None
    caveats: Caveats = ()
    evaluation: Evaluation | None = None
    derived_from: References = ()


Selectors = Annotated[Many[Selector], MaxLen(limits.SELECTORS)]


class Addressing(Strict):
    """Whom it is for. An empty `to` means nobody; `not_to` wins over everything."""

    to: Selectors
    release_to: Selectors = ()
    not_to: Selectors = ()


class Chain(Strict):
    """One count per sending system, with the digest of its statement before: gaps show."""

    name: Text
    seq: Count
    prev: Digest | None = None


class AddressingPart(Strict):
    """The content of the part `addressing`."""

    addressing: Addressing
    chain: Chain | None = None
