"""What two agencies gave each other, and what the readers said of it (docs/adr/0015).

Counted is what was given, never what was withheld: each side could count the same from what it has itself.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from broker.caller import Caller
from broker.clock import told
from broker.errors import Fault, Refused
from broker.label import Label
from broker.ports.alert_log import AlertLog
from broker.ports.dossiers import Acknowledged, Dossiers, Exchange
from broker.trust.directory import Directory, Snapshot
from schemas.answers import ExchangeTold, PairTold, ReciprocityAnswer
from schemas.base import instant
from schemas.terms import AckOutcome

LONGEST: Final = timedelta(days=366)
USUAL: Final = timedelta(days=30)
MOST: Final = 5_000
"""Alerts that one answer looks at: two or three look-ups each."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on, and before `until`, by when alerts were accepted."""

    since: datetime
    until: datetime

    @classmethod
    def of(cls, since: str | None, until: str | None, now: datetime) -> "Period":
        """The last thirty days, where nothing else is said. Refuses with `invalid-request`."""
        end = _moment("until", until) or now
        begin = _moment("since", since) or end - USUAL
        if not begin < end or end - begin > LONGEST:
            fault = Fault("/since", f"a time before until, by at most {LONGEST.days} days")
            raise Refused("invalid-request", "That is no period that is counted.", (fault,))
        return cls(begin, end)

    @property
    def months(self) -> Iterator[str]:
        """Those that it touches, as `2026-11`."""
        year, month = self.since.year, self.since.month
        while (year, month) <= (self.until.year, self.until.month):
            yield f"{year:04d}-{month:02d}"
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)

    def holds(self, at: datetime) -> bool:
        """Whether it lies within."""
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Reciprocity:
    """Reads the exchanges of pairs, and of each alert what its reader said; keeps nothing."""

    log: AlertLog
    dossiers: Dossiers
    directory: Directory

    async def pair(self, caller: Caller, agency: str | None, other: str, period: Period) -> ReciprocityAnswer:
        """Between the caller and any other; between any two for inspectors. Nothing, for who is not there as well."""
        about = self._about(caller, agency)
        return await self._answer(about, None, (other,), period)

    async def community(self, caller: Caller, agency: str | None, name: str, period: Period) -> ReciprocityAnswer:
        """With each other member, by whatever path. `not-found` for who is none."""
        about = self._about(caller, agency)
        community = self.directory.current().community(name)
        if community is None or about not in community.members:
            raise Refused("not-found", "There is nothing here for you under that name.")
        others = tuple(sorted(set(community.members) - {about}))
        return await self._answer(about, name, others, period)

    def _about(self, caller: Caller, agency: str | None) -> str:
        """Whose counts: the caller's own, unless it inspects."""
        if caller.subscription is not None:
            raise Refused("insufficient-scope", "An API token serves one subscription, and counts nothing.")
        if agency is not None and agency != caller.agency:
            caller.need("inspect")
            return agency
        if "inspect" not in caller.scopes:
            caller.need("read")
        return caller.agency

    async def _answer(
        self, about: str, community: str | None, others: Sequence[str], period: Period
    ) -> ReciprocityAnswer:
        directions = [(about, other) for other in others] + [(other, about) for other in others]
        found = {each: await self._exchanges(*each, period) for each in directions if each[0] != each[1]}
        if sum(map(len, found.values())) > MOST:
            fault = Fault("/since", f"a period with at most {MOST} of your alerts")
            raise Refused("invalid-request", "There is too much in that period: ask for a shorter one.", (fault,))
        counts = {each: await self._count(*each, exchanges, period) for each, exchanges in found.items()}
        nothing = _told(Counter())
        return ReciprocityAnswer(
            agency=about,
            community=community,
            since=told(period.since),
            until=told(period.until),
            pairs=tuple(
                PairTold(
                    agency=other,
                    given=counts.get((about, other), nothing),
                    received=counts.get((other, about), nothing),
                )
                for other in others
            ),
        )

    async def _exchanges(self, issuer: str, reader: str, period: Period) -> list[Exchange]:
        return [each for month in period.months for each in await self.dossiers.exchanges(issuer, reader, month)]

    async def _count(self, issuer: str, reader: str, exchanges: Sequence[Exchange], period: Period) -> ExchangeTold:
        counts: Counter[str] = Counter()
        directory = self.directory.current()
        for exchange in exchanges:
            alert = await self.log.find(exchange.alert)
            if alert is None or not period.holds(instant(alert.label.accepted_at)):
                continue
            counts["alerts"] += 1
            counts["in_part"] += not exchange.whole
            await self._add_said(counts, alert.label, exchange, reader, directory)
        return _told(counts)

    async def _add_said(
        self, counts: Counter[str], label: Label, exchange: Exchange, reader: str, directory: Snapshot
    ) -> None:
        acks = [each for each in await self.dossiers.acknowledgements(label.id) if _is_ack(each, reader)]
        within = _within(label, reader, directory)
        counts["acknowledged"] += bool(acks)
        counts["due"] += within is not None
        if acks and within is not None:
            counts["in_time"] += instant(acks[0].at) - instant(exchange.at) <= within
        for ack in reversed(acks):  # the last that it assessed by
            said = await self.log.find(ack.ack)
            if said is not None and said.label.assessment is not None:
                counts[f"assessed {said.label.assessment}"] += 1
                break


def _is_ack(each: Acknowledged, reader: str) -> bool:
    return each.agency == reader and each.outcome in set(AckOutcome)


def _within(label: Label, reader: str, directory: Snapshot) -> timedelta | None:
    """How long the reader may take: as the domain's profile has it, else the strictest agreement between the two."""
    profile = directory.profile(label.domain)
    if profile is not None and profile.deadlines is not None and profile.deadlines.acknowledge_minutes is not None:
        return timedelta(minutes=profile.deadlines.acknowledge_minutes)
    accepted = instant(label.accepted_at)
    agreed = [
        each.reciprocity.acknowledged_within_minutes
        for each in directory.agreements(label.issuer, reader)
        if each.reciprocity is not None
        and each.reciprocity.acknowledged_within_minutes is not None
        and each.in_force(accepted)
    ]
    return timedelta(minutes=min(agreed)) if agreed else None


def _told(counts: Counter[str]) -> ExchangeTold:
    assessed = {name.removeprefix("assessed "): n for name, n in sorted(counts.items()) if name.startswith("assessed ")}
    return ExchangeTold(
        alerts=counts["alerts"],
        in_part=counts["in_part"],
        acknowledged=counts["acknowledged"],
        due=counts["due"],
        in_time=counts["in_time"],
        assessments=assessed,
    )


def _moment(name: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else instant(text)
    except ValueError:
        fault = Fault(f"/{name}", "a time with its offset (RFC 3339)")
        raise Refused("invalid-request", "That is no time.", (fault,)) from None
