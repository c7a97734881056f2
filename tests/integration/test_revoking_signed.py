"""The compromise drill where the directory is signed: it tells receivers at once, and registrars what to publish."""

import json
import subprocess
import sys
from pathlib import Path

from broker.trust.published import Published, open_published
from broker.trust.versions import versions_in
from tests.integration.agencies import DYKE, HEALTH, Json, alert, claims
from tests.integration.asking import accepted, form_b, id_of, sign_in
from tests.integration.processes import serving, until
from tests.integration.registrars import SignedWorld

SINCE = "2026-01-01T00:00:00Z"


def drill(world: SignedWorld, folder: Path) -> Json:
    """The command, with the hub's keys and its private server."""
    words = ["directory", "revoke", world.key(DYKE).kid, "--since", SINCE, "--yes", "--json"]
    words += ["--data", str(world.folder / "data"), "--hub-keys", str(world.folder / "hub-keys")]
    command = [sys.executable, "-m", "broker", *words, "--directory", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told: Json = json.loads(done.stdout)
    return told


def test_receivers_are_told_before_the_next_version_is_published(tmp_path: Path) -> None:
    """Nothing signed is written; the member is told, or written into the registrars' own text; once that is published
    the key's word is refused, and a repeated command finds all of it said.
    """
    world = SignedWorld.begin(tmp_path)
    with serving(world, "--directory-trust", world.trust) as hub:
        reader = sign_in(hub, world, HEALTH)
        subscription = reader.subscribe()
        sent = accepted(hub, world)
        with reader.stream(subscription) as envelopes:
            assert id_of(next(envelopes)) == sent
        before = versions_in(world.directory)
        told = drill(world, world.directory)
        assert [each["alert"] for each in told["alerts"]] == [sent]
        assert (told["suspended"], told["agencies"]) == (1, [HEALTH])
        member = told["directory"]["to_write"]
        assert member["compromised_since"] == "2026-01-01T00:00:00.000Z"
        assert (told["directory"]["written"], told["directory"]["in_force"]) == ([], False)
        assert versions_in(world.directory) == before
        until(lambda: reader.call("GET", f"/v1/alerts/{sent}").status_code == 404)
        draft = drill(world, world.drafts)
        assert (draft["suspended"], draft["directory"]["written"]) == (0, [str(world.drafts / "directory.json")])
        world.publish(_last(world))
        until(lambda: hub.http.get("/.well-known/interagency-hub").json()["directory"]["version"] == 2)
        refused = form_b(world.signed(claims(alert()))).send(hub)
        assert (refused.status_code, refused.json()["code"]) == (403, "key-not-valid")
        again = drill(world, world.directory)
        assert (again["suspended"], again["directory"]["to_write"]) == (0, None)


def _last(world: SignedWorld) -> Published:
    found = versions_in(world.directory)
    return open_published(found[max(found)].read_text())
