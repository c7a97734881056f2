"""`broker explain` and `broker whatif`, as people read them."""

import json
from collections.abc import Iterator

import pytest

from tests.cli.workplace import Workplace, furnished, serving, until

KEY = ("--key", "keys/vn.example.pem")
AUTH = ("--auth-key", "keys/vn.example.auth.pem")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A folder with a hub that runs, whose partner has subscribed; the alert is for no purpose that the partner has."""
    place = furnished(tmp_path_factory.mktemp("explaining"))
    event = json.loads((place.folder / "flood.json").read_text())
    place.write("wrong.json", event | {"handling": event["handling"] | {"purpose": ["investigation"]}})
    place.write("own.json", event | {"addressing": {"to": ["vn.example"]}})
    with serving(place) as told:
        place.variables["BROKER_HUB"] = told["issuer"]
        place.run("subscribe", "--auth-key", "keys/vn.partner.auth.pem", "--json")
        yield place


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            [
                "withheld",
                "9 purpose",
                "fails",
                "handling: investigation, asked: prevention · protocol §9.9; agreement",
                "Any one of these would alter it:",
                "  - Allow the purpose prevention.",
            ],
        ),
        (
            "vi",
            [
                "giữ lại",
                "9 mục đích",
                "không đạt",
                "Chỉ cần một trong các điều sau là kết quả sẽ khác:",
                "  - Cho phép dùng vào mục đích prevention.",
            ],
        ),
    ],
)
def test_a_decision_fits_a_screen(hub: Workplace, language: str, words: list[str]) -> None:
    """Each rule, what it looked at, said and rests on, and the smallest change, in either language, on 45 lines."""
    alert = hub.run("post", "wrong.json", *KEY, "--json").json["id"]
    hub.variables["COLUMNS"] = "120"
    shown = until(lambda: hub.run("explain", alert, "--reader", "vn.partner", "--lang", language, *AUTH).out)
    for each in words:
        assert each in shown
    assert len(shown.splitlines()) <= 45


def test_a_subscriber_is_told_no_change(hub: Workplace) -> None:
    """Of what it was given, it is told why, and not what else could be."""
    alert = hub.run("post", "flood.json", *KEY, "--json").json["id"]
    words = ("explain", alert, "--auth-key", "keys/vn.partner.auth.pem", "--json")
    told = until(lambda: done.json if (done := hub.run(*words, ends=None)).code == 0 else None)
    [decision] = told["decisions"]
    assert decision["outcome"] == "whole"
    assert not {"changes", "agency"} & decision.keys()


def test_whatif_tells_who_would_get_it(hub: Workplace) -> None:
    """Named agencies and those beside them, with what would change it; of others, that nothing is said."""
    shown = hub.run("whatif", "own.json", "--for", "vn.partner,vn.hub", *AUTH)
    assert "vn.example   released whole" in shown.out
    assert "Add vn.partner to release_to." in shown.out
    assert shown.err == "nothing is said of vn.hub: you have no agreement or community with them\n"
    hub.run("sign", "own.json", *KEY, "--hide-addressing", "--out", "own.envelope")
    signed = hub.run("whatif", "own.envelope", "--for", "vn.partner", *AUTH, "--json").json
    assert {each["agency"]: each["outcome"] for each in signed["agencies"]} == {
        "vn.example": "whole",
        "vn.partner": "withheld",
    }
    hub.run("sign", "own.json", *KEY, "--part", "flood.xml", "--out", "parts.envelope")
    assert hub.run("whatif", "own.json", "--part", "flood.xml", *AUTH, "--json").json["agencies"][0]["parts"] == [
        "main"
    ]


def test_whatif_tells_what_posting_would_refuse(hub: Workplace) -> None:
    """The code and the sentence of the refusal, and exit code 1."""
    event = json.loads((hub.folder / "flood.json").read_text())
    hub.write("red.json", event | {"handling": event["handling"] | {"tlp": "red"}})
    assert hub.run("whatif", "red.json", *AUTH, ends=1).err.startswith("terms: ")
