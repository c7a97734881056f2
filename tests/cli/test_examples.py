"""What the help says to type, typed."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.cli.app import app
from tests.cli.workplace import Workplace, furnished, serving, until

COMMANDS = [str(each.name or each.callback.__name__) for each in app.registered_commands if each.callback]
TOKEN = [f"token {name}" for name in ("issue", "list", "revoke")]
ENDLESS = ("serve", "tail")


def examples(place: Workplace, command: str) -> list[str]:
    """The lines under the word Example in its help, joined where they end with a backslash."""
    text = place.run(*command.split(), "--help").out
    _, found, after = text.partition("\n  Example")
    assert found, f"{command} has no example"
    lines = after.partition(":\n")[2].replace("\\\n", " ")
    return [re.sub(r"\s+", " ", line).strip() for line in lines.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A folder with a hub, in which an agency has subscribed and posted; two ids as variables."""
    place = furnished(tmp_path_factory.mktemp("story"))
    with serving(place) as told:
        place.variables["BROKER_HUB"] = told["issuer"]
        for line in examples(place, "sign"):
            place.shell(line)
        key = "keys/vn.example.auth.pem"
        made = place.run("subscribe", "--own", "--auth-key", key, "--json").json
        posted = place.run("post", "flood.json", "--key", "keys/vn.example.pem", "--json").json
        place.variables |= {"SUBSCRIPTION": made["id"], "ALERT": posted["id"]}
        yield place


@pytest.mark.parametrize("command", ["post", "subscribe", "subscriptions", "explain", "doctor", "audit"])
def test_the_example_of_a_command_works_as_pasted(story: Workplace, command: str) -> None:
    """Pasted into a shell in a folder with keys, a draft and a directory, each line of the help ends well."""
    for line in examples(story, command):
        assert line.startswith("broker ")
        assert story.shell(line).out.strip()


def test_the_example_of_sign_leaves_an_envelope_that_only_its_owner_reads(story: Workplace) -> None:
    """What `broker sign` writes holds content and salts: mode 600, and never written over."""
    path = story.folder / "flood.envelope"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["parts"].keys() == {"main"}
    [line] = examples(story, "sign")
    assert story.shell(line, ends=1).err.startswith("exists: flood.envelope exists")


def test_the_example_of_keygen_makes_private_files(own: Workplace) -> None:
    """The keys that the help's example makes are files of mode 600 in a folder of mode 700."""
    [line] = examples(own, "keygen")
    assert "keys:" in own.shell(line).out
    folder = own.folder / "keys"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "vn.example.pem": 0o600,
        "vn.example.auth.pem": 0o600,
    }


def test_the_example_of_tail_follows_until_it_is_stopped(story: Workplace) -> None:
    """`broker tail` shows what arrives, keeps its cursor, and ends with 130 on Ctrl-C, without a traceback."""
    [line] = examples(story, "tail")
    words = line.replace("$SUBSCRIPTION", story.variables["SUBSCRIPTION"]).split()[1:]
    following = story.start(*words)
    assert following.stdout is not None
    shown = following.stdout.readline()
    assert "Flood on the Tien Yen river" in shown
    until((story.folder / "flood.cursor").read_text)
    following.send_signal(signal.SIGINT)
    out, err = following.communicate(timeout=30)
    assert (following.returncode, err) == (130, "")
    assert all("Flood on the Tien Yen river" in line for line in out.splitlines())
    assert not list(story.folder.glob("*.new"))


def test_the_examples_of_token_work_one_after_the_other(story: Workplace) -> None:
    """A token is issued and shown once, listed without its secret, and revoked, while the hub runs."""
    shown = ""
    for command in TOKEN:
        for line in examples(story, command):
            shown = story.shell(line).out
            if command == "token issue":
                assert re.fullmatch(r"iab_[\w-]{43}\n", shown)
            else:
                assert "taxii" in shown
                assert "iab_" not in shown


def test_the_example_of_unsubscribe_ends_the_subscription(story: Workplace) -> None:
    """After it the subscription is not listed any more."""
    auth = ("--auth-key", "keys/vn.example.auth.pem")
    made = story.run("subscribe", *auth, "--json").json["id"]
    [line] = examples(story, "unsubscribe")
    story.shell(line.replace("$SUBSCRIPTION", made))
    assert made not in {each["id"] for each in story.run("subscriptions", *auth, "--json").json}


def test_the_example_of_serve_runs_a_hub(tmp_path: Path) -> None:
    """`broker serve` as its help has it says on one line where it listens, and ends with 0 on Ctrl-C."""
    place = furnished(tmp_path)
    [line] = examples(place, "serve")
    hub = place.start(*line.split()[1:], BROKER_PORT="0", BROKER_HUB_KEYS="hub-keys")
    assert hub.stdout is not None
    told = hub.stdout.readline()
    assert re.fullmatch(r"vn\.hub \(all\) serves http://127\.0\.0\.1:\d+; directory version 1, .*\n", told)
    os.kill(hub.pid, signal.SIGINT)
    out, err = hub.communicate(timeout=30)
    assert (hub.returncode, out) == (0, "")
    assert [json.loads(each)["event"] for each in err.splitlines()][-1] == "stopped"


@pytest.mark.parametrize("command", [*COMMANDS, *TOKEN])
def test_every_command_has_an_example(own: Workplace, command: str) -> None:
    """Each command's help ends with what to type, and no line of it was broken."""
    if command == "demo":
        assert "Example: broker demo --once" in own.run("demo", "--help").out
        return
    for line in examples(own, command):
        assert line.startswith(f"broker {command}")
