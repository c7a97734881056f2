"""A hub as three processes on one Redis, and how a process serves, ends, and stands behind TLS or a proxy."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest
import trustme

from tests.integration.agencies import HEALTH, World, alert, claims
from tests.integration.asking import STATEMENT, Ask, accepted, form_b, id_of, sign_in
from tests.integration.processes import Engine, Hub, engine, serving, until
from tests.integration.raw import head
from tests.integration.receivers import Receiver, receiving


@dataclass(frozen=True)
class Apart:
    """The three roles, each a process with a data folder of its own; the courier without a port."""

    world: World
    store: Engine
    receiver: Receiver
    ingress: Hub
    router: Hub
    courier: Hub


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    """A hub of three processes, and an endpoint that its directory lists."""
    folder = tmp_path_factory.mktemp("apart")
    with ExitStack() as stack:
        receiver, store = stack.enter_context(receiving()), stack.enter_context(engine(folder / "engine"))
        world = World.make(folder, http_endpoints=[receiver.origin])
        ports = {"ingress": (), "router": ("--port", "0"), "courier": ()}
        roles = {
            role: stack.enter_context(serving(world, *port, role=role, data=role, REDIS_URL=store.url))
            for role, port in ports.items()
        }
        yield Apart(world, store, receiver, **roles)


def test_three_processes_are_one_hub(apart: Apart) -> None:
    """What the ingress takes, the router decides and the courier pushes; a stream is served by the ingress."""
    caller = sign_in(apart.ingress, apart.world, HEALTH)
    caller.subscribe(adapter="webhook", settings={"url": apart.receiver.origin + "/in"})
    streamed = caller.subscribe()
    taken = [accepted(apart.ingress, apart.world) for _ in range(20)]
    with caller.stream(streamed) as envelopes:
        assert [id_of(next(envelopes)) for _ in taken] == taken
    until(lambda: sorted(apart.receiver.ids()) == sorted(taken))


def test_a_worker_has_a_port_only_where_one_is_asked_for(apart: Apart) -> None:
    """With `--port` a worker answers its monitor, and nobody else."""
    http = apart.router.http
    assert http.get("/readyz").json() == {"status": "ready", "wrong": []}
    assert http.get("/healthz").status_code == 200
    assert "broker_connections 1.0" in http.get("/metrics").text
    for path in ("/v1/subscriptions", "/docs", "/openapi.json", "/.well-known/interagency-hub"):
        assert http.get(path).status_code == 404
    assert apart.courier.told["port"] is None
    assert not [each for each in apart.courier.seen.net_connections("tcp") if each.status == psutil.CONN_LISTEN]


def test_every_role_says_when_the_store_is_away_and_goes_on_after(apart: Apart) -> None:
    """`/readyz` is 503 and names what is wrong, `/healthz` stays 200; when the store is back, all is well by itself."""
    watched = (apart.ingress, apart.router)
    apart.store.stop()
    for hub in watched:
        answer = hub.http.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
        assert [wrong.partition(":")[0] for wrong in answer.json()["wrong"]] == ["store"]
        assert hub.http.get("/healthz").status_code == 200
    apart.store.start()
    until(lambda: all(hub.http.get("/readyz").status_code == 200 for hub in watched))
    taken = accepted(apart.ingress, apart.world)
    until(lambda: taken in apart.receiver.ids())


def test_each_role_ends_cleanly(apart: Apart) -> None:
    """SIGTERM, and the exit code is 0, whichever goes first. (The last test of these three processes.)"""
    assert [hub.terminate() for hub in (apart.router, apart.ingress, apart.courier)] == [0, 0, 0]
    for hub in (apart.router, apart.ingress, apart.courier):
        assert [line["asked"] for line in hub.lines() if line["event"] == "stopping"] == [True]
        assert [line["cut_off"] for line in hub.lines() if line["event"] == "stopped"] == [[]]


def test_what_one_role_leaves_the_next_start_takes_up(own_world: World, own_engine: Engine) -> None:
    """Without router and courier an ingress goes on taking alerts, and they wait for those."""
    with serving(own_world, role="ingress", data="ingress", REDIS_URL=own_engine.url) as hub:
        id_ = sign_in(hub, own_world, HEALTH).subscribe()
        taken = [accepted(hub, own_world) for _ in range(5)]
        assert hub.terminate() == 0
    with serving(own_world, REDIS_URL=own_engine.url) as hub:
        taken.append(accepted(hub, own_world))
        with sign_in(hub, own_world, HEALTH).stream(id_) as envelopes:
            assert [id_of(next(envelopes)) for _ in taken] == taken


# The end of a process


def test_a_post_that_is_under_way_at_the_end_is_answered(own_world: World, own_engine: Engine) -> None:
    """After SIGTERM nobody new is let in; who has begun is answered, the process ends with 0, and the alert is kept."""
    tokens = [own_world.signed(claims(alert())) for _ in range(8)]
    with serving(own_world, role="ingress", REDIS_URL=own_engine.url) as hub, ExitStack() as stack:
        lines = []
        for token in tokens:
            line = stack.enter_context(socket.create_connection(("127.0.0.1", hub.port), timeout=30))
            line.sendall(head(Content_Type=STATEMENT, Content_Length=str(len(token))) + token[:-8].encode())
            lines.append(line)
        until(lambda: hub.figure("broker_connections") == len(lines) + 1)
        until(lambda: hub.figure("broker_half_open_connections") == 0)
        hub.process.terminate()
        until(lambda: _closed(hub.port))
        for line, token in zip(lines, tokens, strict=True):
            line.sendall(token[-8:].encode())
            assert _heard(line).startswith(b"HTTP/1.1 202 ")
        assert hub.process.wait(30) == 0
    with serving(own_world, role="ingress", REDIS_URL=own_engine.url) as hub:
        assert [form_b(token).send(hub).status_code for token in tokens] == [202] * len(tokens)
        assert hub.figure("broker_repeated_total") == len(tokens)


def _closed(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False


def _heard(line: socket.socket) -> bytes:
    heard = b""
    while data := line.recv(65_536):
        heard += data
    return heard


def test_a_hub_that_ends_under_load_loses_nothing(own_world: World, own_engine: Engine) -> None:
    """SIGTERM in the middle of many posts: every one has an answer or none, and every 202 is delivered afterwards."""
    asks = [form_b(own_world.signed(claims(alert()))) for _ in range(200)]
    with serving(own_world, REDIS_URL=own_engine.url) as hub:
        id_ = sign_in(hub, own_world, HEALTH).subscribe()
        with ThreadPoolExecutor(8) as threads:
            answers = [threads.submit(_status, hub.http, ask) for ask in asks]
            until(lambda: sum(answer.done() for answer in answers) > 20)
            assert hub.terminate() == 0
        statuses = [answer.result() for answer in answers]
    assert set(statuses) <= {202, 0}
    taken = {_id(ask) for ask, status in zip(asks, statuses, strict=True) if status == 202}
    assert taken
    with serving(own_world, REDIS_URL=own_engine.url) as hub:
        last = accepted(hub, own_world)
        with sign_in(hub, own_world, HEALTH).stream(id_) as envelopes:
            came = []
            while last not in came:
                came.append(id_of(next(envelopes)))
    assert taken <= set(came)
    assert len(came) == len(set(came))


def _status(http: httpx2.Client, ask: Ask) -> int:
    """Of the answer; 0 where none came."""
    try:
        return http.post(ask.path, headers=ask.headers, content=ask.body).status_code
    except httpx2.TransportError:
        return 0


def _id(ask: Ask) -> str:
    return id_of({"statement": ask.body.decode()})


def test_an_open_stream_does_not_keep_a_process_from_ending(own_world: World, own_engine: Engine) -> None:
    """A stream ends with its process, which waits for no reader; the reader finds the next where it left off."""
    with serving(own_world, REDIS_URL=own_engine.url) as hub:
        caller = sign_in(hub, own_world, HEALTH)
        id_ = caller.subscribe()
        with caller.stream(id_) as envelopes:
            taken = accepted(hub, own_world)
            assert id_of(next(envelopes)) == taken
            assert hub.terminate() == 0
        assert [line["cut_off"] for line in hub.lines() if line["event"] == "stopped"] == [[]]
        wrong = [line["event"] for line in hub.lines() if line["level"] in ("error", "warning")]
        assert wrong == ["the directory is not signed"]


# TLS, and a proxy


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `ca.pem`, and `cert.pem` and `key.pem` for this machine."""
    folder, root = tmp_path_factory.mktemp("tls"), trustme.CA()
    issued = root.issue_cert("127.0.0.1", "hub.example")
    root.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for pem in issued.cert_chain_pems:
        pem.write_to_path(folder / "cert.pem", append=True)
    return folder


def test_a_hub_serves_tls_itself(own_world: World, authority: Path) -> None:
    """With `--tls-cert` and `--tls-key` all is https: posts, tokens, proofs, streams; plain text is not."""
    tls = ["--tls-cert", authority / "cert.pem", "--tls-key", authority / "key.pem"]
    with serving(own_world, *tls, ca=authority / "ca.pem") as hub:
        assert hub.told["issuer"].startswith("https://")
        assert hub.http.get("/.well-known/interagency-hub").json()["issuer"] == hub.told["issuer"]
        caller = sign_in(hub, own_world, HEALTH)
        id_ = caller.subscribe()
        taken = accepted(hub, own_world, alert(tlp="red"))
        with caller.stream(id_) as envelopes:
            assert id_of(next(envelopes)) == taken
        with pytest.raises(httpx2.TransportError):
            httpx2.get(hub.url.replace("https", "http") + "/healthz", trust_env=False, timeout=20)
        assert hub.terminate() == 0


def test_a_proxy_is_believed_only_from_a_network_that_was_named(own_world: World) -> None:
    """`X-Forwarded-For` is who asked if `--trusted-proxy` names where it comes from; else it is anybody's word."""
    issuer, forwarded = "https://hub.example", {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    with serving(own_world, "--trusted-proxy", "127.0.0.2/32", "--issuer", issuer) as hub:
        for address, client in (("127.0.0.2", "203.0.113.9"), ("127.0.0.1", "127.0.0.1")):
            come_from = httpx2.HTTPTransport(local_address=address)
            with httpx2.Client(base_url=hub.url, transport=come_from, headers=forwarded) as http:
                assert http.get("/v1/subscriptions").status_code == 401
                told = until(lambda: [line for line in hub.lines() if line.get("code") == "unauthenticated"])
                assert told[-1]["client"] == client
        assert hub.http.get("/.well-known/interagency-hub").json()["token_endpoint"] == issuer + "/oauth/token"
        caller = sign_in(hub, own_world, HEALTH)  # its proofs name the issuer's origin, whatever the proxy called
        assert caller.call("GET", "/v1/subscriptions").status_code == 200
