"""A key that others may have: what it signed since, whom that reached, and how they hear of it (docs/adr/0013).

The hub challenges each such alert, and recalls it where its operator says so, by statements of its own in the log. So
the router tells whoever was given it, whichever process is alive then, and a repeated step adds nothing.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from broker.clock import Clock, told
from broker.label import Label
from broker.ledger.receipts import promise
from broker.notices import uuid8
from broker.ports.alert_log import StoredAlert
from broker.ports.dossiers import Consented
from broker.ports.store import Store
from broker.trust.directory import Snapshot
from broker.trust.hubkeys import HubKeys
from broker.trust.jws import STATEMENT_TYP, statement_digest
from schemas.base import instant
from schemas.statement import ALERT_EVENT, COMPROMISED
from schemas.terms import Kind

PAGE: Final = 256
EARLIEST: Final = timedelta(minutes=10)
"""How much earlier than its `iat` an alert can have been accepted: five minutes, and as much for clocks."""

READ: Final = "read"
"""How it was given, where no subscription was: by its id."""
GONE: Final = "deleted subscription"

Said = Literal["challenge", "recall"]


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who was given an alert: `how` is the adapter of the subscription, `READ` or `GONE`."""

    agency: str
    subscription: str
    how: str
    at: str


@dataclass(frozen=True, slots=True)
class Affected:
    """One statement by the key, with everybody who was given it; `owed`: agencies that it still waits for."""

    label: Label
    marked: bool
    recalled: bool
    receivers: tuple[Receiver, ...]
    owed: tuple[str, ...]


async def affected(store: Store, hub: str, kid: str, since: datetime) -> list[Affected]:
    """What that key signed at or after `since` and is still kept, in the order of its signing.

    Reads each entry of the log that was accepted since then, so it costs a look-up an alert of everybody's.
    """
    adapters = {held.subscription.id: held.subscription.adapter for held in await store.subscriptions.all()}
    found = []
    async for alert in _since(store, since - EARLIEST):
        if alert.label.kid == kid and _since_then(alert.label, since):
            marked = await store.log.find(said_id(hub, alert.label.id, "challenge", kid))
            found.append(await _affected(store, alert.label, adapters, marked=marked is not None))
    return sorted(found, key=lambda each: (each.label.iat, each.label.id))


def _since_then(label: Label, since: datetime) -> bool:
    """By its `iat`, which a thief can set some minutes back, or by when it came."""
    return label.iat >= since.timestamp() or instant(label.accepted_at) >= since


async def _since(store: Store, begin: datetime) -> AsyncIterator[StoredAlert]:
    """A position begins with the milliseconds of the engine's clock."""
    for partition in range(store.log.partitions):
        after = f"{max(0, int(begin.timestamp() * 1000))}-0"
        while page := await store.log.read(partition, after, PAGE):
            for entry in page:
                if (alert := await store.log.find(entry.alert)) is not None:
                    yield alert
            after = page[-1].position


async def _affected(store: Store, label: Label, adapters: dict[str, str], *, marked: bool) -> Affected:
    standing = await store.dossiers.standing(label.id)
    receivers = [
        Receiver(
            each.agency,
            each.subscription,
            adapters.get(each.subscription, GONE) if each.subscription else READ,
            each.at,
        )
        for each in await store.dossiers.given(label.id)
        if each.agency != label.issuer
    ]
    owed = {each.agency for each in await store.dossiers.ends(label.id) if each.state == "waiting"}
    return Affected(label, marked, bool(standing.recalled_by), tuple(receivers), tuple(sorted(owed)))


@dataclass(frozen=True, slots=True)
class Compromise:
    """What the hub does about one key. `directory` is the version that stands for D0 of what it says."""

    store: Store
    keys: HubKeys
    directory: Snapshot
    kid: str
    since: datetime
    clock: Clock

    async def mark(self, label: Label) -> bool:
        """Suspends the alert, and takes back what it consented to. False where that was said before."""
        said = await self._say(label, "challenge")
        if label.kind is Kind.CONSENT and label.granted:
            await self._take_back(label)
        return said

    async def recall(self, label: Label) -> bool:
        """Takes it back from all who were given it, for its issuer. False where that was said before."""
        return await self._say(label, "recall")

    async def _take_back(self, consent: Label) -> None:
        for request_id in consent.references:
            request = await self.store.log.find(request_id)
            for about in request.label.references if request else ():
                taken = Consented(self._id(consent, "challenge"), request.label.onward_to, granted=False)  # type: ignore[union-attr]  # it has references
                await self.store.dossiers.note(about, taken)

    async def _say(self, about: Label, kind: Said) -> bool:
        now = self.clock()
        statement = self._statement(about, kind, now)
        label = self._label(about, kind, statement, now)
        receipt, entry = promise(self.keys, self.directory.hub, label, now)
        appended = await self.store.log.append(StoredAlert(label, statement, receipt=receipt, entry=entry))
        return appended.fresh

    def _statement(self, about: Label, kind: Said, now: datetime) -> str:
        event: dict[str, object] = {"kind": kind, "status": about.status.value, "references": [about.id]}
        if kind == "challenge":
            event["outcome"] = "suspend"
        else:
            event["on_behalf_of"] = about.issuer
        event["ext"] = {COMPROMISED: {"kid": self.kid, "since": told(self.since)}}
        claims = {
            "iss": self.directory.hub,
            "jti": self._id(about, kind),
            "iat": int(now.timestamp()),
            "aud": self.directory.network,
            "events": {ALERT_EVENT: event},
        }
        return self.keys.sign("statement", STATEMENT_TYP, claims)

    def _label(self, about: Label, kind: Said, statement: str, now: datetime) -> Label:
        """Domain, severity, handling and addressing are those of what it is about (protocol §2.1)."""
        return Label(
            id=self._id(about, kind),
            digest=statement_digest(statement),
            iss=self.directory.hub,
            issuer=self.directory.hub if kind == "challenge" else about.issuer,
            kid=self.keys.kid("statement"),
            kind=Kind(kind),
            status=about.status,
            domain=about.domain,
            urgency=about.urgency,
            severity=about.severity,
            certainty=about.certainty,
            areas=about.areas,
            handling=about.handling,
            addressing=about.addressing,
            addressed=False,
            references=(about.id,),
            outcome="suspend" if kind == "challenge" else None,
            iat=int(now.timestamp()),
            accepted_at=told(now),
            directory=self.directory.digest,
        )

    def _id(self, about: Label, kind: Said) -> str:
        return said_id(self.directory.hub, about.id, kind, self.kid)


def said_id(hub: str, alert: str, kind: Said, kid: str) -> str:
    """The same whenever this is said of that alert and that key."""
    return f"{hub}/{uuid8(alert, kind, kid)}"
