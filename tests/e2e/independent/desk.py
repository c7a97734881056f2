"""The desk from which the checks are made: a hub, the agencies' private keys, a webhook receiver."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

import httpx2

from independent.access import EVERYTHING, Caller, sign_in
from independent.alerts import Part, as_json, claims, envelope
from independent.checking import Failed, Skipped, answered
from independent.hub import Hub
from independent.jose import Json, Signer, compact, parse
from independent.receiver import Answer, Inbox, Receiver
from independent.stream import Stream

DYKE, POLICE, HEALTH, BANK = "vn.mae.dyke", "vn.mps.c02", "vn.moh", "vn.sbv.bank"
THAI_POLICE, AHA, LAO_POLICE = "th.police", "asean.aha", "la.police"

_Seen = TypeVar("_Seen")


@dataclass(frozen=True)
class Posted:
    """An alert that the hub took."""

    id: str
    statement: str
    answer: Json

    @property
    def digest(self) -> str:
        return parse(self.statement).digest


@dataclass(frozen=True)
class Subscribed:
    """A subscription, and its owner."""

    id: str
    caller: Caller
    made: Json

    @property
    def path(self) -> str:
        return f"/v1/subscriptions/{self.id}"

    @contextmanager
    def stream(self, after: str | None = None) -> Iterator[Stream]:
        """Its stream, with the owner's token."""
        with self.caller.stream(self.id, after) as stream:
            yield stream


@dataclass
class Desk:
    """What every check is given. Tokens are kept, for they live for minutes."""

    hub: Hub
    keys: dict[str, dict[str, Json]]
    receiver: Receiver | None
    webhook_agency: str
    _callers: dict[tuple[str, bool, str], Caller] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def key(self, agency: str, use: str = "statement") -> Signer:
        """An agency's private key; skips the check when an optional one was not given."""
        if use not in self.keys[agency]:
            raise Skipped(f"no {use} key of {agency} in the keys file")
        return Signer(self.keys[agency][use])

    def caller(self, agency: str, *, bound: bool = True, scope: str = EVERYTHING) -> Caller:
        """The agency's program, signed in."""
        with self._lock:
            kind = (agency, bound, scope)
            if kind not in self._callers:
                key = self.key(agency, "auth")
                self._callers[kind] = sign_in(self.hub, agency, key, bound=bound, scope=scope)
            return self._callers[kind]

    def claims(self, event: Json, issuer: str = DYKE, **changes: Any) -> Json:
        """Claims for this hub's network."""
        return claims(issuer, self.hub.network, event, **changes)

    def sign(self, statement: Json | bytes, signer: Signer | None = None, **header: Any) -> str:
        """The statement as a JWS, by its issuer's key unless another is given; `header` changes members."""
        payload = statement if isinstance(statement, bytes) else as_json(statement)
        key = signer or self.key(statement["iss"] if isinstance(statement, dict) else DYKE)
        members = {"alg": key.alg, "kid": key.kid, "typ": "secevent+jwt", **header}
        return compact({name: v for name, v in members.items() if v is not None}, payload, key)

    def post(self, event: Json, issuer: str = DYKE, **changes: Any) -> httpx2.Response:
        """The event as a signed alert by form B."""
        return self.hub.post_b(self.sign(self.claims(event, issuer, **changes)))

    def post_parts(self, event: Json, *parts: Part, issuer: str = DYKE, **changes: Any) -> httpx2.Response:
        """The event with these parts by form D; it describes them unless it names parts itself."""
        described = {"parts": [part.described() for part in parts], **event}
        statement = self.sign(self.claims(described, issuer, **changes))
        return self.hub.post_d(as_json(envelope(statement, *parts)))

    def accepted(self, event: Json, *parts: Part, issuer: str = DYKE, **changes: Any) -> Posted:
        """Posts by form B, or D when there are parts; it must be taken."""
        described = {"parts": [part.described() for part in parts], **event} if parts else event
        members = self.claims(described, issuer, **changes)
        statement = self.sign(members)
        body = as_json(envelope(statement, *parts))
        response = self.hub.post_d(body) if parts else self.hub.post_b(statement)
        return Posted(str(members["jti"]), statement, answered(response, 202))

    @contextmanager
    def subscribed(self, agency: str, *, bound: bool = True, **members: Any) -> Iterator[Subscribed]:
        """A subscription for as long as the block lasts: a stream for prevention, unless told otherwise."""
        caller = self.caller(agency, bound=bound)
        wanted = {"adapter": "stream", "purpose": ["prevention"], **members}
        made = answered(caller.post("/v1/subscriptions", wanted), 201)
        subscription = Subscribed(str(made["id"]), caller, made)
        try:
            yield subscription
        finally:
            caller.delete(subscription.path)

    @contextmanager
    def webhook(
        self, *answers: Answer | int, settings: Json | None = None, **members: Any
    ) -> Iterator[tuple[Subscribed, Inbox]]:
        """A webhook subscription of the agency whose http endpoint the directory lists, and its inbox."""
        if self.receiver is None:
            raise Skipped("no --webhook-origin")
        inbox = self.receiver.inbox(*answers)
        told = {"url": inbox.url, **(settings or {})}
        with self.subscribed(self.webhook_agency, adapter="webhook", settings=told, **members) as subscription:
            yield subscription, inbox


def eventually(what: str, look: Callable[[], _Seen | None], seconds: float = 10.0) -> _Seen:
    """What `look` sees once it sees something: for what the hub does after its answer."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if (seen := look()) is not None:
            return seen
        time.sleep(0.1)
    raise Failed(what, f"within {seconds} s", "not seen")
