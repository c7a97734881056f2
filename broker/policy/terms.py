"""The terms under which an alert, or one of its parts, may be had (protocol §2: the stricter of the two)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from broker.label import Label
from schemas.base import instant
from schemas.handling import Handling, PartHandling
from schemas.terms import Onward, PersonalData, Purpose, Tlp, onward_rank, tlp_rank

_PERSONAL = (PersonalData.NONE, PersonalData.ORDINARY, PersonalData.SENSITIVE)


@dataclass(frozen=True, slots=True)
class Terms:
    """What release looks at of a handling. `purposes` may be empty here, and then nothing is released."""

    tlp: Tlp
    onward: Onward
    purposes: frozenset[Purpose]
    personal: PersonalData
    has_basis: bool
    erase_after: str | None
    caveats: frozenset[str]
    derived_from: frozenset[str]

    @classmethod
    def of(cls, handling: Handling) -> Self:
        """Those of a whole alert."""
        return cls(
            tlp=handling.tlp,
            onward=handling.onward,
            purposes=frozenset(handling.purpose),
            personal=handling.personal_data,
            has_basis=handling.legal_basis is not None,
            erase_after=handling.erase_after,
            caveats=frozenset(handling.caveats),
            derived_from=frozenset(handling.derived_from),
        )

    @classmethod
    def of_all(cls, label: Label) -> Self:
        """The strictest of an alert's and all its parts': of what derives from it nobody can tell from which part."""
        terms = cls.of(label.handling)
        for part in label.parts:
            terms = terms.stricter(part.handling) if part.handling else terms
        return terms

    def personal_data_in_order(self, now: datetime) -> bool:
        """Rule 10."""
        if self.personal is PersonalData.NONE:
            return True
        return self.has_basis and self.erase_after is not None and now < instant(self.erase_after)

    def stricter(self, part: PartHandling) -> Self:
        """Those of a part that states some of its own."""
        return type(self)(
            tlp=max(self.tlp, part.tlp or self.tlp, key=tlp_rank),
            onward=max(self.onward, part.onward or self.onward, key=onward_rank),
            purposes=self.purposes & frozenset(part.purpose) if part.purpose else self.purposes,
            personal=max(self.personal, part.personal_data or self.personal, key=_PERSONAL.index),
            has_basis=self.has_basis or part.legal_basis is not None,
            erase_after=_earlier(self.erase_after, part.erase_after),
            caveats=self.caveats | frozenset(part.caveats),
            derived_from=self.derived_from | frozenset(part.derived_from),
        )


def _earlier(one: str | None, other: str | None) -> str | None:
    stated = [moment for moment in (one, other) if moment is not None]
    return min(stated, key=instant) if stated else None
