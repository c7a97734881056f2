"""Credentials: client assertions (RFC 7523), tokens (RFC 6749), DPoP proofs (RFC 9449), and calls made with them."""

import hashlib
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from independent.alerts import as_json, with_changes
from independent.checking import answered
from independent.hub import Hub
from independent.jose import Json, Signer, b64, compact, new_signer, public
from independent.stream import Stream

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EVERYTHING = "read subscribe"


def assertion(hub: Hub, agency: str, key: Signer, **changes: Any) -> str:
    """A client assertion of protocol §6; `changes` to its claims, None takes one away."""
    now = int(time.time())
    subject = f"{agency}#e2e"
    members = {
        "iss": subject,
        "sub": subject,
        "aud": hub.issuer,
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    header = {"alg": key.alg, "kid": key.kid, "typ": "client-authentication+jwt"}
    return compact(header, as_json(with_changes(members, changes)), key)


def ask_token(hub: Hub, signed: str, *, proof: str | None = None, **changes: Any) -> httpx2.Response:
    """Asks the token endpoint; `changes` to the form, None takes a field away."""
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed,
        "scope": EVERYTHING,
    }
    headers = {"DPoP": proof} if proof else {}
    return hub.http.post(hub.token_path, data=with_changes(form, changes), headers=headers)


@dataclass(frozen=True)
class Prover:
    """A DPoP key that proves possession, one request at a time."""

    origin: str
    key: Signer = field(default_factory=new_signer)

    def proof(self, method: str, path: str, token: str | None = None, **changes: Any) -> str:
        """A proof for this request (RFC 9449 §4.2), with `ath` when it goes with a token."""
        members: Json = {
            "jti": str(uuid.uuid4()),
            "htm": method,
            "htu": self.origin + path,
            "iat": int(time.time()),
        }
        if token is not None:
            members["ath"] = b64(hashlib.sha256(token.encode()).digest())
        header = {"typ": "dpop+jwt", "alg": self.key.alg, "jwk": public(self.key.jwk)}
        return compact(header, as_json(with_changes(members, changes)), self.key)


@dataclass(frozen=True)
class Caller:
    """An agency's program with a token, bound to a key when it has a prover."""

    hub: Hub
    agency: str
    token: str
    prover: Prover | None

    def headers(self, method: str, path: str) -> dict[str, str]:
        """Authorization for one request (RFC 6750, RFC 9449 §7.1)."""
        if self.prover is None:
            return {"Authorization": f"Bearer {self.token}"}
        proof = self.prover.proof(method, path, self.token)
        return {"Authorization": f"DPoP {self.token}", "DPoP": proof}

    def call(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """One request with the token."""
        headers = {**self.headers(method, path), **request.pop("headers", {})}
        return self.hub.http.request(method, path, headers=headers, **request)

    def get(self, path: str, **query: str) -> httpx2.Response:
        return self.call("GET", path, params=query)

    def post(self, path: str, body: Any = None) -> httpx2.Response:
        if body is None:
            return self.call("POST", path)
        return self.call("POST", path, json=body)

    def patch(self, path: str, body: Json) -> httpx2.Response:
        """A merge patch (RFC 7396)."""
        media_type = {"Content-Type": "application/merge-patch+json"}
        return self.call("PATCH", path, content=as_json(body), headers=media_type)

    def delete(self, path: str) -> httpx2.Response:
        return self.call("DELETE", path)

    @contextmanager
    def stream(self, subscription: str, after: str | None = None) -> Iterator[Stream]:
        """The subscription's stream, after a cursor if one is given."""
        path = f"/v1/subscriptions/{subscription}/stream"
        headers = {**self.headers("GET", path), "Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = after
        quiet = httpx2.Timeout(10.0, read=20.0)
        with self.hub.http.stream("GET", path, headers=headers, timeout=quiet) as response:
            if response.status_code != 200:
                response.read()
                answered(response, 200)
            yield Stream(self.hub, subscription, response)


def sign_in(hub: Hub, agency: str, key: Signer, *, bound: bool = True, scope: str = EVERYTHING) -> Caller:
    """A caller with a fresh token."""
    prover = Prover(hub.origin) if bound else None
    proof = prover.proof("POST", hub.token_path) if prover else None
    answer = answered(ask_token(hub, assertion(hub, agency, key), proof=proof, scope=scope), 200)
    return Caller(hub, agency, str(answer["access_token"]), prover)
