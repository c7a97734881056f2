"""Requests as agencies make them: posts by each form (protocol §4), and calls with tokens (§6)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from broker.client.access import Prover, token_form
from broker.trust import jws
from tests.integration.agencies import Json, Part, World, alert, claims
from tests.integration.processes import Hub

STATEMENT = "application/secevent+jwt"
ENVELOPE = "application/vnd.interagency.alert+json"


@dataclass(frozen=True)
class Ask:
    """One request: the same bytes whenever it is sent."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def send(self, hub: Hub, **headers: str) -> httpx2.Response:
        """The answer; `headers` are added, `Accept_Language` for `Accept-Language`."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return hub.http.request(self.method, self.path, headers=self.headers | more, content=self.body)


def form_a(statement: str, part: Part) -> Ask:
    """The statement in a header, the one part as the body."""
    headers = {"Alert-Statement": statement, "Alert-Salt": jws.encode(part.salt), "Content-Type": part.type}
    return Ask("POST", "/v1/alerts", headers, part.data)


def form_b(statement: str, path: str = "/v1/alerts") -> Ask:
    """The statement alone."""
    return Ask("POST", path, {"Content-Type": STATEMENT}, statement.encode())


def form_d(statement: str, *parts: Part, **more: Any) -> Ask:
    """An envelope."""
    body = {"statement": statement, "parts": {part.id: part.carried() for part in parts}, **more}
    return Ask("POST", "/v1/alerts", {"Content-Type": ENVELOPE}, json.dumps(body).encode())


def pushed(statement: str) -> Ask:
    """A SET (RFC 8935)."""
    return form_b(statement, "/v1/sets")


def accepted(hub: Hub, world: World, event: Json | None = None, **changes: Any) -> str:
    """The id of an alert that the hub took by form B."""
    said = claims(event or alert(), **changes)
    answer = form_b(world.signed(said)).send(hub)
    assert answer.status_code == 202, answer.text
    return str(said["jti"])


@dataclass(frozen=True)
class Caller:
    """An agency's program with a token: bound to a key when it has a prover."""

    hub: Hub
    token: str
    prover: Prover | None = None

    def headers(self, method: str, path: str) -> dict[str, str]:
        """Of one request."""
        if self.prover is None:
            return {"Authorization": f"Bearer {self.token}"}
        proof = self.prover.proof(method, self.hub.told["issuer"] + path, self.token)
        return {"Authorization": f"DPoP {self.token}", "DPoP": proof}

    def ask(self, method: str, path: str, body: Any = None) -> Ask:
        """A request that is good once."""
        content = b"" if body is None else json.dumps(body).encode()
        return Ask(method, path, self.headers(method, path.partition("?")[0]), content)

    def call(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        return self.ask(method, path, body).send(self.hub)

    def subscribe(self, **members: Any) -> str:
        """The id of a new subscription: a stream for prevention, unless told otherwise."""
        answer = self.call("POST", "/v1/subscriptions", {"adapter": "stream", "purpose": ["prevention"], **members})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    @contextmanager
    def stream(self, subscription: str) -> Iterator[Iterator[Json]]:
        """The envelopes of a stream as they come."""
        path = f"/v1/subscriptions/{subscription}/stream"
        with self.hub.http.stream("GET", path, headers=self.headers("GET", path)) as answer:
            assert answer.status_code == 200
            yield _envelopes(answer)


def _envelopes(answer: httpx2.Response) -> Iterator[Json]:
    """`data:` of each event `alert`."""
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:") and name == "alert":
            yield json.loads(line.removeprefix("data:"))


def sign_in(hub: Hub, world: World, agency: str, *, bound: bool = True, scope: str = "read subscribe") -> Caller:
    """With a fresh token."""
    prover = Prover() if bound else None
    issuer = hub.told["issuer"]
    form = token_form(world.key(agency, "auth"), f"{agency}#tests", issuer, scope)
    headers = {"DPoP": prover.proof("POST", issuer + "/oauth/token")} if prover else {}
    answer = hub.http.post("/oauth/token", data=form, headers=headers)
    assert answer.status_code == 200, answer.text
    return Caller(hub, answer.json()["access_token"], prover)


def id_of(envelope: Json) -> str:
    """The id of the alert in an envelope."""
    return str(jws.frame_statement(envelope["statement"]).claims["jti"])
