"""Tokens: a client assertion (RFC 7523), and a proof of possession with each request (RFC 9449; protocol §6)."""

import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from broker.trust import jws
from broker.trust.keys import PrivateKey, generate

ASSERTION_TYP = "client-authentication+jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PROOF_TYP = "dpop+jwt"
ASSERTION_LIVES_S = 60
RENEW_BEFORE_S = 30
"""A token that ends this soon is asked for anew."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, until when it is used here (seconds of the monotonic clock), and what it allows."""

    value: str = field(repr=False)
    usable_until: float
    scopes: frozenset[str]

    @property
    def usable(self) -> bool:
        return time.monotonic() < self.usable_until


def token_from(answer: Mapping[str, Any], asked: str) -> Token:
    """The token in an answer of the token endpoint (RFC 6749 §5.1)."""
    lives = float(answer.get("expires_in", RENEW_BEFORE_S * 2))
    scopes = str(answer.get("scope", asked)).split()
    return Token(str(answer["access_token"]), time.monotonic() + max(lives - RENEW_BEFORE_S, 1.0), frozenset(scopes))


@dataclass(frozen=True, slots=True)
class Prover:
    """Proves possession of a key that lives as long as this client, one request at a time."""

    key: PrivateKey = field(default_factory=generate)

    def proof(self, method: str, url: str, token: str | None = None) -> str:
        """A DPoP proof for this request (RFC 9449 §4.2); `url` has no query."""
        claims: dict[str, Any] = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
        if token is not None:
            claims["ath"] = jws.encode(hashlib.sha256(token.encode()).digest())
        header = {"typ": PROOF_TYP, "alg": self.key.alg, "jwk": self.key.jwk}
        signing_input = f"{_encoded(header)}.{_encoded(claims)}"
        return f"{signing_input}.{jws.encode(self.key.sign(signing_input.encode()))}"


def token_form(key: PrivateKey, subject: str, issuer: str, scope: str) -> dict[str, str]:
    """The form that asks for a token; `subject` is `<agency>#<client>`."""
    now = int(time.time())
    assertion = {
        "iss": subject,
        "sub": subject,
        "aud": issuer,
        "iat": now,
        "exp": now + ASSERTION_LIVES_S,
        "jti": str(uuid.uuid4()),
    }
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jws.sign(key, ASSERTION_TYP, assertion),
        "scope": scope,
    }


def origin_of(url: str) -> str:
    """Scheme and authority: where `htu` begins (protocol §6)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _encoded(value: Mapping[str, Any]) -> str:
    return jws.encode(json.dumps(value, separators=(",", ":")).encode())
