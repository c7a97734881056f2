"""Who would get an alert that is not posted yet, and who would not: asked of the same functions that decide.

Nothing is kept and nothing of it is logged. What others subscribe to is not the poster's to see: each agency is asked
about as if it asked by the best way, for all purposes that are stated. Nor is who is enrolled: those alone are told of
that have terms with the poster.
"""

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from broker.caller import Caller
from broker.errors import Fault, Refused
from broker.explaining import Telling, tell
from broker.judge import Hearing, Judge
from broker.judgement import Judgement
from broker.known import known_alerts
from broker.label import Label
from broker.policy.asking import PUBLIC, Ask
from broker.policy.authorise import foresee
from broker.policy.concerning import concerns
from broker.policy.reasons import Language
from broker.policy.ways import Way
from broker.ports.alert_log import StoredAlert
from broker.trust.directory import Snapshot
from schemas.answers import WhatIfAnswer
from schemas.faults import faults
from schemas.handling import Addressing
from schemas.requests import WhatIf
from schemas.statement import ALERT_EVENT, Claims
from schemas.terms import Purpose

MOST = 256
"""Agencies of one answer."""


@dataclass(frozen=True, slots=True)
class Foretelling:
    """Answers `POST /v1/whatif`."""

    judge: Judge

    async def tell(self, caller: Caller, asked: WhatIf, language: Language, now: datetime) -> WhatIfAnswer:
        """What would be decided now. Refuses what posting would refuse, in the same words: mandate, terms, schema."""
        d1 = self.judge.directory.current()
        claims = _claims(caller.agency, asked.event, d1, now)
        hearing = await self._hear(caller, claims, _addressing(claims, asked), now)
        told, not_told = _sorted(hearing.label, caller.agency, asked, d1, now)
        answers = []
        for agency in told[:MOST]:
            question = await hearing.question(_ask(agency, hearing.label, asked), now)
            telling = Telling(addressing=True, language=language, changes=asked.changes)
            answer = tell(Judgement.of(question), question, telling)
            answers.append({name: answer[name] for name in answer if name not in ("alert", "subscription", "at")})
            await asyncio.sleep(0)  # others are served in between
        return WhatIfAnswer.model_validate(
            {"agencies": answers, "not_told": not_told, "more": len(told[MOST:])}, strict=False
        )

    async def _hear(self, caller: Caller, claims: Claims, addressing: Addressing | None, now: datetime) -> Hearing:
        """As it would stand once it was accepted. Of its sources, those count that the caller may know of."""
        log, dossiers = self.judge.log, self.judge.dossiers
        references = getattr(claims.event, "references", None) or ()
        known = await known_alerts(log, dossiers, references)
        label = foresee(claims, addressing, known, self.judge.directory.current(), now)
        hearing = await self.judge.hear(StoredAlert(label, ""))
        derived = {
            id_: source if await self._may_know(caller, id_, source.label.issuer if source else "") else None
            for id_, source in hearing.derived.items()
        }
        return replace(hearing, derived=derived)

    async def _may_know(self, caller: Caller, id_: str, issuer: str) -> bool:
        return issuer == caller.agency or await self.judge.dossiers.was_given(id_, caller.agency)


def _claims(agency: str, event: Mapping[str, Any], directory: Snapshot, now: datetime) -> Claims:
    """A statement of the caller's own, under an id that nobody has."""
    claims = {
        "iss": agency,
        "jti": f"{agency}/{uuid.uuid4()}",
        "iat": int(now.timestamp()),
        "aud": directory.network,
        "events": {ALERT_EVENT: dict(event)},
    }
    try:
        return Claims.from_claims(claims)
    except ValidationError as error:
        found = tuple(Fault(path, expected) for path, expected in faults(error))
        raise Refused(
            "invalid-statement", "The statement says something that the protocol does not allow.", found
        ) from None


def _addressing(claims: Claims, asked: WhatIf) -> Addressing | None:
    """As it stands in the event; or beside it, where it would go into a part."""
    hidden = getattr(claims.event, "addressing_part", None) is not None
    if hidden != (asked.addressing is not None):
        expected = "the content of the part addressing" if hidden else "no addressing beside the event"
        raise Refused("invalid-request", "The addressing stands in one place.", (Fault("/addressing", expected),))
    return asked.addressing or getattr(claims.event, "addressing", None)


def _sorted(
    label: Label, caller: str, asked: WhatIf, directory: Snapshot, now: datetime
) -> tuple[list[str], list[str]]:
    """Agencies that are told of, and named ones that are not: who has no terms with caller or issuer."""
    addressing = label.addressing
    selectors = (*addressing.to, *addressing.release_to)
    exact = {each for each in (*selectors, *addressing.not_to) if not each.startswith("@") and not each.endswith(".*")}
    named = exact | set(asked.agencies)

    def is_told(agency: str) -> bool:
        known = directory.agency(agency) is not None
        return known and any(concerns(directory, asker, agency, now) for asker in (caller, label.issuer))

    matched = {
        each
        for each in _partners(directory, (caller, label.issuer))
        if is_told(each) and any(directory.matches(selector, each) for selector in selectors)
    }
    public = [PUBLIC] if PUBLIC in selectors else []
    return [*public, *sorted(matched | set(filter(is_told, named)))], sorted(
        each for each in named if not is_told(each) and each != PUBLIC
    )


def _partners(directory: Snapshot, askers: tuple[str, ...]) -> Iterator[str]:
    """Who may have terms with one of them."""
    for asker in askers:
        yield asker
        for name in directory.communities_of(asker):
            community = directory.community(name)
            yield from community.members if community else ()
    for agreement in directory.document.agreements:
        if agreement.from_ in askers:
            yield agreement.to


def _ask(agency: str, label: Label, asked: WhatIf) -> Ask:
    """By the best way there is, for every purpose unless some are stated."""
    purposes = asked.purposes or tuple(Purpose)
    way = Way.FEED if agency == PUBLIC else Way.READ_BOUND
    return Ask(agency, None, (label.status,), purposes, way, delivering=True)
