"""One hub over HTTP: requests that are repeated where that is safe, and signed with a token where one is needed."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2

from broker.client.access import Prover, Token, origin_of, token_form, token_from
from broker.client.problem import ProblemError, UnreachableError, problem_of
from broker.client.retrying import Retries
from broker.trust.keys import PrivateKey
from schemas.discovery import Discovery
from schemas.reading import read

Answer = TypeVar("Answer")
DISCOVERY = "/.well-known/interagency-hub"
UNAUTHENTICATED = 401
SILENCE_S = 60.0
"""A stream that says nothing for longer, not even a heartbeat (each 15 s), is taken for dead."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks for tokens: an agency's `auth` key, and the name of the system that holds it."""

    agency: str
    auth_key: PrivateKey
    client: str
    scope: str

    @property
    def subject(self) -> str:
        return f"{self.agency}#{self.client}"


@dataclass(frozen=True, slots=True)
class Options:
    """How the hub is reached, and by which of the agency's systems."""

    client: str = "client"
    """The name of this system in its agency: `[a-z0-9-]{1,32}` (protocol §6)."""
    scope: str = "read subscribe"
    ca: Path | None = None
    """The certificates (PEM) that the hub's may come from; None: those of the system."""
    timeout_s: float = 30.0
    retries: Retries = field(default_factory=Retries)
    keep_s: float = 300.0
    """How long discovery and key records are believed before they are asked for again: so is a revocation learnt."""
    transport: httpx2.AsyncBaseTransport | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, as often as it has to be sent: `content` are the same bytes each time."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    repeatable: bool = True
    """Whether it may be sent again when no answer came."""


class Connection:
    """Keeps what it learns about the hub: discovery, and a token until it ends."""

    def __init__(self, url: str, identity: Identity | None, options: Options) -> None:
        self.http = httpx2.AsyncClient(
            base_url=_checked_url(url),
            verify=_trust(options.ca),
            trust_env=False,
            timeout=options.timeout_s,
            transport=options.transport,
        )
        self.retries = options.retries
        self._timeout_s = options.timeout_s
        self._identity = identity
        self._prover = Prover()
        self._keep_s = options.keep_s
        self._discovery: tuple[float, Discovery] | None = None
        self._token: Token | None = None
        self._renewing = asyncio.Lock()

    async def discovery(self) -> Discovery:
        """Who the hub is (protocol §6); asked once in a while."""
        if self._discovery is None or self.is_old(self._discovery[0]):
            answer = await self.send(Ask("GET", DISCOVERY))
            self._discovery = time.monotonic(), _discovery(answer)
        return self._discovery[1]

    def is_old(self, asked_at: float) -> bool:
        """Whether what was asked for then (on the monotonic clock) has to be asked for again."""
        return time.monotonic() - asked_at > self._keep_s

    async def token(self) -> Token:
        """A token bound to this client's own key, asked for again while the hub is busy or gives no answer."""
        return await self._retried(self._usable_token, repeatable=True)

    async def _usable_token(self) -> Token:
        """Kept until shortly before it ends; asked for once."""
        async with self._renewing:
            if self._token is None or not self._token.usable:
                self._token = await self._new_token()
            return self._token

    async def send(self, ask: Ask) -> httpx2.Response:
        """The answer, if it is a success; without a token. ProblemError otherwise."""
        return await self._repeated(ask, signed=False)

    async def call(self, ask: Ask) -> httpx2.Response:
        """The same with a token and a proof; once more with a new token when the hub knows the old one no longer."""
        try:
            return await self._repeated(ask, signed=True)
        except ProblemError as problem:
            if problem.status != UNAUTHENTICATED:
                raise
        self._token = None
        return await self._repeated(ask, signed=True)

    @asynccontextmanager
    async def open_stream(self, path: str, last_event_id: str | None, most: int) -> AsyncIterator[httpx2.EventSource]:
        """Server-sent events, each of at most `most` bytes; ProblemError when the hub refuses."""
        headers = await self._authorization("GET", path)
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        timeout = httpx2.Timeout(self._timeout_s, read=SILENCE_S)
        async with self.http.sse(path, headers=headers, timeout=timeout, max_event_size=most) as events:
            if not events.response.is_success:
                await events.response.aread()
                if events.response.status_code == UNAUTHENTICATED:
                    self._token = None
                raise problem_of(events.response)
            yield events

    async def close(self) -> None:
        await self.http.aclose()

    async def _repeated(self, ask: Ask, *, signed: bool) -> httpx2.Response:
        return await self._retried(partial(self._once, ask, signed=signed), repeatable=ask.repeatable)

    async def _retried(self, once: Callable[[], Awaitable[Answer]], *, repeatable: bool) -> Answer:
        """The one place that tries again."""
        tried = 0
        while True:
            tried += 1
            try:
                return await once()
            except ProblemError as why:
                wait = self.retries.wait(tried, why, repeatable=repeatable)
                if wait is None:
                    raise
                await asyncio.sleep(wait)

    async def _once(self, ask: Ask, *, signed: bool) -> httpx2.Response:
        headers = dict(ask.headers)
        if signed:
            headers |= await self._authorization(ask.method, ask.path)
        try:
            answer = await self.http.request(
                ask.method, ask.path, params=ask.params or None, content=ask.content, headers=headers
            )
        except httpx2.TransportError as why:
            raise UnreachableError(str(why) or type(why).__name__) from None
        if not answer.is_success:
            raise problem_of(answer)
        return answer

    async def _authorization(self, method: str, path: str) -> dict[str, str]:
        token = await self._usable_token()
        url = origin_of((await self.discovery()).issuer) + path
        return {
            "Authorization": f"DPoP {token.value}",
            "DPoP": self._prover.proof(method, url, token.value),
        }

    async def _new_token(self) -> Token:
        who = self._identity
        if who is None:
            raise ProblemError("unauthenticated", "This call needs an agency and its key of use auth.")
        hub = await self.discovery()
        path = urlsplit(hub.token_endpoint).path
        form = httpx2.QueryParams(token_form(who.auth_key, who.subject, hub.issuer, who.scope))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "DPoP": self._prover.proof("POST", origin_of(hub.issuer) + path),
        }
        # an assertion and a proof serve once: whoever tries again comes here again, for new ones
        answer = await self._once(Ask("POST", path, content=str(form).encode(), headers=headers), signed=False)
        try:
            return token_from(json.loads(answer.content), who.scope)
        except (ValueError, TypeError, KeyError):
            raise ProblemError("unexpected-answer", "The hub's answer is no token.") from None


def _discovery(answer: httpx2.Response) -> Discovery:
    try:
        return read(Discovery, json.loads(answer.content))
    except ValueError:
        detail = f"{answer.url} is no hub's discovery: is the URL that of a hub?"
        raise ProblemError("unexpected-answer", detail) from None


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ProblemError("no-hub", f"{url} is no URL of a hub: https://hub.example, or http:// and a port.")
    return url.rstrip("/")


def _trust(ca: Path | None) -> ssl.SSLContext | bool:
    try:
        return True if ca is None else ssl.create_default_context(cafile=ca)
    except OSError as why:  # ssl.SSLError is one
        raise ProblemError("no-certificates", f"{ca} holds no certificates (PEM): {why.strerror or why}.") from None


def encoded(body: Any) -> bytes:
    """A JSON body."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
