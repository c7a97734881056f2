"""What an officer says of an alert that is there already: approve, consent, recall, erased, ack."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.workplace import AGENCY, FLOOD, Workplace, furnished, serving, told_directory, until

OWN, PARTNER = ("--key", "keys/vn.example.pem"), ("--key", "keys/vn.partner.pem")
PARTNER_AUTH = ("--auth-key", "keys/vn.partner.auth.pem")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """Two officers have keys, and cyber alerts need both."""
    made = furnished(tmp_path_factory.mktemp("answers"))
    keys = {code: _officer(made, code) for code in ("an", "binh")}
    with told_directory(made) as directory:
        directory["profiles"] = {"cyber": {"approval": True}}
        [agency] = [each for each in directory["agencies"] if each["id"] == AGENCY]
        agency["keys"] += [{**record, "officer": code} for code, record in keys.items()]
        agency["mandates"][0]["domains"] = ["disaster", "cyber"]
    with serving(made) as told:
        made.variables["BROKER_HUB"] = told["issuer"]
        yield made


def _officer(place: Workplace, code: str) -> Any:
    made = place.run("keygen", "--agency", AGENCY, "--out", code, "--use", "statement", "--json").json
    return made["keys"][0]["record"]


def key_of(code: str) -> tuple[str, str]:
    """The option for an officer's key."""
    return "--key", f"{code}/{AGENCY}.pem"


def given(place: Workplace) -> tuple[str, str]:
    """An alert that the partner has by its stream, and the subscription that it came by."""
    made = str(place.run("subscribe", *PARTNER_AUTH, "--json").json["id"])
    id_ = str(place.run("post", "flood.json", *OWN, "--json").json["id"])
    assert came(place, made) == id_
    return id_, made


def came(place: Workplace, subscription: str) -> str:
    """The next that comes."""
    return str(place.run("tail", subscription, *PARTNER_AUTH, "--count", "1", "--json").json["id"])


def test_a_second_officer_approves(place: Workplace) -> None:
    """The first is told that it waits, and may not approve it; the second may, once."""
    place.write("cyber.json", FLOOD | {"domain": "cyber.phishing", "expires": "2099-01-01T00:00:00Z"})
    posted = place.run("post", "cyber.json", *key_of("an"), "--json").json
    assert posted["state"] == "awaiting-approval"
    assert place.run("approve", posted["id"], *key_of("an"), ends=1).err.startswith("outside-mandate")
    assert place.run("approve", posted["id"], *key_of("binh")).out.startswith("accepted ")
    until(lambda: place.run("approve", posted["id"], *key_of("binh"), ends=None).code == 1)


def test_an_ack_a_recall_and_its_confirmation(place: Workplace) -> None:
    """Who was given an alert acknowledges it, and confirms that it is erased once it is recalled."""
    id_, subscription = given(place)
    assert place.run("ack", id_, "acting", "--assessment", "useful", *PARTNER, "--json").json["state"] == "accepted"
    assert "invalid-statement" in place.run("ack", id_, "shrugging", *PARTNER, ends=1).err
    recall = place.run("recall", id_, *OWN, "--json").json["id"]
    assert place.run("erased", id_, *PARTNER, ends=1).err.startswith("outside-mandate")
    assert came(place, subscription) == recall
    assert place.run("erased", recall, *PARTNER, "--json").json["state"] == "accepted"


def test_a_consent_is_granted_and_taken_back(place: Workplace) -> None:
    """Whoever was asked answers by the request's id, as often as it likes; one has to be said."""
    id_, _ = given(place)
    request = {**FLOOD, "kind": "request", "wants": ["onward"], "onward_to": ["vn.hub"], "references": [id_]}
    del request["product"]
    ahead = {"expires": "2099-01-01T00:00:00Z", "respond_by": "2099-01-01T00:00:00Z"}
    place.write("request.json", request | ahead)
    asked = place.run("post", "request.json", *PARTNER, "--json").json["id"]
    assert place.run("consent", asked, *OWN, ends=2).out == ""
    for answer in ("--granted", "--refused"):
        assert place.run("consent", asked, answer, *OWN, "--json").json["state"] == "accepted"
    assert place.run("consent", asked, "--granted", *PARTNER, ends=1).err.startswith("outside-mandate")


def test_what_they_say_is_signed_for_the_network(place: Workplace, tmp_path: Path) -> None:
    """An officer's code goes with it; a hub that is away is told as such."""
    id_, _ = given(place)
    assert place.run("recall", id_, *OWN, "--by", "an-07", "--json").json["state"] == "accepted"
    away = {"BROKER_HUB": "http://127.0.0.1:9", "HOME": str(tmp_path)}
    assert place.run("recall", id_, *OWN, ends=1, **away).err.startswith("unreachable")
