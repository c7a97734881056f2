"""The bodies of the calls on a subscription (protocol §6)."""

from typing import Annotated, Any, Literal, Self

from annotated_types import MaxLen, MinLen
from pydantic import Field, model_validator

from schemas import limits
from schemas.base import AgencyId, AlertId, Form, Many, Strict, Text, Timestamp, expected
from schemas.handling import Addressing
from schemas.terms import Purpose

Positions = Annotated[
    str, Form("[0-9]{1,15}(?:-[0-9]{1,15})?(?:,[0-9]{1,15}(?:-[0-9]{1,15})?)*", "positions such as 3-5,9", 4_096)
]
"""Positions and ranges of them, in order."""


class Replay(Strict):
    """What to deliver again: by exactly one of the three."""

    since: Timestamp | None = None
    positions: Positions | None = None
    alerts: Annotated[Many[AlertId], MinLen(1), MaxLen(limits.BATCH)] | None = None

    @model_validator(mode="after")
    def _by_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise expected("exactly one of since, positions, alerts")
        return self


class Revive(Strict):
    """Which dead letters to try again: some, or all."""

    deliveries: Annotated[Many[Text], MinLen(1), MaxLen(limits.BATCH)] | None = None
    all: Literal[True] | None = None

    @model_validator(mode="after")
    def _by_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise expected("exactly one of deliveries, all")
        return self


class SetError(Strict):
    """Why a reader could not take a SET (RFC 8936 §2.4)."""

    err: Text
    description: Annotated[str, MaxLen(1_000)] = ""


class Poll(Strict):
    """RFC 8936 §2.2, with `envelopes` for the whole text beside the statement."""

    max_events: int | None = Field(default=None, alias="maxEvents", ge=0, le=limits.BATCH)
    return_immediately: bool = Field(default=False, alias="returnImmediately")
    ack: Annotated[Many[Text], MaxLen(limits.BATCH)] = ()
    set_errs: Annotated[dict[Text, SetError], MaxLen(limits.BATCH)] = Field(default_factory=dict, alias="setErrs")
    envelopes: bool = False


class PollAnswer(Strict):
    """RFC 8936 §2.3: statements by id, and their envelopes' texts where asked for."""

    sets: dict[str, str]
    more_available: bool = Field(default=False, alias="moreAvailable")
    envelopes: dict[str, str] | None = None


class WhatIf(Strict):
    """An alert that is not posted yet: who would get it, and who would not."""

    event: dict[str, Any]
    """The members of protocol §2; parts as they would be described."""
    addressing: Addressing | None = None
    """Where it would go into the part `addressing`."""
    agencies: Annotated[Many[AgencyId], MaxLen(limits.SELECTORS)] = ()
    """To be told of beside those that the addressing names."""
    purposes: Annotated[Many[Purpose], MaxLen(len(Purpose))] = ()
    """For which they would ask; none: for all."""
    changes: bool = False
    """With the single changes that would alter each outcome."""
