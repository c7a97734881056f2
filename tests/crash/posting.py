"""Issuers, each with one alert after another: posted with the same bytes until it is acknowledged."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from broker.client.posting import request_for
from broker.client.signing import Draft, Signed, sign
from broker.trust.keys import PrivateKey
from tests.crash.world import CIVIL, FIRE, FLOOD, HEALTH, SEVERITIES, STORM
from tests.e2e.world import NETWORK

Json = dict[str, Any]
LONGEST_HEADER = 7_000
TIMEOUT = aiohttp.ClientTimeout(total=3.0)
AGAIN = frozenset({429, 503})
ACCEPTED = 202


@dataclass
class Posted:
    """One alert as its issuer knows it."""

    id: str
    issuer: str
    kind: str
    domain: str
    severity: str
    references: tuple[str, ...] = ()
    soon: bool = False
    """It expires within seconds."""
    receipts: set[str] = field(default_factory=set)
    """The answers: the same bytes must be told the same."""
    refused: str | None = None

    @property
    def accepted(self) -> bool:
        return bool(self.receipts)


@dataclass
class Issuer:
    """One agency that posts. `rest_s`: how long between alerts, about."""

    agency: str
    key: PrivateKey
    hub: str
    dice: random.Random
    rest_s: float
    posted: list[Posted] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """Seconds from the first try to the acknowledgement."""
    twice: float = 0.1
    """How many are posted by two connections at once."""

    async def run(self, stop: asyncio.Event) -> None:
        async with aiohttp.ClientSession(timeout=TIMEOUT, connector=aiohttp.TCPConnector(limit=0)) as session:
            while not stop.is_set():
                event, posted = self._next()
                signed = sign(self.key, self.agency, NETWORK, Draft(event))
                posted.id = signed.id
                self.posted.append(posted)
                tries = 2 if self.dice.random() < self.twice else 1
                await asyncio.gather(*(self._post(session, signed, posted) for _ in range(tries)))
                await asyncio.sleep(self.dice.uniform(0.5, 1.5) * self.rest_s)

    async def _post(self, session: aiohttp.ClientSession, signed: Signed, posted: Posted) -> None:
        ask = request_for(signed, LONGEST_HEADER)
        started = asyncio.get_running_loop().time()
        while posted.refused is None:
            try:
                async with session.post(self.hub + ask.path, data=ask.content, headers=dict(ask.headers)) as answer:
                    told = await answer.json(content_type=None)
                    if answer.status == ACCEPTED:
                        posted.receipts.add(str(told["receipt"]))
                        self.waits.append(asyncio.get_running_loop().time() - started)
                        return
                    if answer.status not in AGAIN:
                        posted.refused = str(told)
                        return
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                pass  # no answer: it may be accepted or not
            await asyncio.sleep(self.dice.uniform(0.02, 0.2))

    def _next(self) -> tuple[Json, Posted]:
        earlier = [each for each in self.posted[-12:] if each.accepted and each.kind == "alert" and not each.soon]
        drawn = self.dice.random()
        if earlier and drawn < 0.10:
            return self._change("update", self.dice.choice(earlier))
        if earlier and drawn < 0.16:
            return self._change("cancel", self.dice.choice(earlier))
        domain = self.dice.choices((FLOOD, STORM, FIRE), (10, 10, 1))[0]
        severity = self.dice.choice(SEVERITIES)
        soon = self.dice.random() < 0.15
        posted = Posted("", self.agency, "alert", domain, severity, soon=soon)
        lives = timedelta(seconds=self.dice.uniform(1.0, 5.0)) if soon else timedelta(hours=6)
        return _event(posted, lives), posted

    def _change(self, kind: str, about: Posted) -> tuple[Json, Posted]:
        posted = Posted("", self.agency, kind, about.domain, about.severity, references=(about.id,))
        if kind == "cancel":
            return {"kind": "cancel", "status": "actual", "references": [about.id]}, posted
        return _event(posted, timedelta(hours=6)) | {"references": [about.id]}, posted


def _event(posted: Posted, lives: timedelta) -> Json:
    return {
        "kind": posted.kind,
        "product": "warning",
        "status": "actual",
        "domain": posted.domain,
        "urgency": "immediate",
        "severity": posted.severity,
        "certainty": "observed",
        "expires": (datetime.now(UTC) + lives).isoformat(timespec="milliseconds"),
        "areas": [{"iso": "VN-13"}],
        "headline": {"vi": "Lũ trên sông Hồng vượt báo động 3", "en": "The Red River is above alarm level 3"},
        "handling": {"tlp": "green", "onward": "none", "purpose": ["prevention"], "personal_data": "none"},
        "addressing": {"to": [HEALTH, CIVIL]},
    }
