"""The table of docs/access.md, and a hub with everything that its cells are about."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from broker.client.access import token_form
from broker.trust.keys import generate
from tests.integration.agencies import BANK, DYKE, HEALTH, POLICE, THAI_POLICE, Json, World, alert, claims
from tests.integration.asking import Ask, Caller, accepted, form_b, sign_in
from tests.integration.processes import Hub, until

AHA = "asean.aha"
PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text("utf-8")
ROLES = ("nobody", "poster", "unbound", "API token", "reader", "subscriber", "inspector", "closed")
STRANGERS = frozenset({"community", "other", "deleted", "recalled, not given"})
"""Whose things must look like those that never were."""
OWNER = re.compile(r"recalled, not given|given, amber|its other|[a-z]+|—")
AGENCY = {"inspector": AHA, "closed": THAI_POLICE}
UNKNOWN_ALERT = f"{DYKE}/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"
UNKNOWN_SUBSCRIPTION = "sub_AAAAAAAAAAAAAAAA"


@dataclass(frozen=True)
class Cell:
    """What one role is answered to one call about one owner's thing."""

    call: str
    owner: str
    role: str
    answer: str

    def __str__(self) -> str:
        return f"{self.role}: {self.call} ({self.owner})"


def cells() -> Iterator[Cell]:
    """Every one of the page."""
    table = PAGE.partition("\n| call | whose |")[2].partition("\n\n")[0]
    for line in table.splitlines()[2:]:
        calls, owners, *answers = (each.strip() for each in line.strip("|").split(" | "))
        for call in re.findall(r"`([^`]+)`", calls):
            for owner in OWNER.findall(owners):
                for role, answer in zip(ROLES, answers, strict=True):
                    yield Cell(call, owner, role, answer)


@dataclass
class Place:
    """A hub, who asks it, and what there is to ask about."""

    hub: Hub
    world: World
    callers: dict[str, Caller] = field(default_factory=dict)
    alerts: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def furnish(cls, hub: Hub, world: World) -> "Place":
        place = cls(hub, world)
        reader = place.callers["reader"] = sign_in(hub, world, HEALTH, scope="read")
        place.callers["subscriber"] = sign_in(hub, world, HEALTH, scope="subscribe")
        place.callers["unbound"] = sign_in(hub, world, HEALTH, bound=False, scope="read")
        place.callers["inspector"] = sign_in(hub, world, AHA, scope="inspect")
        place.callers["closed"] = sign_in(hub, world, THAI_POLICE)
        place._subscribe()
        place.callers["API token"] = Caller(hub, place._api_token())
        place._say(reader)
        place._close()
        return place

    def _subscribe(self) -> None:
        mine = self.callers["subscriber"]
        self.subscriptions |= {"own": mine.subscribe(), "its other": mine.subscribe(), "deleted": mine.subscribe()}
        self.subscriptions["community"] = sign_in(self.hub, self.world, DYKE).subscribe()
        self.subscriptions["other"] = sign_in(self.hub, self.world, BANK).subscribe()
        self.subscriptions["unknown"] = UNKNOWN_SUBSCRIPTION
        assert mine.call("DELETE", f"/v1/subscriptions/{self.subscriptions['deleted']}").status_code == 204

    def _api_token(self) -> str:
        """By the operator's command."""
        command = [sys.executable, "-m", "broker", "token", "issue", "--agency", HEALTH, "--name", "old", "--json"]
        command += ["--subscription", self.subscriptions["own"], "--data", str(self.world.folder / "data")]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return str(json.loads(told)["token"])

    def _say(self, reader: Caller) -> None:
        hub, world = self.hub, self.world
        self.alerts |= {
            "own": accepted(hub, world, alert(DYKE), issuer=HEALTH),
            "given": accepted(hub, world),
            "given, amber": accepted(hub, world, alert(tlp="amber")),
            "community": accepted(hub, world, alert(POLICE)),
            "other": accepted(hub, world, alert(POLICE, domain="crime"), issuer=BANK),
            "recalled": accepted(hub, world),
            "recalled, not given": accepted(hub, world, alert(POLICE)),
            "unknown": UNKNOWN_ALERT,
        }
        assert self.callers["API token"].call("GET", f"/v1/alerts/{self.alerts['own']}").status_code == 200
        for owner in ("given", "given, amber", "recalled"):
            assert reader.call("GET", f"/v1/alerts/{self.alerts[owner]}").status_code == 200
        for owner in ("recalled, not given", "recalled"):  # of one issuer, so routed in this order
            accepted(hub, world, {"kind": "recall", "status": "actual", "references": [self.alerts[owner]]})
        until(lambda: reader.call("GET", f"/v1/alerts/{self.alerts['recalled']}").status_code == 410)
        issuer = sign_in(hub, world, DYKE)
        decided = f"/v1/decisions?alert={self.alerts['given']}&subscription={self.subscriptions['own']}"
        until(lambda: issuer.call("GET", decided).json()["decisions"])

    def _close(self) -> None:
        """The agency is made inactive; its token is from before."""

        def closed(document: Json) -> None:
            for entry in document["agencies"]:
                entry["active"] = entry["id"] != THAI_POLICE
            document["version"] += 1

        path = "/v1/subscriptions"
        assert self.callers["closed"].call("GET", path).status_code == 200
        self.world.edit(closed)
        until(lambda: self.callers["closed"].call("GET", path).status_code == 401)

    def asks(self, cell: Cell) -> Ask:
        """The request of a cell."""
        method, path = cell.call.split(" ")
        make = _MADE.get(cell.call)
        if make is not None:
            return self._signed_in(cell.role, make(self, cell))
        kid = self.world.key(_OWNER_OF.get(cell.owner, HEALTH)).kid if cell.owner != "unknown" else "A" * 43
        path = path.replace("{kid}", kid).replace("{alert}", self.alerts.get(cell.owner, ""))
        path = path.replace("{id_}", self._subscription(cell))
        if path in ("/v1/decisions", "/v1/deliveries", "/v1/receipts"):
            path += f"?alert={self.alerts[cell.owner]}"
        path += f"?with={DYKE}" if path == "/v1/reciprocity" else ""
        if path == "/v1/directory/keys":
            path += f"?use=seal&agency={_OWNER_OF.get(cell.owner, 'vn.nobody')}"
        if path == "/v1/history" and cell.owner != "own":
            path += f"?agency={_OWNER_OF.get(cell.owner, 'vn.nobody')}"
        body = _BODIES.get(cell.call)
        return self._signed_in(cell.role, Ask(method, path, {}, b"" if body is None else json.dumps(body).encode()))

    def _subscription(self, cell: Cell) -> str:
        """What is changed or ended is one that nobody else looks at."""
        if cell.call.split(" ")[0] in ("PATCH", "DELETE") and cell.owner in ("own", "its other"):
            return self.callers["subscriber"].subscribe() if cell.role == "subscriber" else self.subscriptions["own"]
        return self.subscriptions.get(cell.owner, "")

    def _signed_in(self, role: str, ask: Ask) -> Ask:
        caller = self.callers.get(role)
        if role == "poster":
            proof = {"Authorization": "Bearer " + self.world.signed(claims(alert(), HEALTH))}
        elif caller is None:
            proof = {}
        else:
            proof = caller.headers(ask.method, ask.path.partition("?")[0])
        return Ask(ask.method, ask.path, proof | ask.headers, ask.body)

    def sent(self, cell: Cell) -> httpx2.Response:
        """The answer, of a stream its head alone."""
        ask = self.asks(cell)
        if not ask.path.endswith("/stream"):
            return ask.send(self.hub)
        with self.hub.http.stream(ask.method, ask.path, headers=ask.headers) as answer:
            if answer.status_code != 200:
                answer.read()
            return answer


_OWNER_OF = {"own": HEALTH, "its other": HEALTH, "community": DYKE, "other": BANK}
_BODIES: dict[str, Any] = {
    "POST /v1/whatif": {"event": alert(DYKE)},
    "POST /v1/subscriptions": {"adapter": "stream", "purpose": ["prevention"]},
    "PATCH /v1/subscriptions/{id_}": {"name": "changed"},
    "POST /v1/subscriptions/{id_}/replay": {"positions": "1"},
    "POST /v1/subscriptions/{id_}/dead": {"all": True},
}


def _post(place: Place, cell: Cell) -> Ask:
    """`own`: its own words. Of others': an acknowledgement, which who was given the alert may send."""
    agency = AGENCY.get(cell.role, HEALTH)
    event = alert(DYKE) if cell.owner == "own" else _ack(place.alerts[cell.owner])
    key = generate() if cell.role == "nobody" else place.world.key(agency)
    return form_b(place.world.signed(claims(event, agency), key), cell.call.split(" ")[1])


def _ack(id_: str) -> Json:
    return {"kind": "ack", "status": "actual", "references": [id_], "outcome": "received"}


def _token(place: Place, cell: Cell) -> Ask:
    """With the key that this role has; of others': in their name."""
    agency = AGENCY.get(cell.role, HEALTH)
    named = agency if cell.owner == "own" else _OWNER_OF.get(cell.owner, "vn.nobody")
    keys: dict[str, Callable[[], Any]] = {"nobody": generate, "API token": generate}
    keys["poster"] = lambda: place.world.key(agency)
    key = keys.get(cell.role, lambda: place.world.key(agency, "auth"))()
    form = token_form(key, f"{named}#tests", place.hub.told["issuer"], "read")
    body = str(httpx2.QueryParams(form)).encode()
    return Ask("POST", "/oauth/token", {"Content-Type": "application/x-www-form-urlencoded"}, body)


_MADE: dict[str, Callable[[Place, Cell], Ask]] = {
    "POST /v1/alerts": _post,
    "POST /v1/sets": _post,
    "POST /oauth/token": _token,
}
