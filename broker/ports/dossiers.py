"""What became of an alert: facts, and what follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Given:
    """It was sent to the agency in an attempt, a stream, a poll answer or a read ("" for one without subscription)."""

    agency: str
    subscription: str
    at: str


Outcome = Literal["whole", "part", "withheld"]


@dataclass(frozen=True, slots=True)
class Decided:
    """A release decision, as what it was made from: `judge.again` makes it again, with what every rule said.

    `inputs` is the text of a `judgement.Inputs`, `directory` the digest of D1. One that differs from that
    subscription's decision before in nothing but its `at` is not kept again.
    """

    agency: str
    subscription: str
    outcome: Outcome
    inputs: str
    directory: str
    at: str


@dataclass(frozen=True, slots=True)
class Matched:
    """What the router decided about an alert, for all who want it at once: a few bytes for each.

    Those in `owed` are waiting from then on, the others withheld, until an `Ended` says otherwise.
    """

    decided: tuple[Decided, ...]
    owed: frozenset[str]


State = Literal["waiting", "delivered", "withheld", "expired", "superseded", "dead"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How the delivery to a subscription stands, after what was matched. The last one said counts, except that what
    was delivered stays so.
    """

    agency: str
    subscription: str
    state: State
    at: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    agency: str
    ack: str
    outcome: str
    at: str


@dataclass(frozen=True, slots=True)
class Stood:
    """The alert's standing changed by another: `cause` is that alert's id, `by` the agency that issued it.

    `resumed` with the cause of a `suspended` says that this challenge was answered, and ends it; with any other cause
    it is a withdrawal, and ends the challenges that the same agency made before it.
    """

    change: Literal["cancelled", "superseded", "recalled", "suspended", "resumed", "approved"]
    cause: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Consented:
    """The issuer answered an `onward` request about the alert: `agencies` may (or may not) have it; the last counts."""

    consent: str
    agencies: tuple[str, ...]
    granted: bool


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The alert was given to the agency, by its issuer's leave: what reciprocity is counted from.

    `month` (`2026-11`) is that of the alert's acceptance, so it is one for each alert; `whole`: nothing was kept back.
    """

    issuer: str
    agency: str
    month: str
    whole: bool
    at: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One alert of a pair, when it was first given, and whether it ever was given whole."""

    alert: str
    whole: bool
    at: str


Fact = Given | Decided | Matched | Ended | Acknowledged | Stood | Consented | Exchanged


@dataclass(frozen=True, slots=True)
class Standing:
    """What release must know of an alert's fate."""

    cancelled_by: tuple[str, ...] = ()
    superseded_by: tuple[str, ...] = ()
    recalled_by: tuple[str, ...] = ()
    approved_by: tuple[str, ...] = ()
    """The first is the one that counts."""
    suspended: bool = False
    consents: frozenset[str] = frozenset()
    facts: int = field(default=0, compare=False)
    """How many this follows from: they are never taken back, so one that has as many is the same."""

    @property
    def ended(self) -> bool:
        """Whether its issuer took it back or put something in its place."""
        return bool(self.cancelled_by or self.superseded_by or self.recalled_by)


class Dossiers(Protocol):
    """What became of each alert: facts, added once however often they are said, never removed."""

    async def note(self, alert: str, *facts: Fact) -> None: ...

    async def give(self, alert: str, given: Given, decided: Decided, since: Standing, *more: Exchanged) -> bool:
        """Notes all, if the alert still stands as it was read: whoever changes that later finds the given. Else
        nothing is noted, and False.
        """
        ...

    async def standing(self, alert: str) -> Standing: ...

    async def given(self, alert: str) -> Sequence[Given]: ...

    async def was_given(self, alert: str, agency: str) -> bool: ...

    async def decisions(self, alert: str) -> Sequence[Decided]: ...

    async def released_to(self, alert: str, agency: str) -> bool:
        """Whether a decision ever released any of it to the agency, told without reading what others were told."""
        ...

    async def ends(self, alert: str) -> Sequence[Ended]: ...

    async def acknowledgements(self, alert: str) -> Sequence[Acknowledged]: ...

    async def exchanges(self, issuer: str, agency: str, month: str) -> Sequence[Exchange]:
        """What of the issuer's was given to the agency, of the alerts of that month; by alert."""
        ...
