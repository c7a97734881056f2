"""What the hub answers: acceptance, problems, and the calls of protocol §6."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.base import AlertId, Count, Digest, Many, Strict, Timestamp
from schemas.directory import DirectoryDocument, KeyRecord
from schemas.statement import PartId
from schemas.subscription import Subscription


class EntryTold(Strict):
    """What is under a leaf of the ledger: the salt and the text."""

    salt: str
    payload: str


class Accepted(Strict):
    """`202`: the alert is durable."""

    id: AlertId
    statement: Digest
    accepted_at: Timestamp
    state: Literal["accepted", "awaiting-approval"]
    receipt: str
    entry: EntryTold


class FaultTold(Strict):
    """One thing that is wrong: a JSON Pointer from the claims or the request, and what was expected there."""

    path: str
    expected: str


class Problem(Strict):
    """RFC 9457, with a stable `code`."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: Many[FaultTold] = ()
    instance: str
    oldest: str | None = None
    """Of a stream's `gone`: the oldest cursor that is still kept."""
    recall: AlertId | None = None
    """Of a recalled alert's `gone`: what recalled it, and what `erased` references."""


class ReceiptAnswer(Strict):
    """To the issuer; the proof is null until the ledger has it."""

    receipt: str
    entry: EntryTold
    proof: str | None


class ClauseTold(Strict):
    """What a rule rests on: `protocol`, `directory`, `agreement`, `charter`, `law`, `caveat`, `mandate` or
    `third-party-rule`; `reference` is the legal one, `covers` whether it covers this alert.
    """

    kind: str
    name: str
    reference: str | None = None
    covers: bool | None = None


class RuleTold(Strict):
    """What one rule of release said; `because` in the language that was asked for, `code` in none."""

    rule: Annotated[int, Field(ge=1, le=15)]
    said: str
    looked_at: dict[str, Any]
    because: str
    code: str | None = None
    rests_on: Many[ClauseTold] = ()


class ChangeTold(Strict):
    """One single thing that would alter the outcome, if it were so."""

    code: str
    about: dict[str, str]
    change: str


class DecisionTold(Strict):
    """One release decision, rule by rule."""

    alert: AlertId
    subscription: str
    at: Timestamp
    outcome: Literal["whole", "part", "withheld"]
    parts: Many[PartId]
    rules: Many[RuleTold]
    agency: str | None = None
    """To those who may see whom the alert is for."""
    changes: Many[ChangeTold] | None = None
    """To them, where they asked: what would alter the outcome, the smallest first; empty when one change is too few."""


class DecisionsAnswer(Strict):
    """Why somebody has an alert, or not."""

    decisions: Many[DecisionTold]


class ForetoldDecision(Strict):
    """What would be decided for one agency; `@public` is everybody."""

    agency: str
    outcome: Literal["whole", "part", "withheld"]
    parts: Many[PartId]
    rules: Many[RuleTold]
    changes: Many[ChangeTold] | None = None


class WhatIfAnswer(Strict):
    """Who would get it and who would not, for agencies that have terms with who asks."""

    agencies: Many[ForetoldDecision]
    not_told: Many[str]
    """Named, but nothing is said of them: there are no terms with them."""
    more: int
    """How many agencies were left out."""


class AckTold(Strict):
    """What a reader said of the alert, and when."""

    outcome: str
    at: Timestamp


class DeliveryTold(Strict):
    """How an alert stands with one agency."""

    agency: str
    state: Literal["waiting", "delivered", "withheld", "expired", "superseded", "dead"]
    at: Timestamp
    acks: Many[AckTold]


class ApprovalTold(Strict):
    """Of an alert that a second officer must approve: how far that is (docs/adr/0008)."""

    state: Literal["awaiting", "approved", "glass-broken", "expired", "cancelled", "superseded", "recalled"]
    """`glass-broken`: released by one officer, and approved by none so far; the last four ended it unapproved."""
    approval: AlertId | None = None
    at: Timestamp | None = None
    """When it was approved."""


class AskedTold(Strict):
    """A request to pass the alert on: who asks, for whom, until when, and what was answered last."""

    request: AlertId
    agency: str
    onward_to: Many[str]
    respond_by: Timestamp | None
    state: Literal["open", "late", "granted", "refused"]
    """`late`: its time is over, and an answer still counts."""
    at: Timestamp | None = None
    """When it was answered."""


class ResponseTold(Strict):
    """Of a request: whether somebody answered it."""

    respond_by: Timestamp | None
    state: Literal["open", "late", "answered"]
    at: Timestamp | None = None
    """When it was answered last."""


class ErasureTold(Strict):
    """One agency that was given what was recalled."""

    agency: str
    state: Literal["not-told", "told", "late", "erased"]
    """`late`: it has not said until `erase_by` that it is erased, told or not."""
    told_at: Timestamp | None = None
    """When the recall was first sent to it."""
    erased_at: Timestamp | None = None


class RecallTold(Strict):
    """Of an alert that was recalled, or of the recall: who has confirmed."""

    recall: AlertId
    at: Timestamp
    erase_by: Timestamp
    agencies: Many[ErasureTold]


class DeliveriesAnswer(Strict):
    """Who has it, and what others still have to do about it; what is not asked of anybody is left out."""

    deliveries: Many[DeliveryTold]
    approval: ApprovalTold | None = None
    asked: Many[AskedTold] | None = None
    response: ResponseTold | None = None
    recall: RecallTold | None = None


class KeysAnswer(Strict):
    """An agency's keys of one use that are valid now."""

    keys: Many[KeyRecord]


class DirectoryAnswer(Strict):
    """What of the directory concerns who asks; `statement` and `cosignatures` go with the whole of a signed one."""

    version: Count
    digest: Digest
    signed: bool
    whole: bool
    directory: DirectoryDocument
    statement: str | None = None
    cosignatures: Many[str] | None = None


class SubscriptionsAnswer(Strict):
    """All that the agency has."""

    subscriptions: Many[Subscription]


class CreatedSubscription(Subscription):
    """`201`: with the secret of a `v1` webhook, told this once."""

    secret: str | None = Field(default=None, repr=False)


class TestAnswer(Strict):
    """`202`: the delivery that the test will arrive as."""

    __test__ = False  # not a test case, whatever pytest makes of the name

    delivery: str


class AttemptTold(Strict):
    """One try at a delivery."""

    delivery: str
    alert: AlertId
    position: int
    at: Timestamp
    outcome: str
    status: int | None
    duration_ms: int
    error: str | None
    next_at: Timestamp | None


class AttemptsAnswer(Strict):
    """A page of attempts; `next` is what to ask for as `after`, null at the end."""

    attempts: Many[AttemptTold]
    next: str | None


class DeadAnswer(Strict):
    """What was given up, each with its last attempt."""

    dead: Many[AttemptTold]


class QueuedAnswer(Strict):
    """`202`: how many deliveries will be made again."""

    queued: int


class Gaps(Strict):
    """Which positions a reader lacks, as ranges: `41,43-45`; none is the empty text."""

    last: int
    missing: str
    withheld: str
    """Those that may no longer be given."""


class ExchangeTold(Strict):
    """One direction between two agencies: how many alerts were given, and what the reader said of them."""

    alerts: Count
    in_part: Count
    """Never given whole."""
    acknowledged: Count
    due: Count
    """For how many the directory says within how long to acknowledge."""
    in_time: Count
    """Of those that are due, acknowledged within that."""
    assessments: dict[str, Count]
    """What the reader said last of each: useful, false, duplicate, acted, seen; those that were said."""


class PairTold(Strict):
    """Both directions between the agency that the answer is about and another."""

    agency: str
    given: ExchangeTold
    received: ExchangeTold


class ReciprocityAnswer(Strict):
    """What was given and received, of the alerts that were accepted from `since` on and before `until`."""

    agency: str
    community: str | None
    since: Timestamp
    until: Timestamp
    pairs: Many[PairTold]


class HistoryTold(Strict):
    """Who did what to a subscription or a token, and when."""

    at: Timestamp
    by: str
    what: Literal["created", "changed", "deleted", "token issued", "token revoked"]
    subscription: str
    members: Many[str]
    token: str | None


class HistoryAnswer(Strict):
    """Oldest first."""

    history: Many[HistoryTold]
