"""The table of protocol §4: for each code what provokes it, by each form that can."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from broker.errors import Code
from broker.trust.keys import generate
from tests.integration.agencies import (
    DYKE,
    HEALTH,
    LAO_POLICE,
    Json,
    Part,
    World,
    alert,
    claims,
    handling,
    personal,
)
from tests.integration.asking import Ask, accepted, form_a, form_b, form_d, pushed, sign_in
from tests.integration.processes import Hub

STATUS: Mapping[Code, int] = {
    "too-large": 413,
    "header-too-large": 431,
    "unsupported-media-type": 415,
    "malformed": 400,
    "untrusted": 403,
    "conflict": 409,
    "key-not-valid": 403,
    "stale": 409,
    "wrong-audience": 403,
    "invalid-statement": 422,
    "outside-mandate": 403,
    "terms": 403,
    "neutrality": 403,
    "no-legal-basis": 403,
    "part-mismatch": 422,
    "invalid-part": 422,
    "busy": 503,
    "unauthenticated": 401,
    "insufficient-scope": 403,
    "not-found": 404,
    "gone": 410,
    "invalid-request": 422,
}
SET_ERROR: Mapping[Code, str] = {
    "malformed": "invalid_request",
    "invalid-statement": "invalid_request",
    "part-mismatch": "invalid_request",
    "invalid-part": "invalid_request",
    "untrusted": "invalid_key",
    "key-not-valid": "invalid_key",
    "wrong-audience": "invalid_audience",
    "conflict": "access_denied",
    "stale": "access_denied",
    "outside-mandate": "access_denied",
    "terms": "access_denied",
    "neutrality": "access_denied",
    "no-legal-basis": "access_denied",
}
"""Of `POST /v1/sets`."""

ELSEWHERE: Mapping[Code, str] = {"busy": "test_busy.py: it needs a store that is away"}
_MIB = 1 << 20
Provoke = Callable[[Hub, World], Ask]


@dataclass(frozen=True)
class Row:
    """One refusal: by a form, or by another call."""

    code: Code
    by: str
    provoke: Provoke
    twice: bool = True
    """Whether the same bytes are refused alike again."""

    def __str__(self) -> str:
        return f"{self.code} by {self.by}"


@dataclass(frozen=True)
class Said:
    """A statement that is refused whatever form it comes in; with its part by those that carry one."""

    event: Json
    issuer: str = DYKE
    changes: Mapping[str, Any] | None = None
    key: str | None = None
    """Of the issuer; "none" is one that nobody knows."""

    def token(self, world: World, *parts: Part) -> str:
        event = self.event | ({"parts": [part.described() for part in parts]} if parts else {})
        key = generate() if self.key == "none" else world.key(self.issuer, self.key or "statement")
        return world.signed(claims(event, self.issuer, **(self.changes or {})), key)


SAID: Mapping[Code, Callable[[], Said]] = {
    "malformed": lambda: Said(alert(), changes={"exp": 1}),
    "untrusted": lambda: Said(alert(), key="none"),
    "key-not-valid": lambda: Said(alert(), key="expired"),
    "stale": lambda: Said(alert(), changes={"iat": 1_700_000_000}, key="statement"),
    "wrong-audience": lambda: Said(alert(), changes={"aud": "https://other.example/net"}),
    "invalid-statement": lambda: Said(alert(severity="grave")),
    "outside-mandate": lambda: Said(alert(), LAO_POLICE),
    "terms": lambda: Said(alert("@asean.disaster", tlp="red")),
    "neutrality": lambda: Said(alert(handling=personal(person=None))),
    "no-legal-basis": lambda: Said(alert(handling=personal(legal_basis=None))),
}
"""What is refused for what it says or for who signed it. `stale` needs a key that was valid then: see `_stale`."""


def rows() -> Iterator[Row]:
    """All of them."""
    for code in SAID:
        yield Row(code, "form A", lambda _, world, code=code: _by_a(code, world))  # type: ignore[misc]  # bound early
        yield Row(code, "form B", lambda _, world, code=code: form_b(_said(code).token(world)))  # type: ignore[misc]
        yield Row(code, "form D", lambda _, world, code=code: _by_d(code, world))  # type: ignore[misc]
        yield Row(code, "a SET", lambda _, world, code=code: pushed(_said(code).token(world)))  # type: ignore[misc]
    for by, make in (
        ("form A", _conflict_a),
        ("form B", _conflict_b),
        ("form D", _conflict_d),
        ("a SET", _conflict_set),
    ):
        yield Row("conflict", by, make)
    yield from _of_limits()
    yield from _of_parts()
    yield from _of_calls()


def _said(code: Code) -> Said:
    said = SAID[code]()
    if code == "stale":  # signed ten minutes ago, by a key that was valid
        return replace(said, changes={"iat": claims(alert())["iat"] - 600})
    return said


def _by_a(code: Code, world: World) -> Ask:
    part = Part()
    return form_a(_said(code).token(world, part), part)


def _by_d(code: Code, world: World) -> Ask:
    part = Part()
    return form_d(_said(code).token(world, part), part)


# The same id with another statement


def _other(hub: Hub, world: World, *parts: Part) -> str:
    """A validly signed statement under an id that another one has."""
    taken = accepted(hub, world)
    event = alert(severity="minor") | ({"parts": [part.described() for part in parts]} if parts else {})
    return world.signed(claims(event, jti=taken))


def _conflict_a(hub: Hub, world: World) -> Ask:
    part = Part()
    return form_a(_other(hub, world, part), part)


def _conflict_b(hub: Hub, world: World) -> Ask:
    return form_b(_other(hub, world))


def _conflict_d(hub: Hub, world: World) -> Ask:
    part = Part()
    return form_d(_other(hub, world, part), part)


def _conflict_set(hub: Hub, world: World) -> Ask:
    return pushed(_other(hub, world))


# Limits


def _with_part(world: World, part: Part, **described: Any) -> str:
    return world.signed(claims(alert(parts=[part.described(**described)])))


def _long(world: World, length: int) -> str:
    return world.signed(claims(alert(ext={"https://x.example/pad": "x" * length})))


def _of_limits() -> Iterator[Row]:
    big = Part(bytes(_MIB + 1), "application/octet-stream")
    yield Row("too-large", "form A", lambda _, world: form_a(_with_part(world, big), big))
    yield Row("too-large", "form B", lambda _, world: form_b(_long(world, 13_000)))
    yield Row("too-large", "form D", lambda _, world: form_d(_with_part(world, big), big))
    yield Row("too-large", "a SET", lambda _, world: pushed(_long(world, 13_000)))
    yield Row("header-too-large", "form A", lambda _, world: _long_a(world))
    yield Row("header-too-large", "form B", lambda _, world: _padded(form_b(_long(world, 1))))
    yield Row("header-too-large", "form D", lambda _, world: _padded(form_d(_long(world, 1))))
    yield Row("header-too-large", "a SET", lambda _, world: _padded(pushed(_long(world, 1))))
    encoded = {"Content-Encoding": "gzip"}
    yield Row("unsupported-media-type", "form A", lambda _, world: _with(_by_a_good(world), encoded))
    yield Row("unsupported-media-type", "form B", lambda _, world: _with(form_b(_long(world, 1)), encoded))
    yield Row("unsupported-media-type", "form D", lambda _, world: _with(form_d(_long(world, 1)), encoded))
    yield Row(
        "unsupported-media-type",
        "no form",
        lambda _, world: _with(form_b(_long(world, 1)), {"Content-Type": "text/plain"}),
    )


def _long_a(world: World) -> Ask:
    part = Part()
    event = alert(parts=[part.described()], ext={"https://x.example/pad": "x" * 5_500})
    return form_a(world.signed(claims(event)), part)


def _by_a_good(world: World) -> Ask:
    part = Part()
    return form_a(_with_part(world, part), part)


def _padded(ask: Ask) -> Ask:
    """With 36 KB of other headers."""
    return _with(ask, {f"X-Pad-{n}": "x" * 4_000 for n in range(9)})


def _with(ask: Ask, headers: dict[str, str]) -> Ask:
    return replace(ask, headers=ask.headers | headers)


# Parts


def _of_parts() -> Iterator[Row]:
    yield Row("malformed", "form A without a salt", lambda _, world: _unsalted(world))
    yield Row("malformed", "form D with an unknown member", lambda _, world: form_d(_long(world, 1), extra=1))
    yield Row("part-mismatch", "form A", lambda _, world: _swapped(world, form_a))
    yield Row("part-mismatch", "form B", lambda _, world: form_b(_with_part(world, Part())))
    yield Row("part-mismatch", "form D", lambda _, world: _swapped(world, form_d))
    yield Row("part-mismatch", "a SET", lambda _, world: pushed(_with_part(world, Part())))
    yield Row("invalid-part", "form A", lambda _, world: _no_cap(world, form_a))
    yield Row("invalid-part", "form D", lambda _, world: _no_cap(world, form_d))


def _unsalted(world: World) -> Ask:
    ask = _by_a_good(world)
    return replace(ask, headers={name: value for name, value in ask.headers.items() if name != "Alert-Salt"})


def _swapped(world: World, form: Callable[[str, Part], Ask]) -> Ask:
    part = Part()
    return form(_with_part(world, part), replace(part, data=part.data[::-1]))


def _no_cap(world: World, form: Callable[[str, Part], Ask]) -> Ask:
    part = Part(type="application/cap+xml")
    return form(_with_part(world, part), part)


# The other calls


def _of_calls() -> Iterator[Row]:
    yield Row("unauthenticated", "a call without a token", lambda *_: Ask("GET", "/v1/subscriptions"))
    yield Row(
        "unauthenticated",
        "a call with a forged token",
        lambda *_: Ask("GET", "/v1/subscriptions", {"Authorization": "Bearer iab_forged"}),
    )
    yield Row("insufficient-scope", "a call that a reader makes", _out_of_scope, twice=False)
    yield Row("not-found", "a read of an unknown alert", _unknown, twice=False)
    yield Row("not-found", "a path that is none", lambda *_: Ask("GET", "/v1/nothing"))
    yield Row("not-found", "a method that is none", lambda *_: Ask("PUT", "/v1/alerts"))
    yield Row("gone", "a read of a recalled alert", _recalled, twice=False)
    yield Row("invalid-request", "a subscription without a purpose", _without_purpose, twice=False)
    yield Row("invalid-request", "a query without its parameter", _without_parameter, twice=False)
    yield Row("invalid-request", "a page of attempts after no place", _after_no_place, twice=False)


def _out_of_scope(hub: Hub, world: World) -> Ask:
    return sign_in(hub, world, HEALTH, scope="read").ask("POST", "/v1/subscriptions", {})


def _unknown(hub: Hub, world: World) -> Ask:
    return sign_in(hub, world, HEALTH).ask(
        "GET", f"/v1/alerts/{DYKE}/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d?purpose=prevention"
    )


def _recalled(hub: Hub, world: World) -> Ask:
    reader = sign_in(hub, world, HEALTH)
    path = f"/v1/alerts/{accepted(hub, world)}"
    assert reader.call("GET", path + "?purpose=prevention").status_code == 200
    accepted(hub, world, {"kind": "recall", "status": "actual", "references": [path.removeprefix("/v1/alerts/")]})
    _until_recalled(hub, world, path)
    return reader.ask("GET", path + "?purpose=prevention")


def _until_recalled(hub: Hub, world: World, path: str) -> None:
    """Its issuer has it no longer either once the router has seen the recall."""
    from tests.integration.processes import until

    reader = sign_in(hub, world, HEALTH)
    until(lambda: reader.call("GET", path + "?purpose=prevention").status_code == 410)


def _without_purpose(hub: Hub, world: World) -> Ask:
    return sign_in(hub, world, HEALTH).ask("POST", "/v1/subscriptions", {"adapter": "stream"})


def _without_parameter(hub: Hub, world: World) -> Ask:
    return sign_in(hub, world, HEALTH).ask("GET", "/v1/decisions")


def _after_no_place(hub: Hub, world: World) -> Ask:
    reader = sign_in(hub, world, HEALTH)
    made = reader.call("POST", "/v1/subscriptions", {"adapter": "stream", "purpose": ["prevention"]}).json()["id"]
    places = ("x", "-", "(1", "1-2-3", "9" * 20, "", "%00")
    asks = [reader.ask("GET", f"/v1/subscriptions/{made}/attempts?after={place}") for place in places]
    assert {hub.http.request(ask.method, ask.path, headers=ask.headers).status_code for ask in asks[1:]} == {422}
    assert reader.call("GET", f"/v1/subscriptions/{made}/attempts?after=1795309200123-0").status_code == 200
    return asks[0]


__all__ = ["ELSEWHERE", "SET_ERROR", "STATUS", "Row", "handling", "rows"]
