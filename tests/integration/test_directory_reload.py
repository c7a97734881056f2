"""A change in the directory's folder is in force without a restart; a broken one is told, and changes nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.agencies import BANK, DYKE, HEALTH, Json, World, alert, claims
from tests.integration.asking import Caller, accepted, form_b, id_of, sign_in
from tests.integration.processes import Hub, serving, until


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, World]]:
    """A hub whose directory these tests change; each leaves it as it was but for its version."""
    world = World.make(tmp_path_factory.mktemp("changing"))
    with serving(world) as hub:
        yield hub, world


def _version(hub: Hub) -> Json:
    told: Json = hub.http.get("/.well-known/interagency-hub").json()["directory"]
    return told


@contextmanager
def _changed(hub: Hub, world: World, **changes: object) -> Iterator[None]:
    """The entry of one agency (`id`), changed while the block lasts, in the next version and the one after."""

    def edit(document: Json) -> None:
        document["version"] += 1
        (entry,) = [each for each in document["agencies"] if each["id"] == changes["id"]]
        before.update({name: entry.get(name) for name in changes})
        entry.update(changes)

    def back(document: Json) -> None:
        document["version"] += 1
        (entry,) = [each for each in document["agencies"] if each["id"] == changes["id"]]
        entry.update(before)
        for name in [name for name, value in before.items() if value is None]:
            del entry[name]

    before: Json = {}
    _in_force(hub, world, edit)
    yield
    _in_force(hub, world, back)


def _in_force(hub: Hub, world: World, change: object) -> None:
    version = _version(hub)["version"]
    world.edit(change)
    until(lambda: _version(hub)["version"] == version + 1)


def _code(hub: Hub, world: World, issuer: str = DYKE) -> str:
    """What a post of the issuer is answered."""
    answer = form_b(world.signed(claims(alert(), issuer))).send(hub)
    return "accepted" if answer.status_code == 202 else str(answer.json()["code"])


def test_a_change_is_in_force_without_a_restart(served: tuple[Hub, World]) -> None:
    """A mandate taken away, an agency closed: told in the discovery, and in the next answer; taken back alike."""
    hub, world = served
    assert _code(hub, world) == "accepted"
    before = _version(hub)
    with _changed(hub, world, id=DYKE, mandates=[]):
        assert _version(hub)["digest"] != before["digest"]
        assert _code(hub, world) == "outside-mandate"
    with _changed(hub, world, id=DYKE, active=False):
        assert _code(hub, world) == "key-not-valid"
    assert _code(hub, world) == "accepted"


def test_who_is_closed_has_no_token_any_more(served: tuple[Hub, World]) -> None:
    """A token that was issued before opens nothing once its agency is not active; afterwards it does again."""
    hub, world = served
    caller = sign_in(hub, world, HEALTH)
    with _changed(hub, world, id=HEALTH, active=False):
        assert caller.call("GET", "/v1/subscriptions").json()["code"] == "unauthenticated"
    assert caller.call("GET", "/v1/subscriptions").status_code == 200


def test_who_inspects_no_more_is_told_no_more(served: tuple[Hub, World]) -> None:
    """A token with the scope `inspect`, issued while the agency had that role, opens nothing once it has it no more."""
    hub, world = served
    with _changed(hub, world, id=BANK, roles=["inspector"]):
        inspector = sign_in(hub, world, BANK, scope="inspect")
        path = f"/v1/decisions?alert={accepted(hub, world, alert(tlp='red'))}"
        assert inspector.call("GET", path).status_code == 200
    assert inspector.call("GET", path).json()["code"] == "insufficient-scope"


def test_what_is_owed_is_decided_by_the_directory_of_now(served: tuple[Hub, World]) -> None:
    """An agreement that has ended since the alert was accepted gives no more; what came before it did stays given."""
    hub, world = served
    caller = sign_in(hub, world, HEALTH)
    id_ = caller.subscribe()
    event = alert(tlp="amber")
    first = accepted(hub, world, event)
    until(lambda: _waiting(caller, id_) == 1)
    ended: list[Json] = []

    def end(document: Json) -> None:
        document["version"] += 1
        ended.extend(each for each in document["agreements"] if each["to"] == HEALTH)
        document["agreements"] = [each for each in document["agreements"] if each["to"] != HEALTH]
        (community,) = [each for each in document["communities"] if each["name"] == "@asean.disaster"]
        community["members"].remove(HEALTH)

    def begin(document: Json) -> None:
        document["version"] += 1
        document["agreements"] += ended
        (community,) = [each for each in document["communities"] if each["name"] == "@asean.disaster"]
        community["members"].append(HEALTH)

    _in_force(hub, world, end)
    with caller.stream(id_):
        until(lambda: _waiting(caller, id_) == 0)
    assert caller.call("GET", f"/v1/alerts/{first}").status_code == 404
    _in_force(hub, world, begin)
    second = accepted(hub, world, event)
    with caller.stream(id_) as envelopes:
        assert id_of(next(envelopes)) == second
    assert caller.call("DELETE", f"/v1/subscriptions/{id_}").status_code == 204


def _waiting(caller: Caller, id_: str) -> int:
    return int(caller.call("GET", f"/v1/subscriptions/{id_}").json()["health"]["waiting"])


BROKEN = {
    "no YAML": "agencies: [",
    "an unknown member": "agencees: []\n",
    "a second network": "network: https://other.example/net\n",
    "a key of two agencies": "",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_edit_is_told_and_the_version_before_stays(how: str, served: tuple[Hub, World]) -> None:
    """The log and `broker doctor` name the file or the entry; the hub goes on with what it had, and takes the mend."""
    hub, world = served
    before, read = _version(hub), len(hub.lines())
    broken = world.directory / "more.yaml"
    beside = broken.with_suffix(".part")
    beside.write_text(BROKEN[how] or _stolen_key(world))
    beside.rename(broken)
    (told,) = until(lambda: [line for line in hub.lines()[read:] if line["event"] == _NOT_TAKEN])
    assert told["level"] == "error"
    assert told["why"]
    assert _version(hub) == before
    assert _code(hub, world) == "accepted"
    findings = _doctor(world)
    assert [each["grade"] for each in findings if each["about"] == "directory"] == ["error"]
    assert all(each["mend"] for each in findings if each["grade"] == "error")
    broken.unlink()
    with _changed(hub, world, id=BANK, names={"en": how}):
        assert _code(hub, world) == "accepted"


_NOT_TAKEN = "the directory's change was not taken"


def _stolen_key(world: World) -> str:
    """Another agency that claims a key which one has already."""
    document = json.loads((world.directory / "directory.json").read_text())
    (entry,) = [each for each in document["agencies"] if each["id"] == DYKE]
    return json.dumps({"agencies": [{**entry, "id": "vn.thief"}]})


def _doctor(world: World) -> list[Json]:
    """Its findings."""
    command = [sys.executable, "-m", "broker", "doctor", "--json", "--directory", world.directory]
    command += ["--hub-keys", world.folder / "hub-keys", "--data", world.folder / "data"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stderr
    found: list[Json] = json.loads(run.stdout)
    return found
