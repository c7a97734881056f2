"""What goes wrong, in one line that says what to do; for programs, in one JSON document."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.workplace import FLOOD, Workplace, free_port, furnished, serving

KEY = ("--key", "keys/vn.example.pem")
AUTH = ("--auth-key", "keys/vn.example.auth.pem")
OTHER = {"BROKER_HUB": "http://127.0.0.1:9"}


def told(place: Workplace, *words: str | Path, code: str, says: str, **variables: str) -> None:
    """The command fails with the code; its one line says this; with --json the document does."""
    done = place.run(*words, ends=1, **variables)
    assert done.out == ""
    line = done.err.splitlines()[0]
    assert line.startswith(f"{code}: ")
    assert says in line
    as_json = place.run(*words, "--json", ends=1, **variables)
    assert as_json.json["code"] == code
    assert as_json.err == ""
    assert says in f"{as_json.json['detail']} {as_json.json.get('mend', '')}"


def test_a_hub_that_is_not_there(place: Workplace) -> None:
    """It is said that no hub answers, and how to name another."""
    nobody = f"http://127.0.0.1:{free_port()}"
    told(place, "post", "flood.json", *KEY, "--hub", nobody, code="unreachable", says="--hub (BROKER_HUB)")


@pytest.mark.parametrize("url", ["hub.example", "ftp://hub.example", "127.0.0.1:8080"])
def test_a_hub_url_that_is_none(place: Workplace, url: str) -> None:
    """What cannot be a URL is told at once, without a try."""
    told(place, "subscriptions", *AUTH, "--hub", url, code="no-hub", says="is no URL of a hub")


def test_a_file_of_certificates_that_is_none(place: Workplace) -> None:
    """--ca with another file says which file is wrong."""
    told(
        place, "post", "flood.json", *KEY, "--ca", "flood.json", code="no-certificates", says="flood.json holds no cert"
    )


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("post", "flood.json"), "no-key", "give its file with --key (BROKER_KEY)"),
        (("subscriptions",), "no-key", "give its file with --auth-key (BROKER_AUTH_KEY)"),
        (("post", "flood.json", "--key", "none.pem"), "no-key", "none.pem cannot be read"),
        (("post", "flood.json", "--key", "keys/vn.example.auth.pem"), "untrusted", "key of use statement"),
        (("subscriptions", "--auth-key", "keys/vn.example.pem"), "invalid_client", "key of use auth"),
        (("post", "flood.json", *KEY, "--agency", "vn.partner"), "untrusted", "key of use statement"),
        (("post", "none.json", *KEY), "no-file", "none.json cannot be read"),
        (("tail", "sub_none", *AUTH), "not-found", "no subscription"),
        (("tail", "sub_none", *AUTH, "--keep-cursor", "none/cursor"), "system", "No such file or directory"),
        (("unsubscribe", "sub_none", *AUTH), "not-found", ""),
        (("explain", "vn.example/none", *AUTH), "not-found", ""),
        (("token", "list", "--agency", "vn.example", "--data", "none"), "broken", "--data"),
        (("token", "revoke", "--agency", "vn.example", "--name", "none"), "not-found", "no token none"),
    ],
)
def test_what_is_not_there_or_does_not_fit(place: Workplace, words: tuple[str, ...], code: str, says: str) -> None:
    """A key, a file, an id that is missing or is another's: its name, and what to give instead."""
    told(place, *words, code=code, says=says)


def test_nothing_is_made_where_no_hub_has_been(place: Workplace) -> None:
    """`broker token` in a wrong folder makes no data folder there."""
    place.run("token", "list", "--agency", "vn.example", "--data", "none", ends=1)
    assert not (place.folder / "none").exists()


def test_a_key_of_nobody(place: Workplace) -> None:
    """A key that the directory does not list is named by its thumbprint."""
    place.run("keygen", "--agency", "vn.example", "--out", "unlisted")
    told(
        place, "post", "flood.json", "--key", "unlisted/vn.example.pem", code="untrusted", says="does not list this key"
    )


def test_a_key_that_others_can_read(place: Workplace) -> None:
    """It is not used, and the command that mends it is told."""
    path = place.write("open.pem", (place.folder / "keys/vn.example.pem").read_text())
    path.chmod(0o640)
    told(place, "post", "flood.json", "--key", "open.pem", code="open-key", says="chmod 600 open.pem")


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ('{"kind": "alert",', "malformed", "line 1 column 18"),
        ("[]", "malformed", "neither an envelope nor a statement"),
        ("", "malformed", "neither an envelope nor a statement"),
        ("a.b.c", "malformed", "neither an envelope nor a statement"),
        ('{"statement": 1}', "malformed", "not as the protocol has it"),
        ('{"kind": "alert"}', "invalid-statement", "does not allow"),
    ],
)
def test_a_draft_that_is_none(place: Workplace, text: str, code: str, says: str) -> None:
    """Broken JSON is told with its place, a wrong draft as the hub would refuse it; nothing is posted."""
    told(place, "post", place.write("draft.json", text), *KEY, code=code, says=says)


def test_what_is_wrong_in_a_draft_is_told_by_its_path(place: Workplace) -> None:
    """Each wrong member has a line of its own, with what is expected there."""
    place.write("draft.json", FLOOD | {"expires": "tomorrow", "severity": "huge"})
    done = place.run("sign", "draft.json", *KEY, ends=1)
    assert {line.rpartition("/")[2].partition(":")[0] for line in done.err.splitlines()[1:]} == {"expires", "severity"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("post", "flood.json", *KEY, "--form", "Z"), "--form Z"),
        (("post", "flood.json", *KEY, "--part", "flood.unknown"), "say its media type"),
        (("post", "flood.json", *KEY, "--part", "flood.xml,colour=red"), "ID=FILE,type=TYPE,language=TAG"),
        (("keygen", "--agency", "Bộ Y tế"), "expected an agency id"),
        (("keygen",), "Missing option '--agency'"),
        (("serve", "--trusted-proxy", "nowhere"), "--trusted-proxy"),
        (("serve", "--tls-cert", "flood.xml"), "--tls-cert and --tls-key go together"),
        (("explian",), "No such command 'explian'"),
    ],
)
def test_a_command_that_is_used_wrongly_ends_with_2(place: Workplace, words: tuple[str, ...], says: str) -> None:
    """How a command is called is told apart from what the hub refuses: exit code 2."""
    done = place.run(*words, ends=2)
    assert says in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--directory", "none"), "none is no folder"),
        (("--directory", "broken"), "a.yaml: while scanning"),
        (("--directory", "empty"), "holds no .yaml, .yml or .json file"),
        (("--directory", "odd"), "/agencies: expected"),
        (("--data", "flood.json"), "flood.json is no folder"),
        (("--redis-url", "redis://:geheim@127.0.0.1:x/0"), "is no URL of a Redis"),
        (("--redis-url", "redis://:geheim@127.0.0.1:9/0"), "Redis does not answer"),
        (("--tls-cert", "flood.json", "--tls-key", "flood.json"), "certificate and key cannot be used"),
        (("--outgoing-ca", "flood.json"), "flood.json cannot be used"),
        (("--issuer", "hub.example"), "hub.example is no origin"),
        (("--host", "192.0.2.1"), "Cannot listen on 192.0.2.1"),
    ],
)
def test_a_hub_that_cannot_begin(place: Workplace, words: tuple[str, ...], says: str) -> None:
    """`broker serve` says on one line what keeps it from working, without a password, and ends with 1."""
    place.write("broken/a.yaml", 'network: "x\nagencies: [')
    place.write("odd/a.yaml", "network: https://nts.example/vn\nversion: 1\nhub: vn.hub")
    (place.folder / "empty").mkdir(exist_ok=True)
    done = place.run("serve", "--port", "0", "--data", "other-data", *words, ends=1)
    last = done.err.splitlines()[-1]
    assert last.startswith("broken: ")
    assert says in last
    assert "geheim" not in done.err
    assert done.out == ""


def test_a_port_that_is_taken(place: Workplace) -> None:
    """It is told before anything is started, with the options that mend it."""
    port = place.variables["BROKER_HUB"].rpartition(":")[2]
    told(
        place, "serve", "--port", port, "--data", "third", code="broken", says=f"127.0.0.1 port {port}: another program"
    )
    assert not (place.folder / "third").exists()


def test_a_data_folder_that_another_hub_has(place: Workplace) -> None:
    """A second hub in one folder does not begin, and is told how to share the server."""
    told(place, "serve", "--port", "0", code="broken", says="Another hub uses")


def test_ctrl_c_while_a_command_waits(own: Workplace) -> None:
    """A command that waits for a silent hub ends at once with 130, without a traceback."""
    import socket

    furnished(own.folder)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hub = f"http://127.0.0.1:{silent.getsockname()[1]}"
        waiting = own.start("subscriptions", *AUTH, "--agency", "vn.example", "--hub", hub)
        connection, _ = silent.accept()
        with connection:
            waiting.send_signal(signal.SIGINT)
            out, err = waiting.communicate(timeout=30)
    assert (waiting.returncode, out, err) == (130, "", "")


def test_a_reader_that_leaves(place: Workplace) -> None:
    """`broker tail … | head -1` ends well when its reader has what it wanted."""
    made = place.run("subscribe", "--own", *AUTH, "--json").json["id"]
    for _ in range(3):
        place.run("post", "flood.json", *KEY)
    shown = place.shell(f"timeout 30 broker tail {made} {' '.join(AUTH)} --count 3 --json | head -1")
    assert json.loads(shown.out)["hub"]["position"] == 1
    assert shown.err == ""


def test_redis_that_went_away_is_told(tmp_path: Path) -> None:
    """While its Redis is away a hub is not ready and says so, and refuses posts with `busy`."""
    place = furnished(tmp_path)
    from broker.store.server import program

    durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction"]
    address = ["--port", "0", "--unixsocket", "redis.sock", "--dir", str(tmp_path)]
    redis = subprocess.Popen([program(), *address, *durable], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        while not (tmp_path / "redis.sock").exists():
            assert redis.poll() is None
        with serving(place, "--redis-url", f"unix://{tmp_path}/redis.sock") as hub:
            redis.kill()
            redis.wait()
            at = {"BROKER_HUB": hub["issuer"]}
            done = place.run("post", "flood.json", *KEY, "--agency", "vn.example", ends=1, **at)
            assert done.err.startswith("busy: ")
    finally:
        redis.kill()
        redis.wait()
