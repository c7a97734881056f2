"""What the hub itself says: notices about an alert's fate, and the test of a subscription (protocol §2.1, §6)."""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from broker.clock import told
from broker.label import Label
from broker.ports.alert_log import AlertLog, StoredAlert
from broker.trust.directory import Snapshot
from broker.trust.hubkeys import HubKeys
from broker.trust.jws import statement_digest
from schemas.handling import Addressing, Handling
from schemas.statement import ALERT_EVENT, GLASS_BROKEN, LATE, NOTICE_EVENT
from schemas.terms import Kind, Onward, PersonalData, Product, Purpose, Severity, Status, Tlp, Urgency

Fate = Literal["updated", "cancelled", "suspended", "expired", "superseded"]
TEST_LIVES = timedelta(hours=1)


GLASS_LIVES = timedelta(days=30)
LATE_LIVES = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Said:
    """An alert of the hub's own for one agency: past filter and rules 3, 8 and 9, as its test is (protocol §6)."""

    headline: dict[str, str]
    handling: Handling
    to: str
    lives: timedelta
    urgency: Urgency = Urgency.UNKNOWN
    ext: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Late:
    """What was not answered in time: a recall or a request, the alert that it is about, and who should have."""

    alert: str
    about: str | None
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HubVoice:
    """Signs and keeps the hub's own statements, each once."""

    hub: str
    network: str
    keys: HubKeys
    log: AlertLog

    async def notice(self, about: Label, fate: Fate, cause: str, now: datetime) -> str:
        """The id of the notice that `about` met this fate by `cause`: the same one however often this is said."""
        id_ = f"{self.hub}/{uuid8(about.id, fate, cause)}"
        if await self.log.find(id_):
            return id_
        event: dict[str, object] = {"alert": about.id, "kind": fate, "at": told(now)}
        statement = self._sign(id_, now, NOTICE_EVENT, event)
        label = about.model_copy(
            update={
                "id": id_,
                "digest": statement_digest(statement),
                "iss": self.hub,
                "issuer": self.hub,
                "kid": self.keys.kid("statement"),
                "notice": fate,
                "awaits_approval": False,
                "break_glass": None,
                "parts": (),
                "languages": (),
                "references": (about.id,),
                "iat": int(now.timestamp()),
                "expires": None,
                "accepted_at": told(now),
            }
        )
        return (await self.log.keep(StoredAlert(label, statement))).label.id

    async def glass_broken(self, about: Label, inspector: str, directory: Snapshot, now: datetime) -> str:
        """The id of an alert that tells one inspector that `about` went without a second officer, by whom and why: the
        same one however often this is said. Of what `about` says it holds nothing.
        """
        id_ = f"{self.hub}/{uuid8(about.id, 'break-glass', inspector)}"
        if await self.log.find(id_):
            return id_
        officer = directory.officer(about.kid) or about.by or ""
        told_of = {"alert": about.id, "at": about.accepted_at, "agency": about.iss, "officer": officer}
        headline = {
            "en": f"Released without a second officer: {about.id}, by {officer}",
            "vi": f"Đã phát không chờ cán bộ thứ hai: {about.id}, do {officer}",
        }
        said = Said(
            headline=headline,
            handling=_handling(Tlp.AMBER_STRICT),
            to=inspector,
            lives=GLASS_LIVES,
            urgency=Urgency.IMMEDIATE,
            ext={GLASS_BROKEN: {**told_of, "reason": about.break_glass or ""}},
        )
        return await self._say(id_, said, directory.digest, now)

    async def late(self, late: Late, agency: str, directory: str, now: datetime) -> str:
        """The id of an alert that tells one agency what was not answered in time: the same one however often."""
        id_ = f"{self.hub}/{uuid8(late.alert, 'late', agency)}"
        if await self.log.find(id_):
            return id_
        headline = {
            "en": f"Not answered in time: {late.alert}",
            "vi": f"Chưa được trả lời đúng hạn: {late.alert}",
        }
        told_of = {"alert": late.alert, "about": late.about, "missing": list(late.missing)}
        stated: dict[str, object] = {name: value for name, value in told_of.items() if value is not None}
        said = Said(headline, _handling(Tlp.AMBER_STRICT), agency, LATE_LIVES, ext={LATE: stated})
        return await self._say(id_, said, directory, now)

    async def test(self, agency: str, directory: str, now: datetime) -> str:
        """The id of a new `status: system` alert for one agency, which its subscription gets past the filter."""
        headline = {"en": "Test of this subscription", "vi": "Kiểm tra đăng ký nhận tin"}
        said = Said(headline, _handling(Tlp.CLEAR), agency, TEST_LIVES)
        return await self._say(f"{self.hub}/{uuid.uuid4()}", said, directory, now)

    async def _say(self, id_: str, said: "Said", directory: str, now: datetime) -> str:
        """Signs and keeps an alert of the hub's own; `directory` is its digest."""
        expires = told(now + said.lives)
        addressing = Addressing(to=(said.to,))
        event: dict[str, object] = {
            "kind": "alert",
            "product": "notice",
            "status": "system",
            "domain": "hub",
            "urgency": said.urgency,
            "severity": "unknown",
            "certainty": "unknown",
            "expires": expires,
            "headline": said.headline,
            "handling": said.handling.model_dump(mode="json", exclude_none=True),
            "addressing": addressing.model_dump(mode="json", exclude_none=True),
        }
        if said.ext:
            event["ext"] = said.ext
        statement = self._sign(id_, now, ALERT_EVENT, event)
        label = Label(
            id=id_,
            digest=statement_digest(statement),
            iss=self.hub,
            issuer=self.hub,
            kid=self.keys.kid("statement"),
            kind=Kind.ALERT,
            status=Status.SYSTEM,
            product=Product.NOTICE,
            domain="hub",
            urgency=said.urgency,
            severity=Severity.UNKNOWN,
            languages=tuple(said.headline),
            handling=said.handling,
            addressing=addressing,
            iat=int(now.timestamp()),
            expires=expires,
            accepted_at=told(now),
            directory=directory,
        )
        return (await self.log.keep(StoredAlert(label, statement))).label.id

    def _sign(self, id_: str, now: datetime, uri: str, event: dict[str, object]) -> str:
        claims = {
            "iss": self.hub,
            "jti": id_,
            "iat": int(now.timestamp()),
            "aud": self.network,
            "events": {uri: event},
        }
        return self.keys.sign("statement", "secevent+jwt", claims)


def _handling(tlp: Tlp) -> Handling:
    return Handling(tlp=tlp, onward=Onward.NONE, purpose=(Purpose.PREVENTION,), personal_data=PersonalData.NONE)


def uuid8(*names: str) -> uuid.UUID:
    """A UUIDv8 (RFC 9562 §5.8) of SHA-256 over the names, so that a repeated step names the same notice."""
    digest = bytearray(hashlib.sha256("\0".join(names).encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(digest))
