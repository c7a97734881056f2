"""`broker directory`: from a folder of YAML to a signed version, and what it says on the way."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.cli.looking_at_directory import look_at_place
from tests.cli.test_examples import examples
from tests.cli.workplace import Json, Workplace

HOLDERS = ("vn.registry", "vn.example", "vn.partner")
TERMS: Json = {
    "domains": ["disaster"],
    "statuses": ["actual"],
    "tlps": ["green", "amber"],
    "severity": "extreme",
    "personal": ["none"],
    "purposes": ["prevention"],
}
MANDATE: Json = {"domains": ["disaster"], "areas": ["VN"], "statuses": ["actual"], "severity": "extreme"}
COMMANDS = ("check", "diff", "export", "sign", "publish", "import", "show")


def _later(**by: float) -> str:
    return (datetime.now(UTC) + timedelta(**by)).isoformat(timespec="seconds")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Keys, and the text of a directory with three registrars: only to be copied."""
    place = Workplace(tmp_path_factory.mktemp("registry"))
    agencies = [{"id": "vn.hub", "tier": "state", "active": True}]
    for agency in HOLDERS:
        words = ("--use", "statement", "--use", "auth", "--use", "registrar", "--out", "keys")
        keys = [each["record"] for each in place.run("keygen", "--agency", agency, *words, "--json").json["keys"]]
        agencies.append({"id": agency, "tier": "state", "active": True, "keys": keys, "mandates": [MANDATE]})
    kids = [key["kid"] for agency in agencies for key in agency.get("keys", ()) if key["use"] == "registrar"]
    whole = {
        "network": "https://nts.example/vn",
        "version": 1,
        "hub": "vn.hub",
        "expires": _later(days=200),
        "agencies": agencies,
        "agreements": [{"from": "vn.example", "to": "vn.partner", **TERMS}],
        "registrars": {"threshold": 2, "keys": kids},
    }
    place.write("directory/directory.json", whole)
    return place


@pytest.fixture
def place(made: Workplace, tmp_path: Path) -> Workplace:
    """A copy to change."""
    import shutil

    shutil.copytree(made.folder, tmp_path / "place")
    return Workplace(tmp_path / "place")


def _change(place: Workplace, change: Callable[[Json], Any]) -> None:
    path = place.folder / "directory" / "directory.json"
    whole = json.loads(path.read_text())
    change(whole)
    path.write_text(json.dumps(whole))


def _signed(place: Workplace, *holders: str, name: str = "one") -> list[str]:
    """Exported, and signed by these: the words of `publish`."""
    place.run("directory", "export", "directory", "--after", "published", "--out", f"{name}.proposal")
    for holder in holders:
        words = ("--key", f"keys/{holder}.registrar.pem", "--out", f"{name}.{holder}.signature")
        place.run("directory", "sign", f"{name}.proposal", *words)
    return [f"{name}.proposal", *(f"{name}.{holder}.signature" for holder in holders), "--to", "published"]


def _publish(place: Workplace, *holders: str, name: str = "one") -> Json:
    told: Json = place.run("directory", "publish", *_signed(place, *holders, name=name), "--json").json
    return told


def test_from_yaml_to_a_published_version(place: Workplace) -> None:
    """Check, export, sign, publish, show: one digest all the way, known before anybody signs."""
    place.run("directory", "check", "directory")
    words = ("--after", "published", "--out", "v.proposal", "--json")
    exported = place.run("directory", "export", "directory", *words).json
    for holder in HOLDERS[:2]:
        key, digest = f"keys/{holder}.registrar.pem", exported["digest"]
        words = ("--key", key, "--out", f"{holder}.sig", "--digest", digest, "--json")
        assert place.run("directory", "sign", "v.proposal", *words).json["digest"] == digest
    published = place.run(
        "directory", "publish", "v.proposal", *(f"{each}.sig" for each in HOLDERS[:2]), "--to", "published", "--json"
    ).json
    assert published["digest"] == exported["digest"]
    assert len(published["signed"]) == 2
    shown = place.run("directory", "show", "published", "--json").json
    assert (shown["version"], shown["digest"], shown["signed"]) == (1, exported["digest"], True)
    assert shown["signed_by"] == published["signed"]
    assert f"digest: {exported['digest']}" in place.run("directory", "show", published["file"]).out
    again = place.run("directory", "publish", "v.proposal", "vn.registry.sig", "vn.example.sig", "--to", "published")
    assert "was there already" in again.out


def test_below_the_threshold_nothing_is_published(place: Workplace) -> None:
    """One of two, one twice, and two without the lead: refused with the reason, and no file."""
    words = _signed(place, *HOLDERS[:2])
    proposal, lead, other = words[:3]
    for some in ((lead,), (lead, lead), (other,)):
        done = place.run("directory", "publish", proposal, *some, "--to", "published", ends=1)
        assert done.err.startswith("threshold-own: ")
    assert not (place.folder / "published").exists()


def test_a_version_follows_the_one_before(place: Workplace) -> None:
    """A gap is refused at export; a proposal on an old version, or that another overtook, when it is published."""
    first = _publish(place, *HOLDERS[:2])
    done = place.run("directory", "export", "directory", "--after", "published", "--out", "x", ends=1)
    assert done.err.startswith("gap: ")
    _change(place, lambda whole: whole.update(version=2))
    late = _signed(place, *HOLDERS[:2], name="late")
    _change(place, lambda whole: whole.update(profiles={"health": {"approval": True}}))
    second = _publish(place, *HOLDERS[1:], HOLDERS[0], name="two")
    assert second["version"] == first["version"] + 1
    assert place.run("directory", "publish", *late, ends=1).err.startswith("fork: ")


def test_another_digest_is_not_signed(place: Workplace) -> None:
    """Whoever was read another digest than the file's signs nothing."""
    place.run("directory", "export", "directory", "--after", "published", "--out", "v.proposal")
    words = ("--key", "keys/vn.registry.registrar.pem", "--out", "sig", "--digest", "sha256:" + "0" * 64)
    assert place.run("directory", "sign", "v.proposal", *words, ends=1).err.startswith("other-digest: ")
    assert not (place.folder / "sig").exists()


def test_import_at_another_hub(place: Workplace) -> None:
    """The first file needs the operator's word; each further one must follow; what was cut on the way is refused."""
    first = _publish(place, *HOLDERS[:2])
    _change(place, lambda whole: whole.update(version=2))
    second = _publish(place, *HOLDERS[:2], name="two")
    to = ("--to", "elsewhere")
    assert place.run("directory", "import", first["file"], *to, ends=1).err.startswith("no-first-trust: ")
    place.run("directory", "import", first["file"], *to, "--directory-trust", first["digest"])
    cut = place.write("cut.signed", (place.folder / second["file"]).read_text()[:-20])
    assert place.run("directory", "import", cut, *to, ends=1).err.startswith("malformed: ")
    place.run("directory", "import", second["file"], *to)
    assert place.run("directory", "show", "elsewhere", "--json").json["digest"] == second["digest"]
    assert place.run("directory", "import", first["file"], *to, ends=1).err.startswith("rollback: ")


def _warned(place: Workplace) -> str:
    found, _ = look_at_place(place.folder / "directory")
    return "\n".join(f"{each.grade}: {each.found}" for each in found)


MISTAKES: dict[str, tuple[Callable[[Json], Any], str]] = {
    "a name that nothing stands behind": (
        lambda whole: whole["agreements"][0].update(to="vn.patner"),
        "unknown names: agreement vn.example → vn.patner names vn.patner",
    ),
    "a member of another tier": (
        lambda whole: whole.update(
            communities=[{"name": "@a", "members": ["vn.example"], "tiers": ["business"], "charter": TERMS}]
        ),
        "left out by their own community: vn.example in @a (tier state)",
    ),
    "terms that the sender may not say": (
        lambda whole: whole["agreements"][0].update(domains=["health"]),
        "terms for what the sender may not say: agreement vn.example → vn.partner, health",
    ),
    "an empty list": (
        lambda whole: whole["agreements"][0].update(purposes=[]),
        "covers nothing: agreement vn.example → vn.partner has no purposes",
    ),
    "an approval that nobody can give": (
        lambda whole: whole.update(profiles={"disaster": {"approval": True}}),
        "need a second officer, and have no two officers' keys: vn.registry (disaster)",
    ),
    "a delegation without mandates": (
        lambda whole: whole.update(delegations=[{"from": "vn.hub", "to": "vn.example", "domains": ["disaster"]}]),
        "delegations that neither's mandate covers: vn.hub → vn.example, disaster (none of vn.hub)",
    ),
    "terms with an agency that is closed": (
        lambda whole: whole["agencies"][3].update(active=False),
        "no longer active, and still named: vn.partner in vn.example → vn.partner",
    ),
    "terms that stand twice": (
        lambda whole: whole["agreements"].append(whole["agreements"][0]),
        "stand twice: agreement vn.example → vn.partner",
    ),
    "a parent that is not there": (
        lambda whole: whole["agencies"][1].update(parent="vn.nobody"),
        "names that nothing stands behind: agency vn.registry, parent vn.nobody",
    ),
    "one registrar is enough": (
        lambda whole: whole["registrars"].update(threshold=1),
        "one signature is enough",
    ),
    "all registrars must sign": (
        lambda whole: whole["registrars"].update(threshold=3),
        "all 3 valid keys must sign",
    ),
    "registrars who could never sign": (
        lambda whole: [
            key.update(revoked={"at": _later(days=-1)})
            for agency in whole["agencies"][1:3]
            for key in agency["keys"]
            if key["use"] == "registrar"
        ],
        "error: 1 registrars' keys are valid, and 2 must sign",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_check_finds(place: Workplace, mistake: str) -> None:
    """What people get wrong is told with the place."""
    change, told = MISTAKES[mistake]
    assert told not in _warned(place)
    _change(place, change)
    assert told in _warned(place)


def test_how_check_ends(place: Workplace) -> None:
    """0 with warnings alone, 1 with --strict, 1 where it cannot be used; an unsigned folder is a warning."""
    assert "not signed" in place.run("directory", "check", "directory").out
    place.run("directory", "check", "directory", "--strict", ends=1)
    _change(place, lambda whole: whole.update(hub="vn.nobody"))
    assert "/hub" in place.run("directory", "check", "directory", ends=1).out
    place.run("directory", "check", "nowhere", ends=2)


def test_check_of_published_versions(place: Workplace) -> None:
    """The whole chain is verified; a version that does not follow is an error with its reason."""
    _publish(place, *HOLDERS[:2])
    assert "signed by 2 of 3 registrars" in place.run("directory", "check", "published").out
    path = place.folder / "published" / "version-000001.signed"
    (place.folder / "published" / "version-000002.signed").write_bytes(path.read_bytes())
    assert "malformed" in place.run("directory", "check", "published", ends=1).out


def test_diff_says_what_changes(place: Workplace) -> None:
    """Newly allowed, newly forbidden, entries; the same directory has no difference; --json tells the same."""
    _publish(place, *HOLDERS[:2])
    assert place.run("directory", "diff", "published", "directory").out == "nothing is different\n"

    def narrower(whole: Json) -> None:
        whole["version"] = 2
        whole["agreements"][0].update(tlps=["green"])
        whole["agreements"].append({"from": "vn.partner", "to": "vn.example", **TERMS, "severity": "minor"})
        whole["agencies"][1]["mandates"] = []

    _change(place, narrower)
    told = place.run("directory", "diff", "published", "directory").out
    assert "newly forbidden: vn.example → vn.partner: domains disaster; statuses actual; tlps amber;" in told
    assert "newly allowed: vn.partner → vn.example: domains disaster;" in told
    assert "newly forbidden: vn.registry says domains disaster; areas VN;" in told
    found = place.run("directory", "diff", "published", "directory", "--json").json
    assert [each["severity"] for each in found["allowed"]] == [["minor"]]
    assert {each["from"] for each in found["forbidden"]} == {"vn.example", "vn.registry"}
    assert "alerts" not in found


def test_the_examples_of_the_help_work_in_their_order(place: Workplace) -> None:
    """Pasted one after the other in a folder with version 1, they end with version 2."""
    _publish(place, *HOLDERS[:2])
    _change(place, lambda whole: whole.update(version=2))
    place.shell("broker directory export directory --after published --out other.proposal")
    for command in ("check", "diff", "export", "sign"):
        for line in examples(place, f"directory {command}"):
            assert line.startswith(f"broker directory {command}")
            assert place.shell(line).out.strip()
    place.run(
        "directory",
        "sign",
        "version-2.proposal",
        "--key",
        "keys/vn.example.registrar.pem",
        "--out",
        "version-2.second.signature",
    )
    for line in examples(place, "directory publish"):
        assert "version 2 published" in place.shell(line).out
    place.shell("cp published/version-000002.signed .")
    for line in (*examples(place, "directory import"), *examples(place, "directory show")):
        assert place.shell(line).out.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(place: Workplace, command: str) -> None:
    """Each command's help ends with what to type, and no line of it was broken."""
    assert re.search(r"Example:\n\s+broker directory ", place.run("directory", command, "--help").out)
