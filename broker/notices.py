"""What the hub itself says: notices about an alert's fate, and the test of a subscription (protocol §2.1, §6)."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from broker.clock import told
from broker.label import Label
from broker.ports.alert_log import AlertLog, StoredAlert
from broker.trust.hubkeys import HubKeys
from broker.trust.jws import statement_digest
from schemas.handling import Addressing, Handling
from schemas.statement import ALERT_EVENT, NOTICE_EVENT
from schemas.terms import Kind, Onward, PersonalData, Product, Purpose, Severity, Status, Tlp, Urgency

Fate = Literal["updated", "cancelled", "suspended", "expired", "superseded"]
TEST_LIVES = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HubVoice:
    """Signs and keeps the hub's own statements, each once."""

    hub: str
    network: str
    keys: HubKeys
    log: AlertLog

    async def notice(self, about: Label, fate: Fate, cause: str, now: datetime) -> str:
        """The id of the notice that `about` met this fate by `cause`: the same one however often this is said."""
        id_ = f"{self.hub}/{_uuid8(about.id, fate, cause)}"
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
                "parts": (),
                "languages": (),
                "references": (about.id,),
                "iat": int(now.timestamp()),
                "expires": None,
                "accepted_at": told(now),
            }
        )
        return (await self.log.keep(StoredAlert(label, statement))).label.id

    async def test(self, agency: str, directory: str, now: datetime) -> str:
        """The id of a new `status: system` alert for one agency, which its subscription gets past the filter."""
        id_ = f"{self.hub}/{uuid.uuid4()}"
        expires = told(now + TEST_LIVES)
        handling = Handling(
            tlp=Tlp.CLEAR, onward=Onward.NONE, purpose=(Purpose.PREVENTION,), personal_data=PersonalData.NONE
        )
        addressing = Addressing(to=(agency,))
        event: dict[str, object] = {
            "kind": "alert",
            "product": "notice",
            "status": "system",
            "domain": "hub",
            "urgency": "unknown",
            "severity": "unknown",
            "certainty": "unknown",
            "expires": expires,
            "headline": {"en": "Test of this subscription", "vi": "Kiểm tra đăng ký nhận tin"},
            "handling": handling.model_dump(mode="json", exclude_none=True),
            "addressing": addressing.model_dump(mode="json", exclude_none=True),
        }
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
            urgency=Urgency.UNKNOWN,
            severity=Severity.UNKNOWN,
            languages=("en", "vi"),
            handling=handling,
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


def _uuid8(*names: str) -> uuid.UUID:
    """A UUIDv8 (RFC 9562 §5.8) of SHA-256 over the names, so that a repeated step names the same notice."""
    digest = bytearray(hashlib.sha256("\0".join(names).encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(digest))
