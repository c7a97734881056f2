"""Posting over HTTP as the agencies do, and what the hub answered."""

from dataclasses import dataclass, field
from datetime import datetime

from broker.client import AsyncClient, Options, ProblemError, Retries, Signed
from broker.demo.tampering import HOW, Bench
from broker.demo.texts import Filling, Text, Texts
from broker.demo.world import LINE_TEST, World
from broker.trust.jws import open_compact
from schemas.answers import Accepted
from schemas.statement import ALERT_EVENT

ACCEPTED, REPEATED = "accepted", "repeated"


@dataclass(frozen=True, slots=True)
class Posted:
    """One row of the table: what was posted, and the answer: `accepted`, `repeated`, or the code of the refusal."""

    text: Text
    alert: str
    statement: str
    """Its digest."""
    answer: str
    status: int | None
    accepted_at: str | None = None

    @property
    def is_accepted(self) -> bool:
        return self.answer == ACCEPTED


@dataclass
class Posters:
    """A client for each agency, and what each said so far."""

    world: World
    url: str
    texts: Texts
    filling: Filling
    clients: dict[str, AsyncClient] = field(default_factory=dict)
    _signed: dict[str, Signed] = field(default_factory=dict)
    _first: dict[str, Accepted] = field(default_factory=dict)

    def client(self, agency: str) -> AsyncClient:
        """By the agency's short name."""
        if agency not in self.clients:
            keys = self.world.keys[agency]
            options = Options(client="demo", retries=Retries(most=3), timeout_s=15)
            self.clients[agency] = AsyncClient(
                self.url, self.world.ids[agency], keys["statement"], keys["auth"], options=options
            )
        return self.clients[agency]

    async def close(self) -> None:
        for client in self.clients.values():
            await client.close()

    def erase_after(self, name: str) -> datetime:
        """Until when the personal data of what was signed may be kept."""
        handling = self._signed[name].claims["events"][ALERT_EVENT]["handling"]
        return datetime.fromisoformat(handling["erase_after"])

    async def directory_version(self) -> int:
        """The one that the hub has in force."""
        async with AsyncClient(self.url) as anybody:
            return (await anybody.discover()).directory.version

    async def post(self, name: str) -> Posted:
        """Signs it (or does to it what its text says) and posts it."""
        text = self.texts[name]
        signed = self._tampered(text) if text.how else await self._properly(text)
        try:
            # what was tampered with goes in an envelope: other forms would be refused before they leave
            accepted = await self.client(text.issuer).post(signed, "D" if text.how else None)
        except ProblemError as why:
            return self._refused(text, signed, why)
        answer = ACCEPTED
        if text.how == "retry":
            answer = REPEATED if accepted == self._first.get(text.of or "") else "another answer"
        self._first.setdefault(name, accepted)
        return Posted(text, accepted.id, accepted.statement, answer, 202, accepted.accepted_at)

    async def line_test(self, agency: str) -> str | None:
        """A test alert to the hub's watch; its id, or None when it was refused."""
        event = {
            "kind": "alert",
            "product": "data",
            "status": "test",
            "domain": LINE_TEST,
            "urgency": "unknown",
            "severity": "minor",
            "certainty": "unknown",
            "expires": self.filling.later("+1h"),
            "headline": {"vi": "Kiểm tra đường truyền", "en": "Line test"},
            "handling": {"tlp": "clear", "onward": "none", "purpose": ["prevention"], "personal_data": "none"},
            "addressing": {"to": [self.world.ids["watch"]]},
        }
        client = self.client(agency)
        try:
            return (await client.post(await client.sign(event))).id
        except ProblemError:
            return None

    async def _properly(self, text: Text) -> Signed:
        draft = self.filling.draft(text)
        client = self.client(text.issuer)
        signed = await client.sign(draft.event, draft.parts, unsafe_unchecked=text.unchecked)
        self._signed[text.name] = signed
        self.filling.ids[text.name] = signed.id
        return signed

    def _tampered(self, text: Text) -> Signed:
        assert text.how is not None and text.of is not None  # noqa: S101, PT018 - as alerts/refused.yaml has it
        of = self.texts[text.of]
        return HOW[text.how](Bench(self.world, of.issuer, self._signed[of.name], self.filling.draft(of)))

    def _refused(self, text: Text, signed: Signed, why: ProblemError) -> Posted:
        claims = open_compact(signed.statement)[1]
        return Posted(text, str(claims["jti"]), signed.digest, why.code, why.status)
