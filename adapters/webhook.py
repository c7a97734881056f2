"""Webhooks as in Standard Webhooks (protocol §10): the envelope's text, signed by the hub."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import perf_counter
from typing import Any

import aiohttp

from adapters.base import Delivered, Outcome, Parcel, Protection, Refused, Unreachable
from adapters.outgoing import CONNECT_S, Forbidden, Outgoing, networks_for, reason
from schemas.terms import Tlp

ANSWER_BYTES = 65_536
"""How much of an answer is read; its content is not used."""
LONGEST_WAIT_S = 86_400.0
"""The most that a Retry-After can ask for."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts to one subscription's URL. `sign` is the hub's Ed25519; `secret` (`whsec_…`) is for `v1`."""

    outgoing: Outgoing
    sign: Callable[[bytes], bytes]
    secret: str | None = field(default=None, repr=False)
    origins: frozenset[str] = frozenset()
    """Plain http origins that the directory lists for the agency."""
    networks: Sequence[str] = ()
    """Private networks that the directory opened for the agency's endpoints."""

    async def deliver(self, parcel: Parcel) -> Outcome:
        started = perf_counter()
        url = str(parcel.settings["url"])
        if url.startswith("http://") and not self._listed(url):
            return Refused(None, "plain http to an origin that the directory does not list", 0)
        try:
            return await self._post(url, parcel, started)
        except TimeoutError:
            return Unreachable("no answer in time", _ms(started))
        except (aiohttp.ClientError, Forbidden, OSError, ValueError) as error:
            return Unreachable(reason(error), _ms(started))

    async def _post(self, url: str, parcel: Parcel, started: float) -> Outcome:
        seconds = float(parcel.settings.get("timeout_s", 15))
        session = await self.outgoing.session(networks_for(url, self.origins, self.networks))
        async with (
            asyncio.timeout(seconds),
            session.post(
                url,
                data=parcel.text,
                headers=self.headers(parcel),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=min(CONNECT_S, seconds)),
            ) as answer,
        ):
            await answer.content.read(ANSWER_BYTES)
            return outcome(answer.status, answer.headers, _ms(started))

    def headers(self, parcel: Parcel) -> Mapping[str, str]:
        """Id, time and signature as Standard Webhooks has them."""
        signed = b".".join((parcel.delivery.encode(), str(parcel.timestamp).encode(), parcel.text))
        return {
            "Content-Type": parcel.media_type,
            "User-Agent": "interagency-alert-broker",
            "webhook-id": parcel.delivery,
            "webhook-timestamp": str(parcel.timestamp),
            "webhook-signature": self._signature(parcel.settings, signed),
        }

    def _signature(self, settings: Mapping[str, Any], signed: bytes) -> str:
        if settings.get("signing") == "v1" and self.secret is not None:
            key = base64.b64decode(self.secret.removeprefix("whsec_"))
            return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        return "v1a," + base64.b64encode(self.sign(signed)).decode()

    def _listed(self, url: str) -> bool:
        return any(url == origin or url.startswith(origin + "/") for origin in self.origins)


def outcome(status: int, headers: Mapping[str, str], duration_ms: int) -> Outcome:
    """2xx is delivered; everything else, redirects too, is not."""
    if 200 <= status < 300:
        return Delivered(status, duration_ms)
    return Refused(status, f"answered {status}", duration_ms, retry_after(headers.get("Retry-After")))


def retry_after(text: str | None) -> float | None:
    """Seconds, from a number or an HTTP date (RFC 9110 §10.2.3); None for anything else."""
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT_S)


def protection(settings: Mapping[str, Any]) -> Protection:
    """Protocol §9, rule 12."""
    if str(settings.get("url", "")).startswith("https://"):
        return Protection(Tlp.AMBER_STRICT, tls=True, known=True)
    return Protection(Tlp.GREEN)


def _ms(started: float) -> int:
    return round((perf_counter() - started) * 1000)
