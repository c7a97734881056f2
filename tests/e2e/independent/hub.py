"""One hub over HTTP: what it says of itself, and the ways of posting (protocol §4, §6)."""

import ssl
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from independent.checking import answered, equal, holds
from independent.jose import Json, Jws, parse, thumbprint
from independent.jose import holds as signed_by

STATEMENT = "application/secevent+jwt"
ENVELOPE = "application/vnd.interagency.alert+json"


class Hub:
    """A hub at an address; its keys are looked up by thumbprint and kept."""

    def __init__(self, url: str, ca: Path | None = None) -> None:
        trust = ssl.create_default_context(cafile=ca) if ca else True
        self.http = httpx2.Client(base_url=url, verify=trust, trust_env=False, timeout=15.0)
        self._records: dict[str, Json] = {}

    @cached_property
    def about(self) -> Json:
        """Discovery (protocol §6)."""
        found: Json = answered(self.http.get("/.well-known/interagency-hub"), 200)
        return found

    @property
    def id(self) -> str:
        return str(self.about["hub"])

    @property
    def network(self) -> str:
        return str(self.about["network"])

    @property
    def issuer(self) -> str:
        return str(self.about["issuer"])

    @property
    def origin(self) -> str:
        """Scheme and authority of the issuer: where `htu` begins."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def token_path(self) -> str:
        return urlsplit(str(self.about["token_endpoint"])).path

    def key(self, kid: str) -> Json:
        """A key record of the directory, whose thumbprint is its name (protocol §6)."""
        if kid not in self._records:
            record: Json = answered(self.http.get(f"/v1/directory/keys/{kid}"), 200)
            equal("thumbprint of a key record", kid, thumbprint(record["jwk"]))
            self._records[kid] = record
        return self._records[kid]

    def verified(self, token: str, typ: str, use: str) -> Jws:
        """A JWS whose framing, key and signature are as protocol §2 says."""
        jws = parse(token)
        equal("members of the protected header", {"alg", "kid", "typ"}, set(jws.header))
        equal("typ", typ, jws.header["typ"])
        record = self.key(jws.header["kid"])
        equal("use of the key", use, record["use"])
        equal("agency of the key", jws.claims["iss"], record["agency"])
        same = {"EdDSA": "Ed25519"}
        algs = (record["alg"], jws.header["alg"])
        equal("alg", *(same.get(alg, alg) for alg in algs))
        holds("signature", signed_by(record["jwk"], jws.signed, jws.signature), "a good one", token)
        return jws

    def post_a(self, statement: str, salt: str | None, body: bytes, media_type: str, **headers: str) -> httpx2.Response:
        """Form A: the statement in a header, the one part as the body."""
        sent = {"Alert-Statement": statement, "Content-Type": media_type, **_spelled(headers)}
        if salt is not None:
            sent["Alert-Salt"] = salt
        return self.http.post("/v1/alerts", content=body, headers=sent)

    def post_b(self, statement: str | bytes, **headers: str) -> httpx2.Response:
        """Form B: the JWS alone."""
        return self._post("/v1/alerts", statement, STATEMENT, headers)

    def post_d(self, envelope: bytes, **headers: str) -> httpx2.Response:
        """Form D: one envelope."""
        return self._post("/v1/alerts", envelope, ENVELOPE, headers)

    def post_set(self, statement: str | bytes, **headers: str) -> httpx2.Response:
        """RFC 8935 push of form B."""
        return self._post("/v1/sets", statement, STATEMENT, {"Accept": "application/json", **headers})

    def _post(self, path: str, content: str | bytes, media_type: str, headers: dict[str, str]) -> httpx2.Response:
        sent: dict[str, Any] = {"Content-Type": media_type, **_spelled(headers)}
        return self.http.post(path, content=content, headers=sent)


def _spelled(headers: dict[str, str]) -> dict[str, str]:
    """Header names from Python's: `Content_Encoding` is `Content-Encoding`."""
    return {name.replace("_", "-"): value for name, value in headers.items()}
