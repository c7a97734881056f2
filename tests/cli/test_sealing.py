"""Sealed parts, from `broker keygen` to `broker open`, and what the hub keeps of them."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from broker.trust.jws import decode as unb64
from tests.cli.workplace import Workplace, furnished, serving

KEY = ("--key", "keys/vn.example.pem")
AUTH = ("--auth-key", "keys/vn.example.auth.pem")
PARTNER = ("--auth-key", "keys/vn.partner.auth.pem", "--purpose", "prevention")
CANARY = "Nguyễn Văn Chim Hoàng Yến, hộ chiếu C7219834"
CONTROL = "Đê Ka Long tràn lúc chín giờ, không niêm phong"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A folder with a hub that runs, and contents to seal."""
    place = furnished(tmp_path_factory.mktemp("sealing"))
    place.write("names.txt", f"{CANARY}\n")
    place.write("dyke.txt", f"{CONTROL}\n")
    with serving(place) as told:
        place.variables["BROKER_HUB"] = told["issuer"]
        yield place


def _post(place: Workplace, *more: str) -> str:
    parts = ("--part", "names.txt", "--part", "dyke=dyke.txt,seal=no")
    return str(place.run("post", "flood.json", *parts, *more, *KEY, "--json").json["id"])


def test_a_sealed_part_is_opened_by_whom_it_is_for(hub: Workplace) -> None:
    """With the hub's or the own directory's keys: the named agency opens it, the poster that is not named does not."""
    for where in (AUTH, ("--seal-from", "directory")):
        alert = _post(hub, "--seal-for", "vn.partner", *where)
        opened = hub.run("open", alert, *PARTNER, "--open-with", "keys/vn.partner.seal.pem")
        assert opened.out == f"{CANARY}\n"
        assert hub.run("open", alert, "--part", "dyke", *PARTNER).out == f"{CONTROL}\n"
        own = ("open", alert, *AUTH, "--purpose", "prevention")
        told = hub.run(*own, "--open-with", "keys/vn.example.seal.pem", ends=1).err
        assert told.startswith("not-opened: The part cannot be opened: it is sealed for other keys")
        assert "no-key: This needs the agency's key of use seal" in hub.run(*own, ends=1).err


def test_for_several(hub: Workplace) -> None:
    """Each agency that is named opens it, into a file that only its owner reads, never over another."""
    alert = _post(hub, "--seal-for", "vn.partner, vn.example", *AUTH)
    for agency, account in (("vn.partner", PARTNER), ("vn.example", (*AUTH, "--purpose", "prevention"))):
        words = ("open", alert, *account, "--open-with", f"keys/{agency}.seal.pem", "--out", f"{agency}.opened")
        hub.run(*words)
        path = hub.folder / f"{agency}.opened"
        assert path.read_text() == f"{CANARY}\n"
        assert path.stat().st_mode & 0o777 == 0o600
        assert hub.run(*words, ends=1).err.startswith("exists:")


def test_tail_opens_what_is_sealed_for_the_reader(hub: Workplace) -> None:
    """With its key a reader sees sealed text as it comes; without, that there is a sealed part."""
    made = hub.run("subscribe", *PARTNER[:2], "--json").json["id"]
    _post(hub, "--seal-for", "vn.partner", *AUTH)
    key = ("--open-with", "keys/vn.partner.seal.pem")
    shown = hub.run("tail", made, *PARTNER[:2], *key, "--count", "1").out
    assert f"main: {CANARY}" in shown
    _post(hub, "--seal-for", "vn.example", *AUTH)
    assert (
        "main: sealed, and not opened: it is sealed for other keys"
        in hub.run("tail", made, *PARTNER[:2], *key, "--count", "1").out
    )
    _post(hub, "--seal-for", "vn.partner", *AUTH)
    told = hub.run("tail", made, *PARTNER[:2], *key, "--count", "1", "--json").json
    assert told["parts"]["main"]["sealed"] is True
    assert unb64(told["parts"]["main"]["opened"]).decode() == f"{CANARY}\n"
    _post(hub, "--seal-for", "vn.partner", *AUTH)
    assert "opened" not in hub.run("tail", made, *PARTNER[:2], "--count", "1", "--json").json["parts"]["main"]


def test_nobody_to_seal_for(hub: Workplace) -> None:
    """An agency without a key of use seal, or that the asker has no terms with, is told, and nothing is sent open."""
    for agency in ("vn.hub", "vn.nobody"):
        for where in (AUTH, ("--seal-from", "directory")):
            words = ("post", "flood.json", "--part", "names.txt", "--seal-for", f"vn.partner,{agency}", *KEY, *where)
            assert hub.run(*words, ends=1).err.startswith("not-found: ")


def test_the_hub_keeps_nothing_that_can_be_read(hub: Workplace) -> None:
    """All of Redis, its files, the hub's data folder and its log hold no sealed content, in no base64 at no alignment;
    the same search finds what was posted open beside it.
    """
    alert = _post(hub, "--seal-for", "vn.partner", *AUTH)
    hub.run("open", alert, *PARTNER, "--open-with", "keys/vn.partner.seal.pem")
    hub.run("explain", alert, *AUTH)
    kept = dict(_kept(hub.folder))
    assert any(name.startswith("redis ") for name in kept)
    assert any("appendonly" in name for name in kept)
    assert "hub.log" in kept
    for name, data in kept.items():
        assert not [form for form in _forms(CANARY) if form in data], name
    found = [name for name, data in kept.items() if any(form in data for form in _forms(CONTROL))]
    assert any(name.startswith("redis ") for name in found)
    assert any("appendonly" in name for name in found)


def _forms(text: str) -> set[bytes]:
    """The bytes as they are, as JSON writes them, and in base64 at each of three alignments, once and twice."""
    raw = text.encode()
    once = {raw, json.dumps(text)[1:-1].encode(), *_base64(raw)}
    return once | {form for each in once for form in _base64(each)}


def _base64(data: bytes) -> set[bytes]:
    """Without the characters at the ends, which depend on what stands beside."""
    forms = set()
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            encoded = encode(bytes(before) + data).rstrip(b"=")
            forms.add(encoded[4 if before else 0 : -4])
    return forms


def _kept(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything that the hub keeps, by where it is."""
    yield "hub.log", (folder / "hub.log").read_bytes()
    for path in (folder / "broker-data").rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
    [socket] = [path for path in (folder / "broker-data").rglob("*") if path.is_socket()]
    with closing(redis.Redis(unix_socket_path=str(socket))) as client:
        for key in client.scan_iter(count=1000):
            yield f"redis {key!r}", key + repr(_value(client, key)).encode() + _joined(_value(client, key))


def _value(client: "redis.Redis", key: bytes) -> object:
    match client.type(key):
        case b"string":
            return client.get(key)
        case b"hash":
            return client.hgetall(key)
        case b"list":
            return client.lrange(key, 0, -1)
        case b"set":
            return client.smembers(key)
        case b"zset":
            return client.zrange(key, 0, -1)
        case b"stream":
            return client.xrange(key)
    raise AssertionError(f"another type at {key!r}")


def _joined(value: object) -> bytes:
    """All bytes in it, however deep."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return b"\n".join(_joined(each) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple | set):
        return b"\n".join(_joined(each) for each in value)
    return b""
