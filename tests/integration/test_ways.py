"""Rule 12 over each way that there is, and what a better way gives of what another may not carry."""

import base64
import hashlib
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.integration.agencies import DYKE, HEALTH, POLICE, Json, Part, World, alert, claims
from tests.integration.asking import Ask, Caller, accepted, form_d, id_of, sign_in
from tests.integration.processes import Hub, serving, until
from tests.integration.receivers import Receiver, receiving

LEVELS = ("red", "amber+strict", "amber", "green", "clear")
UNKNOWN = f"{DYKE}/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"


@dataclass(frozen=True)
class Place:
    """A hub, and two endpoints of the ministry of health, one of which the directory lists."""

    hub: Hub
    world: World
    plain: Receiver
    secure: Receiver

    def caller(self, agency: str = HEALTH, *, bound: bool = True) -> Caller:
        return sign_in(self.hub, self.world, agency, bound=bound)

    def said(self) -> dict[str, str]:
        """One new alert a level: their ids by level."""
        return {level: accepted(self.hub, self.world, alert(tlp=level)) for level in LEVELS}

    def states(self, said: dict[str, str]) -> dict[str, str]:
        """How it stands with the ministry, level by level."""
        issuer, states = self.caller(DYKE), {}
        for level, id_ in said.items():
            told = issuer.call("GET", f"/v1/deliveries?alert={id_}").json()["deliveries"]
            states[level] = next((each["state"] for each in told if each["agency"] == HEALTH), "")
        return states


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Certificates by an authority that the hub is told to trust for webhooks."""
    folder = tmp_path_factory.mktemp("ways")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with receiving() as plain, receiving(tls) as secure:
        world = World.make(folder, http_endpoints=[plain.origin], private_networks=["127.0.0.0/8"])
        with serving(world, "--outgoing-ca", folder / "ca.pem") as hub:
            yield Place(hub, world, plain, secure)


def _states(*delivered: str) -> dict[str, str]:
    return {level: "delivered" if level in delivered else "waiting" for level in LEVELS}


@pytest.fixture
def subscribed(place: Place, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Makes subscriptions that end with the test, so that no other is delivered what it says."""
    made: list[tuple[Caller, str]] = []

    def subscribe(caller: Caller, **members: Any) -> str:
        made.append((caller, caller.subscribe(**members)))
        return made[-1][1]

    yield subscribe
    for caller, id_ in made:
        assert caller.call("DELETE", f"/v1/subscriptions/{id_}").status_code == 204


# Webhooks


@pytest.mark.parametrize(
    ("transport", "carried"), [("plain", ("green", "clear")), ("secure", ("amber+strict", "amber", "green", "clear"))]
)
def test_a_webhook_carries_what_its_transport_keeps(
    transport: str, carried: tuple[str, ...], place: Place, subscribed: Any
) -> None:
    """Plain http carries up to green, https up to amber+strict; the rest is withheld by rule 12, and can be read."""
    caller, receiver = place.caller(), place.plain if transport == "plain" else place.secure
    id_ = subscribed(caller, adapter="webhook", settings={"url": receiver.origin + "/in"})
    said = place.said()
    until(lambda: place.states(said) == {level: "delivered" if level in carried else "withheld" for level in LEVELS})
    assert sorted(receiver.ids()) == sorted(said[level] for level in carried)
    for level in set(LEVELS) - set(carried):
        assert _failed(place, said[level], id_) == [12]
        assert caller.call("GET", f"/v1/alerts/{said[level]}").status_code == 200


def _failed(place: Place, alert_: str, subscription: str) -> list[int]:
    """The rules that failed, as the originator is told."""
    path = f"/v1/decisions?alert={alert_}&subscription={subscription}"
    (decision,) = place.caller(DYKE).call("GET", path).json()["decisions"]
    return [each["rule"] for each in decision["rules"] if each["said"] == "fail"]


def test_an_http_endpoint_that_the_directory_does_not_list_is_no_endpoint(place: Place) -> None:
    """Webhooks go over https, or to an origin that the agency's entry names: this very scheme, host and port."""
    caller = place.caller()
    port = place.plain.origin.rpartition(":")[2]
    for url in (
        place.secure.origin.replace("https", "http") + "/in",
        f"http://localhost:{port}/in",
        "http://127.0.0.1/in",
        f"http://127.0.0.1:{port}@elsewhere.example/in",
    ):
        answer = _subscribe(caller, url)
        assert (answer["status"], answer["code"], answer["errors"][0]["path"]) == (
            422,
            "invalid-request",
            "/settings/url",
        )


def _subscribe(caller: Caller, url: str) -> Json:
    wanted = {"adapter": "webhook", "purpose": ["prevention"], "settings": {"url": url}}
    told: Json = caller.call("POST", "/v1/subscriptions", wanted).json()
    return told


def _waiting(caller: Caller, id_: str) -> int:
    return int(caller.call("GET", f"/v1/subscriptions/{id_}").json()["health"]["waiting"])


# Streams and reads


def _read(caller: Caller, id_: str, count: int) -> list[str]:
    """The ids of the next alerts on a stream."""
    with caller.stream(id_) as envelopes:
        return [id_of(next(envelopes)) for _ in range(count)]


def test_a_stream_carries_what_its_token_keeps_and_owes_the_rest(place: Place, subscribed: Any) -> None:
    """Without a bound token what is above green does not exist, and stays owed; with one, it comes."""
    bound, unbound = place.caller(), place.caller(bound=False)
    id_ = subscribed(bound)
    said = place.said()
    until(lambda: _waiting(bound, id_) == len(LEVELS))
    assert _read(unbound, id_, 2) == [said["green"], said["clear"]]
    until(lambda: place.states(said) == _states("green", "clear"))
    assert _waiting(bound, id_) == 3
    assert _read(bound, id_, 3) == [said["red"], said["amber+strict"], said["amber"]]
    until(lambda: place.states(said) == _states(*LEVELS))
    assert _waiting(bound, id_) == 0


def _in_part(place: Place, subscription: str) -> Json:
    """What an unbound reader is given of a green alert with an amber part, once that is written down."""
    bound, unbound = place.caller(), place.caller(bound=False)
    parts = Part(), Part(b"who was seen where", "text/plain", "detail")
    described = [parts[0].described(), parts[1].described(handling={"tlp": "amber"})]
    ask = form_d(place.world.signed(claims(alert(parts=described))), *parts)
    assert ask.send(place.hub).status_code == 202
    with unbound.stream(subscription) as stream:
        came = next(stream)
    until(lambda: bound.call("GET", f"/v1/subscriptions/{subscription}/attempts").json()["attempts"])
    return came


def test_a_part_that_a_token_does_not_keep_is_left_out(place: Place, subscribed: Any) -> None:
    """Rule 12 holds for each part: the rest is given without it."""
    came = _in_part(place, subscribed(place.caller()))
    assert (came["hub"]["released"], sorted(came["parts"])) == (["main"], ["main"])


def test_a_part_that_a_token_does_not_keep_stays_owed(place: Place, subscribed: Any) -> None:
    """What a way may not carry is not settled by the rest: it waits for a bound token (protocol §5)."""
    id_ = subscribed(place.caller())
    came = _in_part(place, id_)
    assert _waiting(place.caller(), id_) == 1
    with place.caller().stream(id_) as stream:
        rest = next(stream)
    assert (rest["statement"], rest["hub"]["released"]) == (came["statement"], "whole")
    assert rest["hub"]["position"] == came["hub"]["position"] + 1
    until(lambda: _waiting(place.caller(), id_) == 0)


def test_a_reader_without_a_better_token_is_given_nothing_twice(place: Place, subscribed: Any) -> None:
    """The rest waits; a reader by the same way gets what is new, and not the same part again."""
    id_ = subscribed(place.caller())
    _in_part(place, id_)
    new = accepted(place.hub, place.world)
    with place.caller(bound=False).stream(id_) as stream:
        assert id_of(next(stream)) == new
    assert _waiting(place.caller(), id_) == 1


def test_a_read_gives_what_its_token_keeps(place: Place, subscribed: Any) -> None:
    """`GET /v1/alerts/{id}`: for an unbound token, what is above green looks like what does not exist."""
    bound, unbound = place.caller(), place.caller(bound=False)
    subscribed(bound)
    said = place.said()
    absent = _told(unbound.ask("GET", f"/v1/alerts/{UNKNOWN}"), place.hub)
    for level, id_ in said.items():
        assert bound.call("GET", f"/v1/alerts/{id_}").status_code == 200, level
        if level in ("green", "clear"):
            assert unbound.call("GET", f"/v1/alerts/{id_}").status_code == 200, level
        else:
            assert _told(unbound.ask("GET", f"/v1/alerts/{id_}"), place.hub) == absent, level


def test_a_bound_token_without_its_proof_is_none(place: Place) -> None:
    """A stolen token opens nothing: not as a bearer token, not with another's proof, not with a proof used before."""
    owner, thief = place.caller(), place.caller(POLICE)
    path = "/v1/subscriptions"
    good = owner.headers("GET", path)
    others = thief.headers("GET", path)
    assert place.hub.http.get(path, headers={"Authorization": f"Bearer {owner.token}"}).status_code == 401
    assert place.hub.http.get(path, headers={"Authorization": good["Authorization"]}).status_code == 401
    assert place.hub.http.get(path, headers=good | {"DPoP": others["DPoP"]}).status_code == 401
    assert place.hub.http.get(path, headers=good).status_code == 200
    assert place.hub.http.get(path, headers=good).status_code == 401
    other_path = owner.headers("GET", path + "/sub_other")
    assert place.hub.http.get(path, headers=other_path).status_code == 401


# API tokens


def _issue(place: Place, subscription: str, name: str) -> str:
    """By the operator's command."""
    command = [sys.executable, "-m", "broker", "token", "issue", "--agency", HEALTH, "--subscription", subscription]
    command += ["--name", name, "--data", str(place.world.folder / "data"), "--json"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return str(json.loads(told)["token"])


def _basic(name: str, token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode()}


def test_an_api_token_reads_one_subscription_and_nothing_else(place: Place, subscribed: Any) -> None:
    """Read-only, one subscription, up to green; bearer and Basic alike; every other subscription is not there."""
    bound = place.caller()
    mine, other = subscribed(bound), subscribed(bound)
    token = _issue(place, mine, "taxii-1")
    said = place.said()
    until(lambda: _waiting(bound, mine) == len(LEVELS))
    by_bearer, by_basic = {"Authorization": f"Bearer {token}"}, _basic("taxii-1", token)
    get = place.hub.http.get
    for headers in (by_bearer, by_basic):
        listed = get("/v1/subscriptions", headers=headers).json()["subscriptions"]
        assert [each["id"] for each in listed] == [mine]
        assert get(f"/v1/subscriptions/{mine}/gaps", headers=headers).status_code == 200
        absent = _told(Ask("GET", "/v1/subscriptions/sub_unknown", headers), place.hub)
        assert _told(Ask("GET", f"/v1/subscriptions/{other}", headers), place.hub) == absent
        assert _told(Ask("GET", f"/v1/subscriptions/{other}/stream", headers), place.hub) == absent
        assert get(f"/v1/alerts/{said['green']}", headers=headers).status_code == 200
        assert get(f"/v1/alerts/{said['amber']}", headers=headers).status_code == 404
        for ask in (
            Ask("POST", "/v1/subscriptions", headers, b"{}"),
            Ask("PATCH", f"/v1/subscriptions/{mine}", headers, b"{}"),
            Ask("DELETE", f"/v1/subscriptions/{mine}", headers),
            Ask("POST", f"/v1/subscriptions/{mine}/test", headers),
        ):
            assert ask.send(place.hub).json()["code"] == "insufficient-scope"
    assert _read(Caller(place.hub, token), mine, 2) == [said["green"], said["clear"]]
    assert _waiting(bound, mine) == 3


def test_an_api_token_that_is_not_right_in_everything_is_unknown(place: Place, subscribed: Any) -> None:
    """Another name, another secret, one that was revoked: all are told the same."""
    token = _issue(place, subscribed(place.caller()), "taxii-2")
    wrong = [
        {"Authorization": f"Bearer {token}x"},
        _basic("taxii-9", token),
        _basic("taxii-2", token + "x"),
        _basic("", token),
        {"Authorization": "Basic !!"},
    ]
    path, send = "/v1/subscriptions", place.hub
    answers = [_told(Ask("GET", path, headers), send) for headers in wrong]
    _revoke(place, "taxii-2")
    answers += [_told(Ask("GET", path, headers), send) for headers in (_basic("taxii-2", token), _bearer(token))]
    assert answers == [answers[0]] * len(answers)
    assert answers[0]["code"] == "unauthenticated"


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_stream_ends_with_its_api_token(place: Place, subscribed: Any) -> None:
    """What is accepted once the token was revoked does not come by the stream that it opened."""
    mine = subscribed(place.caller())
    before = accepted(place.hub, place.world, alert(tlp="green"))
    with Caller(place.hub, _issue(place, mine, "taxii-4")).stream(mine) as envelopes:
        assert id_of(next(envelopes)) == before
        _revoke(place, "taxii-4")
        accepted(place.hub, place.world, alert(tlp="green"))
        assert next(envelopes, None) is None


def _revoke(place: Place, name: str) -> None:
    command = [sys.executable, "-m", "broker", "token", "revoke", "--agency", HEALTH, "--name", name]
    subprocess.run([*command, "--data", str(place.world.folder / "data")], check=True, capture_output=True)


def test_an_api_token_is_kept_as_its_hash_alone(place: Place, subscribed: Any) -> None:
    """Nothing on the hub's disk, nor in its log, is the token; its SHA-256 is."""
    token = _issue(place, subscribed(place.caller()), "taxii-3")
    assert place.hub.http.get("/v1/subscriptions", headers=_basic("taxii-3", token)).status_code == 200
    kept = b"".join(path.read_bytes() for path in _files(place.world.folder))
    assert hashlib.sha256(token.encode()).hexdigest().encode() in kept
    for secret in (token, token.removeprefix("iab_"), _basic("taxii-3", token)["Authorization"][6:]):
        assert secret.encode() not in kept


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# What is not yours


def test_what_is_not_yours_looks_like_what_does_not_exist(place: Place, subscribed: Any) -> None:
    """The same problem, but for its instance, for another's subscription or alert and for one that never was."""
    owner, stranger = place.caller(), place.caller(POLICE)
    id_ = subscribed(owner)
    secret = accepted(place.hub, place.world, alert(tlp="red"))
    asks = [Asked("GET", "/v1/subscriptions/", rest) for rest in ("", "/attempts", "/dead", "/gaps", "/stream")]
    asks += [Asked(method, "/v1/subscriptions/", "", {}) for method in ("PATCH", "DELETE")]
    asks += [Asked("POST", "/v1/subscriptions/", rest, body) for rest, body in _POSTS]
    asks += [Asked("GET", before) for before in _OF_ALERTS]
    asks.append(Asked("GET", "/v1/alerts/", "?purpose=prevention"))
    for ask in asks:
        theirs, nobodys = (id_, "sub_unknown") if "subscriptions" in ask.before else (secret, UNKNOWN)
        told = _told(ask.of(stranger, theirs), place.hub)
        assert told["code"] == ("invalid-request" if ask == Asked("GET", "/v1/alerts/") else "not-found"), ask
        assert told == _told(ask.of(stranger, nobodys), place.hub), ask


@dataclass(frozen=True)
class Asked:
    """A call about something: its path before and after the id."""

    method: str
    before: str
    after: str = ""
    body: Any = None

    def of(self, caller: Caller, id_: str) -> Ask:
        return caller.ask(self.method, self.before + id_ + self.after, self.body)


_POSTS = (("/test", None), ("/replay", {"positions": "1"}), ("/dead", {"all": True}))
_OF_ALERTS = ("/v1/alerts/", "/v1/receipts/", "/v1/deliveries?alert=", "/v1/decisions?alert=")


def _told(ask: Ask, hub: Hub) -> Json:
    """A refusal without its instance."""
    answer = ask.send(hub)
    assert answer.status_code >= 400, answer.text
    problem: Json = answer.json()
    del problem["instance"]
    return problem
