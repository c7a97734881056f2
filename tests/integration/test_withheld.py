"""Nothing of an alert reaches an agency that it was withheld from, rule by rule; one hub without the alerts shows it.

Both stand on the same directory and keys and call themselves the same. What the bank reads of the one it must read of
the other, word for word, but for times and random names; and no word of the alerts stands anywhere in it.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.integration.agencies import BANK, DYKE, HEALTH, POLICE, Json, Part, World, alert, claims, later, personal
from tests.integration.asking import Caller, accepted, form_d, id_of, sign_in
from tests.integration.processes import Hub, serving, until

CANARY = "chim-hoàng-yến"
"""Stands in every text of the alerts, with a number."""
READER = BANK
TERMS: Json = {
    "domains": ["crime", "disaster"],
    "statuses": ["actual", "exercise"],
    "tlps": ["clear", "green", "amber", "amber+strict", "red"],
    "severity": "extreme",
    "personal": ["none", "ordinary"],
    "purposes": ["prevention"],
}


@dataclass(frozen=True)
class Canary:
    """An alert that one rule of §9 keeps from the bank, and the words by which it would be recognised."""

    rule: int
    event: Json
    issuer: str = POLICE
    part: Part = field(default_factory=lambda: Part(CANARY.encode(), "text/plain", "canary-part"))
    after: Callable[["Twins", str], object] = lambda *_: None
    """What happens to it next."""

    def post(self, twins: "Twins") -> str:
        """Its id; it is routed when this returns, and the bank has not read since."""
        event = self.event | {"refs": {"ours": f"{CANARY}-refs"}, "parts": [self.part.described()]}
        event |= {"headline": {"vi": f"{CANARY}-headline"}, "by": "canary-0412"}
        said = claims(event, self.issuer, txn=f"{self.issuer}/{CANARY}-txn")
        answer = form_d(twins.world.signed(said), self.part).send(twins.one)
        assert answer.status_code == 202, answer.text
        self.after(twins, said["jti"])
        return str(said["jti"])


def _to_bank(**changes: Any) -> Json:
    return alert(READER, domain="crime", **changes)


def _recalled(twins: "Twins", id_: str) -> None:
    accepted(twins.one, twins.world, {"kind": "recall", "status": "actual", "references": [id_]}, issuer=POLICE)


def _erased_soon() -> Canary:
    """Its date of erasure comes before anybody reads it."""
    due = later(seconds=3)
    return Canary(10, _to_bank(handling=personal(erase_after=due)), after=lambda *_: until(lambda: later() > due))


CANARIES: dict[str, Callable[[], Canary]] = {
    "2 recalled before it was given": lambda: Canary(2, _to_bank(), after=_recalled),
    "3 an exercise": lambda: Canary(3, _to_bank(status="exercise")),
    "4 excluded": lambda: Canary(
        4, alert(domain="crime", addressing={"to": ["@vn.fincrime"], "release_to": [], "not_to": [READER]})
    ),
    "5 for others": lambda: Canary(5, alert(HEALTH, tlp="red"), DYKE),
    "7 a charter that does not admit it": lambda: Canary(7, alert("@vn.state", domain="crime")),
    "8 no agreement": lambda: Canary(8, _to_bank(), HEALTH),
    "9 another purpose": lambda: Canary(9, _to_bank(handling=_for("prosecution"))),
    "10 its erasure is due": _erased_soon,
    "11 a caveat": lambda: Canary(11, _to_bank(handling=_for("prevention", caveats=["H1"]))),
    "14 derived from what it may not have": lambda: Canary(14, _to_bank()),
}
"""Rule 1 shuts the reader out (docs/access.md, `closed`), 6 and 15 and 12 are below, 13 is about hubs."""


def _for(purpose: str, **more: Any) -> Json:
    return {"tlp": "green", "onward": "none", "purpose": [purpose], "personal_data": "none", **more}


@dataclass
class Twins:
    """The hub with the alerts, and the one without."""

    world: World
    one: Hub
    other: Hub

    def both(self) -> tuple[Hub, Hub]:
        return self.one, self.other


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    """The police has an agreement with the bank; a community of states lists the bank, but does not admit its tier."""
    world = World.make(tmp_path_factory.mktemp("twins"))

    def more(document: Json) -> None:
        document["communities"].append(
            {"name": "@vn.state", "members": [POLICE, READER], "tiers": ["state"], "charter": TERMS}
        )
        document["agreements"] += [{"from": POLICE, "to": READER, **TERMS}, {"from": DYKE, "to": POLICE, **TERMS}]

    world.edit(more)
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(serving(world, "--issuer", "http://hub.example", data=data))
            for data in ("one", "other")
        )
        yield Twins(world, one, other)


# What the bank can read


def everything(twins: Twins, caller: Caller, subscriptions: dict[str, str], ids: list[str]) -> dict[str, str]:
    """Each answer by what was asked: every GET of the application, for every name that the bank could know."""
    told: dict[str, str] = {}
    for path in questions(twins, caller.hub, list(subscriptions.values()), ids):
        answer = caller.call("GET", path)
        shown = path
        for name, id_ in subscriptions.items():
            shown = shown.replace(id_, name)
        text = _in_order(answer.json()) if path == "/v1/subscriptions" else answer.text
        told[shown] = f"{answer.status_code} {answer.headers.get('content-type')}\n{text}"
    return told


def _in_order(listed: Json) -> str:
    """By name: the hub's own order is that of the random ids."""
    return json.dumps(sorted(listed["subscriptions"], key=lambda each: str(each["name"])))


def questions(twins: Twins, hub: Hub, subscriptions: list[str], ids: list[str]) -> Iterator[str]:
    """By the application's own list of its calls. The stream is read by itself; figures are the ledger's growth."""
    others = (POLICE, DYKE, HEALTH)
    names = {"{id_}": subscriptions, "{alert}": ids, "{kid}": [twins.world.key(agency).kid for agency in others]}
    more = {"/v1/decisions": "?alert={alert}", "/v1/deliveries": "?alert={alert}"}
    more["/v1/directory/keys"] = f"?use=seal&agency={POLICE}"
    paths = hub.http.get("/openapi.json").json()["paths"]
    there = {path + more.get(path, "") for path, calls in paths.items() if "get" in calls}
    there -= {"/metrics", "/v1/subscriptions/{id_}/stream"}
    there |= {"/v1/alerts/{alert}?purpose=prevention", "/v1/subscriptions/{id_}/gaps?have=1-40", "/docs", "/v1/nothing"}
    there |= {f"/v1/reciprocity?with={agency}&since=2026-01-01T00:00:00Z" for agency in others}
    there |= {f"/v1/decisions?alert={{alert}}&agency={READER}", *(f"/v1/history?agency={agency}" for agency in others)}
    for path in sorted(there | {"/openapi.json"}):
        member = next((member for member in names if member in path), "")
        yield from (path.replace(member, name) for name in names[member]) if member else (path,)


PLAIN: list[tuple[str, str]] = [
    (r"sub_[A-Za-z0-9_-]{16}", "sub_…"),
    (r"urn:uuid:[0-9a-f-]{36}", "urn:uuid:…"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "…time…"),
    (r"dlv_[A-Za-z0-9_-]{32}", "dlv_…"),
    (r"sha256:[0-9a-f]{64}", "sha256:…"),
    (r'"duration_ms":\d+', '"duration_ms":…'),
]
"""What differs between any two hubs."""


def plain(text: str, same: dict[str, str]) -> str:
    """Without times and random names; `same` are the names of what both worlds have under other ids."""
    for id_, name in same.items():
        text = text.replace(id_, name)
    for pattern, shown in PLAIN:
        text = re.sub(pattern, shown, text)
    return text


def unfolded(text: str) -> str:
    """With what is base64url inside it, one layer and two: statements, receipts, parts, proofs."""
    for _ in range(2):
        found = re.findall(r"[A-Za-z0-9_-]{16,}", text)
        whole = (each[: len(each) - (len(each) % 4 == 1)] for each in found)
        text += " ".join(base64.urlsafe_b64decode(each + "=" * (-len(each) % 4)).decode("latin-1") for each in whole)
    return text


def spellings(word: str) -> set[str]:
    """As JSON escapes it, and as bytes read one by one."""
    return {word, json.dumps(word)[1:-1], word.encode().decode("latin-1")}


def subscribed(hub: Hub, world: World) -> tuple[Caller, dict[str, str]]:
    """The bank with a stream for all that it could want, a narrow one, and one that is paused."""
    caller = sign_in(hub, world, READER)
    wide = {"filter": {"status": ["actual"]}, "own": True}
    made = {
        "wide": caller.subscribe(name="wide", **wide),
        "narrow": caller.subscribe(name="narrow", filter={"domains": ["crime.fraud"]}),
    }
    made["paused"] = caller.subscribe(name="paused", state="paused", filter={"issuers": [DYKE, HEALTH]})
    return caller, made


def test_nothing_of_what_is_withheld_can_be_read(twins: Twins) -> None:
    """Of ten alerts, each kept from the bank by another rule, no word, id, count, position or answer reaches it."""
    worlds = [(hub, *subscribed(hub, twins.world)) for hub in twins.both()]
    before = accepted(twins.one, twins.world, alert(HEALTH, tlp="red"), issuer=DYKE)  # what one of them derives from
    posted: dict[str, Canary] = {}
    for name, make in CANARIES.items():
        canary = make()
        if name.startswith("14"):
            canary.event["handling"] = _for("prevention", derived_from=[before])
        posted[canary.post(twins)] = canary
    shared = [accepted(hub, twins.world, _to_bank(), issuer=POLICE) for hub in twins.both()]  # what it may have
    told = []
    for (hub, caller, made), id_ in zip(worlds, shared, strict=True):
        until(lambda hub=hub: _routed(hub))
        with caller.stream(made["wide"]) as envelopes:
            came = next(envelopes)
        assert (id_of(came), came["hub"]["position"], came["hub"]["previous"]) == (id_, 1, None)
        until(lambda caller=caller, made=made: _settled(caller, made["wide"]))
        read = everything(twins, caller, made, [*posted, before])
        read["stream"], read["shared"] = json.dumps(came), caller.call("GET", f"/v1/alerts/{id_}").text
        told.append(read)
    _same(told, shared)
    _clean(told[0], posted)


def _routed(hub: Hub) -> bool:
    return hub.figure("broker_routed_total") == hub.figure("broker_accepted_total")


def _settled(caller: Caller, id_: str) -> bool:
    return bool(caller.call("GET", f"/v1/subscriptions/{id_}/attempts").json()["attempts"])


def _same(told: list[dict[str, str]], shared: list[str]) -> None:
    """Answer by answer; of the two that hold signatures the members that are not signed anew."""
    one, other = told
    assert one.keys() == other.keys()
    names = dict.fromkeys(shared, "shared")
    for path in one.keys() - {"stream", "shared"}:
        if path.startswith(("/v1/receipts", "/v1/alerts")) and one[path].startswith("200"):
            raise AssertionError(f"{path} was answered: {one[path]}")
        assert plain(one[path], names) == plain(other[path], names), path


def _clean(told: dict[str, str], posted: dict[str, Canary]) -> None:
    """No word of them anywhere in it; their ids stand only where the bank itself named them, in what it asked for."""
    text = unfolded("\n".join(told.values()))
    words = {CANARY, "canary-part", "canary-0412", *posted, *(id_.partition("/")[2] for id_ in posted)}
    words |= {canary.part.described()["digest"] for canary in posted.values()}
    for word in words:
        for spelling in spellings(word):
            assert spelling not in text, word


def test_the_search_would_find_them(twins: Twins) -> None:
    """The search finds every word in what the originator, who may, reads of its own alert: it is no blind search."""
    canary = Canary(5, alert(HEALTH, domain="crime"))
    id_ = canary.post(twins)
    text = unfolded(sign_in(twins.one, twins.world, POLICE).call("GET", f"/v1/alerts/{id_}?purpose=prevention").text)
    for word in (CANARY, "canary-part", "canary-0412", id_, canary.part.described()["digest"]):
        assert any(spelling in text for spelling in spellings(word)), word


def test_a_part_that_is_withheld_leaves_its_digest_alone(twins: Twins) -> None:
    """Rules 6 and 15: of a part that stays back there is the signed digest, and no byte and no salt."""
    caller = sign_in(twins.one, twins.world, READER)
    id_ = caller.subscribe()
    kept, shown = Part(f"{CANARY}-secret".encode(), "text/plain", "secret"), Part()
    parts = [shown.described(), kept.described(handling={"tlp": "red"})]
    event = alert("@vn.fincrime", domain="crime", parts=parts)
    assert form_d(twins.world.signed(claims(event, POLICE)), shown, kept).send(twins.one).status_code == 202
    with caller.stream(id_) as envelopes:
        came = next(envelopes)
    assert came["hub"]["released"] == ["main"]
    text = unfolded(json.dumps(came))
    for word in (f"{CANARY}-secret", kept.carried()["salt"], kept.carried()["data"]):
        assert not any(spelling in text for spelling in spellings(word))
    assert caller.call("DELETE", f"/v1/subscriptions/{id_}").status_code == 204


def test_what_a_way_may_not_carry_does_not_exist_for_it(twins: Twins) -> None:
    """Rule 12: to an unbound token an alert above green is nowhere, not even as a number that waits."""
    bound = sign_in(twins.one, twins.world, READER)
    id_ = bound.subscribe()
    unbound = sign_in(twins.one, twins.world, READER, bound=False)
    before = everything(twins, unbound, {"mine": id_}, [])
    secret = accepted(twins.one, twins.world, _to_bank(tlp="amber"), issuer=POLICE)
    until(lambda: bound.call("GET", f"/v1/subscriptions/{id_}").json()["health"]["waiting"] == 1)
    after = everything(twins, unbound, {"mine": id_}, [])
    assert {path: plain(text, {}) for path, text in before.items()} == {p: plain(t, {}) for p, t in after.items()}
    assert not [path for path, text in after.items() if secret in unfolded(text)]
    assert bound.call("DELETE", f"/v1/subscriptions/{id_}").status_code == 204
