"""`broker doctor` on hubs that are set up wrongly: what it finds, and how it says to mend it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from redis import Redis

from broker.cli.findings import Grade
from broker.cli.looking_at_machine import certificate_until, disk
from broker.cli.looking_at_store import clock
from broker.store.keys import SCHEMA
from broker.store.server import program
from tests.cli.workplace import Json, Workplace, furnished, until

NOW = datetime.now(UTC)
DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": ""}
SERVERS = [
    pytest.param("valkey", id="valkey"),
    pytest.param("redis-server", id="redis_7", marks=pytest.mark.needs_redis_server),
]


@contextmanager
def redis(folder: Path, which: str, **settings: str) -> Iterator[str]:
    """A server with these settings beside durable ones: its URL."""
    binary = program() if which == "valkey" else shutil.which(which)
    stated = DURABLE | {name.replace("_", "-"): value for name, value in settings.items()}
    address = ["--port", "0", "--unixsocket", "redis.sock", "--dir", str(folder)]
    words = [word for name, value in stated.items() for word in (f"--{name}", value)]
    process = subprocess.Popen([str(binary), *address, *words], cwd=folder, stdout=subprocess.DEVNULL)
    url = f"unix://{folder}/redis.sock"
    try:
        until(lambda: process.poll() is None and (folder / "redis.sock").exists() and _answers(url))
        yield url
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    with Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except OSError:
            return False


def looked(place: Workplace, *words: str, ends: int = 0) -> list[Json]:
    """What doctor found, and with which exit code."""
    found: list[Json] = place.run("doctor", "--hub-keys", "hub-keys", *words, "--json", ends=ends).json
    return found


def wrong(found: list[Json]) -> list[tuple[str, str, str, str]]:
    """All but what is well, what this machine's own clock is, and that these directories are not signed."""
    rows = [(each["about"], each["grade"], each["found"], each["mend"]) for each in found if each["grade"] != "ok"]
    return [row for row in rows if "the kernel says" not in row[2] and row[0] != "signatures"]


@pytest.fixture
def hub(tmp_path: Path) -> Workplace:
    """A furnished folder in which nothing is wrong."""
    return furnished(tmp_path)


def changed(place: Workplace, **members: Any) -> None:
    """The directory with other members."""
    path = place.folder / "directory/directory.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | members, allow_unicode=True))


def told(place: Workplace) -> Json:
    """The directory as it is."""
    value: Json = yaml.safe_load((place.folder / "directory/directory.yaml").read_text())
    return value


@pytest.mark.parametrize("which", SERVERS)
def test_a_hub_that_is_well(hub: Workplace, which: str) -> None:
    """With a durable server, listed keys and a sound directory nothing is wrong, and the exit code is 0."""
    with redis(hub.folder, which) as url:
        found = looked(hub, "--redis-url", url)
    assert wrong(found) == []
    assert {"directory", "hub key receipt", "store", "durability", "clock", "disk", "issuer"} <= {
        each["about"] for each in found
    }
    (signatures,) = [each for each in found if each["about"] == "signatures"]
    assert (signatures["grade"], signatures["found"][:10]) == ("warning", "not signed")


@pytest.mark.parametrize("which", SERVERS)
@pytest.mark.parametrize(
    ("setting", "value", "mend"),
    [
        ("appendonly", "no", "appendonly yes"),
        ("appendfsync", "everysec", "appendfsync always"),
        ("no_appendfsync_on_rewrite", "yes", "no-appendfsync-on-rewrite no"),
        ("maxmemory_policy", "allkeys-lru", "maxmemory-policy noeviction"),
    ],
)
def test_a_store_that_could_lose_what_it_acknowledged(
    hub: Workplace, which: str, setting: str, value: str, mend: str
) -> None:
    """Each setting that durability rests on is an error with the line that mends it, and serve refuses to begin."""
    with redis(hub.folder, which, **{setting: value}) as url:
        found = wrong(looked(hub, "--redis-url", url, ends=1))
        refused = hub.run("serve", "--port", "0", "--hub-keys", "hub-keys", "--redis-url", url, ends=1)
    assert found == [("durability", "error", "it could lose what it acknowledged", f"set in its configuration: {mend}")]
    assert mend in refused.err.splitlines()[-1]


@pytest.mark.parametrize("which", SERVERS)
def test_a_store_that_is_nearly_full(hub: Workplace, which: str) -> None:
    """Close to `maxmemory` it warns before posts are refused."""
    with redis(hub.folder, which) as url:
        with Redis.from_url(url) as client:
            for number in range(1_000):  # small ones, so that the buffers that they came through weigh nothing
                client.set(f"filler-{number}", b"x" * 16_000)
            client.config_set("maxmemory", int(client.info("memory")["used_memory"] / 0.9))
        [(about, grade, found, mend)] = wrong(looked(hub, "--redis-url", url))
    assert (about, grade) == ("memory", "warning")
    assert "MiB are used" in found
    assert "raise maxmemory" in mend


@pytest.mark.parametrize("which", SERVERS)
def test_a_store_that_threw_keys_away(hub: Workplace, which: str) -> None:
    """Keys that were evicted once are an error, whatever the policy is now."""
    with redis(hub.folder, which, maxmemory="8mb", maxmemory_policy="allkeys-lru") as url:
        with Redis.from_url(url) as client:
            for number in range(30):
                client.set(f"filler-{number}", b"x" * 1_000_000)
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "0")
        [(about, grade, found, _)] = wrong(looked(hub, "--redis-url", url, ends=1))
    assert (about, grade) == ("memory", "error")
    assert "threw away" in found


@pytest.mark.parametrize("which", SERVERS)
def test_a_store_of_another_release(hub: Workplace, which: str) -> None:
    """Data of another key schema, or with another number of partitions, are not this release's."""
    with redis(hub.folder, which) as url:
        with Redis.from_url(url) as client:
            client.hset(SCHEMA, mapping={"version": "2", "partitions": "8"})
        [(about, grade, found, mend)] = wrong(looked(hub, "--redis-url", url, ends=1))
    assert (about, grade) == ("store", "error")
    assert "version 2, partitions 8" in found
    assert "docs/operating.md" in mend


@pytest.mark.parametrize("which", SERVERS)
def test_a_store_that_is_a_replica(hub: Workplace, which: str) -> None:
    """A replica cannot be written to: the primary is to be named."""
    with redis(hub.folder, which, replicaof="127.0.0.1 9") as url:
        [(about, grade, found, mend)] = wrong(looked(hub, "--redis-url", url, ends=1))
    assert (about, grade, mend) == ("store", "error", "name the primary")
    assert "is a replica" in found


@pytest.mark.parametrize("which", SERVERS)
def test_a_store_that_does_not_tell_its_settings(hub: Workplace, which: str) -> None:
    """Where CONFIG is refused, as in managed services, what to make sure of is listed as a warning."""
    with redis(hub.folder, which) as url:
        with Redis.from_url(url) as client:
            client.acl_setuser("default", enabled=True, nopass=True, commands=["-config"])
        [(about, grade, found, _)] = wrong(looked(hub, "--redis-url", url))
    assert (about, grade) == ("durability", "warning")
    assert "appendfsync always" in found


def test_a_store_that_does_not_answer(hub: Workplace) -> None:
    """It is an error, and the URL's password is not repeated."""
    found = wrong(looked(hub, "--redis-url", "redis://:geheim@127.0.0.1:9/0", ends=1))
    assert found == [("store", "error", "does not answer: ConnectionError", "start it, or correct REDIS_URL")]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"expires": (NOW - timedelta(days=1)).isoformat()}, "expired"),
        ({"expires": (NOW + timedelta(days=9)).isoformat()}, "expires"),
        ({"caveats": {"H1": ["vn.partner", "vn.partnre"]}}, "caveat H1 names vn.partnre"),
        ({"delegations": [{"from": "vn.nobody", "to": "vn.example", "domains": ["disaster"]}]}, "names vn.nobody"),
    ],
)
def test_what_people_get_wrong_in_a_directory(hub: Workplace, changes: Json, says: str) -> None:
    """An expiry that is near or over, and names that nobody bears, are told with the place."""
    changed(hub, **changes)
    [(about, _, found, mend)] = wrong(looked(hub, ends=1 if says == "expired" else 0))
    assert about == "directory"
    assert says in found
    assert mend


def test_members_that_are_no_agencies(hub: Workplace) -> None:
    """A community's member and an agreement's end without an entry are named, all in one line."""
    terms = {name: value for name, value in told(hub)["agreements"][0].items() if name not in {"from", "to"}}
    community = {"name": "@vn.flood", "members": ["vn.example", "vn.exmaple"], "tiers": ["state"], "charter": terms}
    changed(hub, communities=[community], agreements=[{"from": "vn.example", "to": "vn.partnre", **terms}])
    [(_, grade, found, _)] = wrong(looked(hub))
    assert grade == "warning"
    assert "community @vn.flood names vn.exmaple" in found
    assert "agreement vn.example → vn.partnre names vn.partnre" in found


def test_terms_that_cover_nothing(hub: Workplace) -> None:
    """Empty means none: an agreement without purposes and a mandate without areas are pointed out."""
    agencies = told(hub)["agencies"]
    agencies[1]["mandates"][0]["areas"] = []
    agreement = told(hub)["agreements"][0] | {"purposes": []}
    changed(hub, agencies=agencies, agreements=[agreement])
    [(_, _, found, _)] = wrong(looked(hub))
    assert "agreement vn.example → vn.partner has no purposes" in found
    assert "a mandate of vn.example has no areas" in found


def test_an_agreement_that_has_ended(hub: Workplace) -> None:
    """It lets nothing through any more, and is told."""
    ended = (NOW - timedelta(days=1)).isoformat()
    changed(hub, agreements=[told(hub)["agreements"][0] | {"valid_until": ended}])
    [(_, _, found, mend)] = wrong(looked(hub))
    assert found == f"ended: agreement vn.example → vn.partner {ended}"
    assert mend == "renew them, or take them out"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"valid_until": (NOW + timedelta(days=9)).isoformat()}, "end within 30 days: vn.example (use statement)"),
        ({"revoked": {"at": NOW.isoformat()}}, "no key in force: vn.example (use statement)"),
    ],
)
def test_keys_of_agencies_that_end(hub: Workplace, change: Json, says: str) -> None:
    """An agency that soon cannot sign, or cannot now, is named, with what to do."""
    agencies = told(hub)["agencies"]
    agencies[1]["keys"][0] |= change
    changed(hub, agencies=agencies)
    [(about, grade, found, mend)] = wrong(looked(hub))
    assert (about, grade) == ("agency keys", "warning")
    assert says in found
    assert "broker keygen" in mend


def test_hub_keys_that_end_or_are_not_held(hub: Workplace) -> None:
    """A hub key whose time is short, and one that the hub does not have, are told by their use."""
    agencies = told(hub)["agencies"]
    agencies[0]["keys"][1]["valid_until"] = (NOW + timedelta(days=9)).isoformat()
    changed(hub, agencies=agencies)
    (hub.folder / "hub-keys/vn.hub.webhook.pem").unlink()
    found = {about: mend for about, _, _, mend in wrong(looked(hub))}
    assert found.keys() == {"hub key receipt", "hub key webhook"}
    assert "broker keygen --use receipt" in found["hub key receipt"]
    assert "hub-keys" in found["hub key webhook"]


def test_hub_keys_that_are_encrypted(hub: Workplace) -> None:
    """A hub passes over what it has no passphrase for: that is told, beside the use that is missing."""
    hub.run("keygen", "--agency", "vn.spare", "--use", "log", "--out", "hub-keys", BROKER_PASSPHRASE="bí mật")
    [(about, grade, found, mend)] = wrong(looked(hub))
    assert (about, grade) == ("hub keys", "warning")
    assert "hub-keys/vn.spare.log.pem is encrypted" in found
    assert "openssl pkey" in mend


def test_hub_keys_that_others_can_read(hub: Workplace) -> None:
    """A folder that is open is a warning, an open key an error, each with its chmod; then nothing is wrong."""
    (hub.folder / "hub-keys").chmod(0o755)
    (hub.folder / "hub-keys/vn.hub.receipt.pem").chmod(0o640)
    found = wrong(looked(hub, ends=1))
    assert [grade for _, grade, _, _ in found] == ["warning", "error"]
    for _, _, _, mend in found:
        hub.shell(mend)
    assert wrong(looked(hub)) == []


def test_a_directory_that_does_not_load(hub: Workplace) -> None:
    """The file and the place are named; the rest is looked at all the same."""
    hub.write("directory/directory.yaml", "network: [")
    found = looked(hub, ends=1)
    assert wrong(found)[0][2].startswith("directory.yaml: while parsing")
    assert "disk" in {each["about"] for each in found}


@pytest.mark.parametrize(
    ("words", "grade", "says"),
    [
        (("--issuer", "https://hub.example/path"), "error", "is no origin"),
        (("--issuer", "http://hub.example"), "warning", "is not https"),
        (("--host", "0.0.0.0"), "error", "no address that others can reach"),  # noqa: S104 - refused, not bound
        (("--data", "flood.json"), "error", "is no folder"),
        (("--outgoing-ca", "flood.json"), "error", "cannot be used"),
    ],
)
def test_settings_that_do_not_work(hub: Workplace, words: tuple[str, ...], grade: str, says: str) -> None:
    """What the options alone show to be wrong is told with the option that mends it."""
    [(_, found_grade, found, mend)] = wrong(looked(hub, *words, ends=int(grade == "error")))
    assert found_grade == grade
    assert says in found
    assert mend


def test_a_certificate_and_its_key(hub: Workplace) -> None:
    """A pair that belongs together is well; a key of another certificate is an error."""
    authority = trustme.CA()
    one, other = authority.issue_cert("localhost"), authority.issue_cert("localhost")
    one.cert_chain_pems[0].write_to_path(str(hub.folder / "cert.pem"))
    one.private_key_pem.write_to_path(str(hub.folder / "key.pem"))
    other.private_key_pem.write_to_path(str(hub.folder / "other.pem"))
    assert wrong(looked(hub, "--tls-cert", "cert.pem", "--tls-key", "key.pem")) == []
    [(about, grade, _, mend)] = wrong(looked(hub, "--tls-cert", "cert.pem", "--tls-key", "other.pem", ends=1))
    assert (about, grade) == ("TLS", "error")
    assert "other.pem" in mend


@pytest.mark.parametrize(
    ("seconds", "grade"),
    [(0.3, Grade.OK), (-1.9, Grade.OK), (3, Grade.WARNING), (-59, Grade.WARNING), (61, Grade.ERROR)],
)
def test_clocks_that_differ(seconds: float, grade: Grade) -> None:
    """Two seconds are well, a minute is a warning, more is an error: statements are taken within five minutes."""
    assert clock(seconds).grade is grade


@pytest.mark.parametrize(
    ("mebibytes", "grade"), [(2048, Grade.OK), (2047, Grade.WARNING), (256, Grade.WARNING), (255, Grade.ERROR)]
)
def test_disk_headroom(mebibytes: int, grade: Grade) -> None:
    """Below 2 GiB it warns, below 256 MiB it is an error, with the place."""
    found = disk(mebibytes << 20, Path("/data"))
    assert found.grade is grade
    assert "/data" in found.found


@pytest.mark.parametrize(("days", "grade"), [(-1, Grade.ERROR), (29, Grade.WARNING), (31, Grade.OK)])
def test_a_certificate_that_ends(days: int, grade: Grade) -> None:
    """It is told a month before it ends."""
    assert certificate_until(datetime.now(UTC) + timedelta(days=days)).grade is grade


def test_doctor_changes_nothing(hub: Workplace) -> None:
    """Where no hub has been, it makes no data folder."""
    looked(hub, "--data", "none")
    assert not (hub.folder / "none").exists()


def test_people_see_what_to_do(hub: Workplace) -> None:
    """Without --json each finding is a line, and what mends it another below."""
    (hub.folder / "hub-keys").chmod(0o755)
    out = hub.run("doctor", "--hub-keys", "hub-keys").out
    assert "warning hub keys: others can look into hub-keys\n        → chmod 700 hub-keys\n" in out
