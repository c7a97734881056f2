"""Webhooks as in Standard Webhooks (protocol §10): the envelope's text, signed by the hub."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yarl import URL

from adapters.base import Outcome, Parcel, Protection
from adapters.means import Means
from adapters.outcomes import unreachable
from adapters.outgoing import Call
from schemas.subscription import WebhookSettings
from schemas.terms import Tlp


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts to one subscription's URL; the receiver tells a repeat by `webhook-id`."""

    means: Means

    async def deliver(self, parcel: Parcel) -> Outcome:
        try:
            call = self._call(parcel)
        except Exception as error:  # no key, no secret: another signature is never sent instead
            return unreachable(error, 0)
        return await self.means.outgoing.send(call, self.means.allowance)

    def _call(self, parcel: Parcel) -> Call:
        settings = WebhookSettings.model_validate(parcel.settings)
        headers = {
            "Content-Type": parcel.media_type,
            "User-Agent": "interagency-alert-broker",
            "webhook-id": parcel.delivery,
            "webhook-timestamp": str(parcel.timestamp),
            "webhook-signature": self._signature(settings.signing, parcel),
        }
        return Call("POST", URL(settings.url), parcel.text, headers, settings.timeout_s, parcel.timestamp)

    def _signature(self, signing: str, parcel: Parcel) -> str:
        """Over id, time and body. ValueError where the secret that `v1` needs is not there."""
        signed = b".".join((parcel.delivery.encode(), str(parcel.timestamp).encode(), parcel.text))
        if signing == "v1a":
            return "v1a," + base64.b64encode(self.means.sign(signed)).decode()
        if not self.means.secret:
            raise ValueError("v1 needs a secret")
        key = base64.b64decode(self.means.secret.removeprefix("whsec_"), validate=True)
        return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def protection(settings: Mapping[str, Any]) -> Protection:
    """Protocol §9, rule 12."""
    if str(settings["url"]).startswith("https://"):
        return Protection(Tlp.AMBER_STRICT, tls=True, known=True)
    return Protection(Tlp.GREEN)
