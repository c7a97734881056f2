"""--json: one document on standard output, whatever the command."""

import json
import os
import signal
from pathlib import Path

from tests.cli.workplace import Workplace, furnished

KEY = ("--key", "keys/vn.example.pem")
AUTH = ("--auth-key", "keys/vn.example.auth.pem")


def test_each_command_prints_one_document(place: Workplace) -> None:
    """What keygen, sign, post, subscribe, subscriptions, explain, token, doctor and unsubscribe print can be parsed."""
    assert place.run("keygen", "--agency", "vn.other", "--out", "json", "--json").json["keys"]
    signed = place.run("sign", "flood.json", *KEY, "--json").json
    assert json.loads(signed["envelope"])["statement"]
    assert place.run("sign", "flood.json", *KEY, "--out", "a.envelope", "--json").json["file"] == "a.envelope"
    made = place.run("subscribe", "--own", *AUTH, "--json").json
    posted = place.run("post", "flood.json", *KEY, "--json").json
    assert posted["state"] == "accepted"
    assert made["id"] in {each["id"] for each in place.run("subscriptions", *AUTH, "--json").json}
    assert isinstance(place.run("explain", posted["id"], *AUTH, "--json").json["decisions"], list)
    token = ("--agency", "vn.example", "--json")
    issued = place.run("token", "issue", "--subscription", made["id"], "--name", "json", *token).json
    assert [each["name"] for each in place.run("token", "list", *token).json] == ["json"]
    assert issued["token"].startswith("iab_")
    assert place.run("token", "revoke", "--name", "json", *token).json == {"revoked": "json"}
    assert {each["grade"] for each in place.run("doctor", "--json").json} <= {"ok", "warning"}
    assert place.run("unsubscribe", made["id"], *AUTH, "--json").json == {"ended": made["id"]}


def test_a_store_that_a_command_starts_stays_silent(tmp_path: Path) -> None:
    """`broker token` starts the private server of a hub that is stopped, and prints its document alone."""
    place = furnished(tmp_path)
    hub = place.start("serve", "--json", "--port", "0", "--hub-keys", "hub-keys")
    assert hub.stdout is not None
    assert json.loads(hub.stdout.readline())["port"]
    os.kill(hub.pid, signal.SIGTERM)
    hub.communicate(timeout=30)
    done = place.run("token", "list", "--agency", "vn.example", "--json")
    assert (done.json, done.err) == ([], "")


def test_tail_prints_a_document_a_line(place: Workplace) -> None:
    """`broker tail --json` is NDJSON: cursor, id, what was said, and which parts came, in the order of positions."""
    made = place.run("subscribe", "--own", *AUTH, "--json").json["id"]
    posted = [
        place.run("post", "flood.json", "--part", "flood.xml,language=vi", *KEY, "--json").json["id"] for _ in range(2)
    ]
    lines = place.run("tail", made, *AUTH, "--count", "2", "--json").out.splitlines()
    shown = [json.loads(line) for line in lines]
    assert [each["id"] for each in shown] == posted
    assert [each["hub"]["position"] for each in shown] == [1, 2]
    assert shown[0]["parts"]["main"]["type"] == "application/cap+xml"


def test_a_kept_cursor_resumes_without_gap_or_repeat(place: Workplace) -> None:
    """With --keep-cursor a second run goes on where the first one ended, though the hub had written further."""
    made = place.run("subscribe", "--own", *AUTH, "--json").json["id"]
    posted = [place.run("post", "flood.json", *KEY, "--json").json["id"] for _ in range(3)]
    seen = []
    for count in (1, 2):
        words = ("tail", made, *AUTH, "--keep-cursor", f"{made}.cursor", "--count", str(count), "--json")
        seen += [json.loads(line)["id"] for line in place.run(*words).out.splitlines()]
    assert seen == posted


def test_serve_tells_what_it_is(tmp_path: Path) -> None:
    """The first line of `broker serve --json` names hub, role, issuer, port and the directory's digest."""
    place = furnished(tmp_path)
    hub = place.start("serve", "--json", "--port", "0", "--role", "ingress")
    assert hub.stdout is not None
    told = json.loads(hub.stdout.readline())
    os.kill(hub.pid, signal.SIGTERM)
    hub.communicate(timeout=30)
    assert (told["hub"], told["role"], told["directory"]["version"]) == ("vn.hub", "ingress", 1)
    assert told["issuer"] == f"http://127.0.0.1:{told['port']}"
    assert sorted(told["keys_not_listed"]) == ["auth", "log", "receipt", "statement", "webhook"]
    assert hub.returncode == 0
