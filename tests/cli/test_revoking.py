"""`broker directory revoke`: the compromise drill as an operator types it, beside a hub that serves."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.workplace import AGENCY, Json, Workplace, furnished, serving, told_directory

KEY, AUTH = ("--key", "keys/vn.example.pem"), ("--auth-key", "keys/vn.partner.auth.pem")
FOLDERS = ("--directory", "directory", "--hub-keys", "hub-keys")
LONG_AGO = "2026-01-01T00:00:00+07:00"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """A hub of its own: the key is revoked for good."""
    place = furnished(tmp_path)
    with serving(place) as told:
        place.variables["BROKER_HUB"] = told["issuer"]
        yield place


def key_of(place: Workplace, use: str = "statement", agency: str = AGENCY) -> str:
    """The kid that the directory lists."""
    directory = yaml.safe_load((place.folder / "directory/directory.yaml").read_text())
    [entry] = [each for each in directory["agencies"] if each["id"] == agency]
    return str(next(key["kid"] for key in entry["keys"] if key["use"] == use))


def given(place: Workplace) -> tuple[str, str]:
    """An alert that the partner has, and its subscription."""
    subscription = place.run("subscribe", *AUTH, "--json").json["id"]
    alert = place.run("post", "flood.json", *KEY, "--json").json["id"]
    place.run("tail", subscription, *AUTH, "--count", "1", "--json")
    return alert, subscription


def tailed(place: Workplace, subscription: str, count: int) -> list[Json]:
    """What comes next."""
    out = place.run("tail", subscription, *AUTH, "--count", str(count), "--json").out
    return [json.loads(line) for line in out.splitlines()]


def test_the_drill_names_each_alert_and_receiver_and_tells_them(place: Workplace) -> None:
    """Shown first and nothing done; with --yes key, alerts and receivers are dealt with; a repeat adds nothing."""
    alert, subscription = given(place)
    kid = key_of(place)
    text = (place.folder / "directory/directory.yaml").read_text()
    drill = ("directory", "revoke", kid, "--since", LONG_AGO, *FOLDERS)
    shown = place.run(*drill)
    assert alert in shown.out
    assert "given to vn.partner" in shown.out
    assert "nothing was changed" in shown.err
    assert (place.folder / "directory/directory.yaml").read_text() == text
    told = place.run(*drill, "--recall", "--yes", "--json").json
    assert (told["done"], told["suspended"], told["recalled"], told["agencies"]) == (True, 1, 1, ["vn.partner"])
    assert (told["directory"]["version"], told["directory"]["in_force"]) == (2, True)
    [affected] = told["alerts"]
    [receiver] = affected["receivers"]
    assert (affected["alert"], affected["kind"]) == (alert, "alert")
    assert (receiver["agency"], receiver["subscription"], receiver["how"]) == ("vn.partner", subscription, "stream")
    came = [each["said"] for each in tailed(place, subscription, 2)]
    kinds = {each.get("kind") or next(iter(each["events"].values()))["kind"] for each in came}
    assert kinds == {"suspended", "recall"}
    assert place.run("post", "flood.json", *KEY, "--json", ends=1).json["code"] == "key-not-valid"
    again = place.run(*drill, "--recall", "--yes", "--json").json
    assert (again["suspended"], again["recalled"], again["directory"]["written"]) == (0, 0, [])
    assert (again["alerts"][0]["suspended"], again["alerts"][0]["recalled"]) == (True, True)


def test_what_cannot_be_revoked_is_told(place: Workplace) -> None:
    """A key that nobody has, the hub's own, a time without its offset: each with what to do instead."""
    unknown = place.run("directory", "revoke", "unknown", "--since", LONG_AGO, *FOLDERS, "--json", ends=1).json
    assert unknown["code"] == "unknown-key"
    hub = key_of(place, agency="vn.hub")
    assert (
        place.run("directory", "revoke", hub, "--since", LONG_AGO, *FOLDERS, "--json", ends=1).json["code"] == "hub-key"
    )
    assert "offset" in place.run("directory", "revoke", hub, "--since", "2026-01-01", *FOLDERS, ends=2).err


def test_a_key_of_another_use_has_signed_no_alert(place: Workplace) -> None:
    """Its record is written all the same, in force at once."""
    told = place.run(
        "directory", "revoke", key_of(place, "auth"), "--since", LONG_AGO, *FOLDERS, "--yes", "--json"
    ).json
    assert (told["alerts"], told["suspended"], told["directory"]["in_force"]) == ([], 0, True)


def test_an_operator_confirms_at_the_terminal(place: Workplace) -> None:
    """Asked with the number of alerts; no is nothing done."""
    given(place)
    drill = ("directory", "revoke", key_of(place), "--since", LONG_AGO, *FOLDERS)
    _, shown = place.at_terminal(*drill, typed=["n"])
    assert "suspend 1 alerts" in shown
    with told_directory(place) as directory:
        assert directory["version"] == 1
    code, _ = place.at_terminal(*drill, typed=["y"])
    assert code == 0
    with told_directory(place) as directory:
        assert directory["version"] == 2
