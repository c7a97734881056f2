"""A hub whose directory is signed: what it takes, what it refuses, and what it is after a restart."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from broker.store.in_redis import RedisStore
from broker.trust.published import Published, open_published
from broker.trust.versions import name_of, versions_in, write_version
from tests.integration.agencies import (
    BANK,
    DYKE,
    HEALTH,
    LAO_POLICE,
    POLICE,
    THAI_POLICE,
    Json,
    World,
    alert,
    claims,
    later,
)
from tests.integration.asking import form_b, sign_in
from tests.integration.processes import Hub, engine, serving, until
from tests.integration.registrars import SignedWorld


@contextmanager
def _serving(world: SignedWorld, **env: str) -> Iterator[Hub]:
    with serving(world, "--directory-trust", world.trust, **env) as hub:
        yield hub


@pytest.fixture
def world(tmp_path: Path) -> SignedWorld:
    """Version 1 is published."""
    return SignedWorld.begin(tmp_path)


def _in_force(hub: Hub) -> Json:
    told: Json = hub.http.get("/.well-known/interagency-hub").json()["directory"]
    return told


def _last(world: SignedWorld) -> Published:
    found = versions_in(world.directory)
    return open_published(found[max(found)].read_text())


def _next_version(document: Json) -> None:
    document["version"] += 1


def _without_mandates(document: Json) -> None:
    document["version"] += 1
    (entry,) = [each for each in document["agencies"] if each["id"] == DYKE]
    entry["mandates"] = []


def _refusals(hub: Hub) -> list[str]:
    """Reasons, from the log."""
    event = "the directory's change was not taken"
    return [str(line.get("reason")) for line in hub.lines() if line["event"] == event]


def _put(world: SignedWorld, version: Published, folder: Path | None = None) -> Path:
    return write_version(folder or world.directory, version)


def _refused_start(world: SignedWorld) -> str:
    """What `broker serve` says when it does not begin."""
    command = [sys.executable, "-m", "broker", "serve", "--json", "--port", "0", "--data", world.folder / "data"]
    command += ["--directory", world.directory, "--hub-keys", world.folder / "hub-keys"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 1
    return str(json.loads(run.stdout)["detail"])


def test_a_version_is_in_force_under_the_digest_of_its_statement(world: SignedWorld) -> None:
    """Discovery tells it, and the log that it is signed; the next version decides as it says."""
    first = _last(world)
    with _serving(world) as hub:
        assert _in_force(hub) == {"version": 1, "digest": first.digest}
        assert [line["signed"] for line in hub.lines() if line["event"] == "directory in force"] == [True]
        world.redraft(_without_mandates)
        second = world.publish(first)
        until(lambda: _in_force(hub) == {"version": 2, "digest": second.digest})
        refused = form_b(world.signed(claims(alert()))).send(hub)
        assert refused.json()["code"] == "outside-mandate"


def test_attacks_on_a_running_hub_change_nothing(world: SignedWorld) -> None:
    """Too few signatures, a fork, a gap, an expired version, junk: each is told with its reason, and all goes on."""
    first = _last(world)
    world.redraft(_without_mandates)
    too_few = world.next(first, (0,))
    good = world.next(first)
    world.redraft(_next_version)
    gap = world.next(good)
    world.redraft(lambda document: document.update(version=2, expires=later(seconds=-1)))
    expired = world.next(first)
    with _serving(world) as hub:
        for attack, reason in ((too_few, "threshold-before"), (gap, "gap"), (expired, "expired")):
            path = _put(world, attack)
            until(lambda wanted=reason: wanted in _refusals(hub))  # type: ignore[misc]  # a default binds it now
            path.unlink()
        junk = world.directory / name_of(2)
        junk.write_text("{}")
        until(lambda: "malformed" in _refusals(hub))
        junk.unlink()
        piece = world.directory / "more.yaml"
        piece.write_text("agencies: []")
        until(lambda: "unsigned" in _refusals(hub))
        piece.unlink()
        assert _in_force(hub) == {"version": 1, "digest": first.digest}
        assert form_b(world.signed(claims(alert()))).send(hub).status_code == 202
        _put(world, good)
        until(lambda: _in_force(hub)["version"] == 2)
        (world.directory / name_of(2)).unlink()
        fork = world.next(first)
        assert fork.version == 2
        _put(world, fork)
        until(lambda: "fork" in _refusals(hub))
        assert _in_force(hub) == {"version": 2, "digest": good.digest}


def test_a_restart_is_not_rolled_back(world: SignedWorld) -> None:
    """With the folder put back to version 1, a restarted hub stands where it stood, and says what it was shown."""
    first = _last(world)
    world.redraft(_next_version)
    second = world.publish(first)
    with _serving(world) as hub:
        assert _in_force(hub)["digest"] == second.digest
    (world.directory / name_of(2)).unlink()
    with _serving(world) as hub:
        assert _in_force(hub) == {"version": 2, "digest": second.digest}
        assert _refusals(hub) == ["rollback"]


def test_an_unsigned_folder_is_refused_after_a_signed_one(world: SignedWorld) -> None:
    """Whoever exchanges the folder for one of YAML, and even takes the operator's word away, gets no hub."""
    with _serving(world):
        pass
    shutil.rmtree(world.directory)
    shutil.copytree(world.drafts, world.directory)
    assert "unsigned" in _refused_start(world)


def test_a_signed_folder_needs_the_operators_word(world: SignedWorld) -> None:
    """A new hub takes no first version on the folder's own word."""
    assert "no-first-trust" in _refused_start(world)


def test_a_process_with_an_old_folder_takes_what_another_took(world: SignedWorld, tmp_path: Path) -> None:
    """Two processes of one hub with a folder each: both decide by the newest, whichever folder has it."""
    first = _last(world)
    other = SignedWorld(tmp_path / "other", world.registrars)
    shutil.copytree(world.directory, other.directory)
    shutil.copytree(world.folder / "hub-keys", other.folder / "hub-keys")
    with (
        engine(tmp_path / "engine") as store,
        _serving(world, REDIS_URL=store.url) as one,
        _serving(other, REDIS_URL=store.url) as two,
    ):
        world.redraft(_next_version)
        second = world.publish(first)
        for hub in (one, two):
            until(lambda hub=hub: _in_force(hub)["digest"] == second.digest)  # type: ignore[misc]  # as above


def test_an_expired_version_is_told(world: SignedWorld) -> None:
    """A hub whose version has expired says so in /readyz and in its log, takes posts, and takes the next version."""
    first = _last(world)
    with _serving(world) as hub:
        world.redraft(lambda document: document.update(version=2, expires=later(seconds=6)))
        second = world.publish(first)
        until(lambda: hub.http.get("/readyz").status_code == 503)
        assert "expired" in hub.http.get("/readyz").text
        until(lambda: [line for line in hub.lines() if line["event"] == "the directory has expired"])
        assert form_b(world.signed(claims(alert()))).send(hub).status_code == 202
        world.redraft(lambda document: document.update(version=3, expires=later(days=9)))
        world.publish(second)
        until(lambda: hub.http.get("/readyz").status_code == 200)


def test_each_version_is_in_the_ledger(world: SignedWorld) -> None:
    """One entry a version, with its digest."""

    async def entries(url: str) -> list[Json]:
        store = RedisStore(url)
        await store.open()
        said = [json.loads(entry.payload) async for entry in store.ledger.entries()]
        await store.close()
        return [{name: each[name] for name in ("version", "digest")} for each in said if each["type"] == "directory"]

    first = _last(world)
    with engine(world.folder / "engine") as store:
        for _ in range(2):
            with _serving(world, REDIS_URL=store.url):
                pass
        assert asyncio.run(entries(store.url)) == [{"version": "1", "digest": first.digest}]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, World]]:
    """The bank inspects; dykes, health and police are registrars."""
    world = SignedWorld.begin(tmp_path_factory.mktemp("reading"))

    def inspect(document: Json) -> None:
        document["version"] += 1
        (entry,) = [each for each in document["agencies"] if each["id"] == BANK]
        entry["roles"] = ["inspector"]

    first = _last(world)
    world.redraft(inspect)
    world.publish(first)
    with _serving(world) as hub:
        yield hub, world


class TestReading:
    """`GET /v1/directory`."""

    def test_registrars_and_inspectors_have_it_whole(self, served: tuple[Hub, World]) -> None:
        """With the signatures: what is told is what was signed, and its digest is the one in discovery."""
        hub, world = served
        for agency, scope in ((DYKE, "read"), (BANK, "inspect")):
            told = sign_in(hub, world, agency, scope=scope).call("GET", "/v1/directory").json()
            published = open_published(json.dumps({name: told[name] for name in ("statement", "cosignatures")}))
            assert told["whole"] is told["signed"] is True
            assert published.digest == told["digest"] == _in_force(hub)["digest"]
            assert len(told["directory"]["agencies"]) == len(published.snapshot.document.agencies)

    def test_others_have_what_concerns_them(self, served: tuple[Hub, World]) -> None:
        """An inspector's agency without that scope, and each other: themselves, their own terms, no signatures."""
        hub, world = served
        for agency, known in (
            (BANK, {BANK, POLICE, "vn.hub"}),
            (THAI_POLICE, {THAI_POLICE, POLICE, DYKE, HEALTH, "asean.aha", "vn.hub"}),
            (LAO_POLICE, {LAO_POLICE, "vn.hub"}),
        ):
            answer = sign_in(hub, world, agency).call("GET", "/v1/directory")
            told = answer.json()
            assert answer.headers["cache-control"] == "no-store"
            assert told["whole"] is False
            assert "statement" not in told
            assert {each["id"] for each in told["directory"]["agencies"]} == known
            assert all(agency in (each["from"], each["to"]) for each in told["directory"]["agreements"])
            assert all(agency in each["members"] for each in told["directory"]["communities"])

    def test_an_alert_that_was_withheld_leaves_no_trace(self, served: tuple[Hub, World]) -> None:
        """What an agency sees of the directory is the same before and after an alert that it does not get."""
        hub, world = served
        caller = sign_in(hub, world, LAO_POLICE)
        before = caller.call("GET", "/v1/directory").content
        assert form_b(world.signed(claims(alert()))).send(hub).status_code == 202
        assert caller.call("GET", "/v1/directory").content == before

    def test_nobody_else(self, served: tuple[Hub, World]) -> None:
        """Without a token, and with one for something else, there is nothing."""
        hub, world = served
        assert hub.http.get("/v1/directory").json()["code"] == "unauthenticated"
        caller = sign_in(hub, world, DYKE, scope="subscribe")
        assert caller.call("GET", "/v1/directory").json()["code"] == "insufficient-scope"
