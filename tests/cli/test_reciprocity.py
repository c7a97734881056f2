"""`broker reciprocity` and its call, beside a hub that serves."""

import csv
import io

from tests.cli.test_examples import examples
from tests.cli.workplace import Workplace, until

KEY, AUTH = ("--key", "keys/vn.example.pem"), ("--auth-key", "keys/vn.example.auth.pem")
PARTNER = ("--auth-key", "keys/vn.partner.auth.pem")
WITH = ("--with", "vn.partner")


def given(place: Workplace) -> int:
    """How many alerts were given to the partner so far."""
    told = place.run("reciprocity", *WITH, *AUTH, "--json").json
    return int(told["pairs"][0]["given"]["alerts"])


def test_what_was_given_and_how_it_was_assessed(place: Workplace) -> None:
    """Both sides are told the same figures, by table, JSON and CSV."""
    before = given(place)
    subscription = place.run("subscribe", *PARTNER, "--json").json["id"]
    alert = place.run("post", "flood.json", *KEY, "--json").json["id"]
    place.run("tail", subscription, *PARTNER, "--count", "1", "--json")
    place.run("ack", alert, "acting", "--assessment", "useful", "--key", "keys/vn.partner.pem")
    until(lambda: _useful(place))
    theirs = place.run("reciprocity", "--with", "vn.example", *PARTNER, "--json").json["pairs"][0]
    mine = place.run("reciprocity", *WITH, *AUTH, "--json").json["pairs"][0]
    assert (mine["given"], mine["received"]) == (theirs["received"], theirs["given"])
    assert mine["given"]["alerts"] == before + 1
    rows = list(csv.DictReader(io.StringIO(place.run("reciprocity", *WITH, *AUTH, "--csv").out)))
    assert [(row["with"], row["direction"]) for row in rows] == [("vn.partner", "given"), ("vn.partner", "received")]
    assert (rows[0]["alerts"], rows[0]["useful"]) == (str(before + 1), str(mine["given"]["assessments"]["useful"]))
    assert "vn.partner" in place.run("reciprocity", *WITH, *AUTH).out


def _useful(place: Workplace) -> int:
    told = place.run("reciprocity", *WITH, *AUTH, "--json").json
    return int(told["pairs"][0]["given"]["assessments"].get("useful", 0))


def test_who_is_not_there_has_nothing(place: Workplace) -> None:
    """An agency that nobody knows looks like one with which nothing was exchanged."""
    told = place.run("reciprocity", "--with", "vn.nobody", *AUTH, "--json").json
    assert {told["pairs"][0][way]["alerts"] for way in ("given", "received")} == {0}


def test_what_is_asked_wrongly_is_told(place: Workplace) -> None:
    """Neither or both of agency and community; another's counts; a community of others; no time."""
    for words in ((), (*WITH, "--community", "@vn.flood")):
        place.run("reciprocity", *words, *AUTH, ends=2)
    asked = (
        (("--of", "vn.partner", *WITH), "invalid_scope"),
        (("--community", "@vn.flood"), "not-found"),
        ((*WITH, "--since", "yesterday"), "invalid-request"),
    )
    for more, code in asked:
        assert place.run("reciprocity", *more, *AUTH, "--json", ends=1).json["code"] == code


def test_the_example_of_reciprocity(place: Workplace) -> None:
    """As its help has it, it prints a table."""
    [line] = examples(place, "reciprocity")
    assert "received" in place.shell(line).out
