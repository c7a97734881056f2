"""The hub's own keys: found in the operator's folder, or made on first start, one for each use."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from broker.errors import Broken
from broker.trust import jws
from broker.trust.hubkeys import USES, load_or_make
from broker.trust.keys import PrivateKey, load_public, save_file, verify_signature
from tests.unit import making
from tests.unit.making import HUB


def world(*uses: str, **changes: Any) -> Any:
    """A directory that lists the hub's keys of these uses."""
    return making.directory(
        agencies={HUB: {"keys": [making.key_entry(making.key(HUB, use), use, **changes) for use in uses]}}
    )


def private_jwk(private: PrivateKey) -> dict[str, str]:
    """With the member that nobody else may see."""
    return private.jwk | {"d": jws.encode(private._key.private_bytes_raw())}


def test_made_on_first_start(tmp_path: Path) -> None:
    """Without any a key is made for each use, in files of mode 600, and found again at the next start."""
    folder = tmp_path / "keys"
    made = load_or_make(folder, making.directory())
    assert set(made.keys) == set(USES)
    assert len({key.kid for key in made.keys.values()}) == len(USES)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    again = load_or_make(folder, making.directory())
    assert {use: again.kid(use) for use in USES} == {use: made.kid(use) for use in USES}
    assert {record.kid for record in made.records} == {key.kid for key in made.keys.values()}
    assert {record.agency for record in made.records} == {HUB}


@pytest.mark.parametrize("form", ["pem", "jwk", "jwk set", "map", "map of seeds", "seed"])
def test_found_in_every_form(tmp_path: Path, form: str) -> None:
    """A key that the directory gives to the hub is found in the folder, whatever the file's name and form."""
    private = making.key(HUB, "receipt")
    jwk, path = private_jwk(private), tmp_path / "whatever"
    texts = {
        "jwk": json.dumps(jwk),
        "jwk set": json.dumps({"keys": [making.key(HUB, "log").jwk, jwk]}),
        "map": json.dumps({private.kid: jwk}),
        "map of seeds": json.dumps({private.kid: jwk["d"]}),
        "seed": jwk["d"] + "\n",
    }
    if form == "pem":
        save_file(path, private)
    else:
        path.write_text(texts[form])
    (tmp_path / "noise.txt").write_text("not a key")
    (tmp_path / "noise.pem").write_text("-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n")
    assert load_or_make(tmp_path, world("receipt")).kid("receipt") == private.kid


@pytest.mark.parametrize(
    "changes",
    [
        {"revoked": {"at": "2026-01-01T00:00:00Z"}},
        {"valid_until": "2026-01-02T00:00:00Z"},
        {"valid_from": "2098-01-01T00:00:00Z", "valid_until": "2099-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_what_is_not_in_force_is_not_used(tmp_path: Path, changes: dict[str, Any]) -> None:
    """A key that is revoked, over or not yet valid does not sign; another is made."""
    save_file(tmp_path / "receipt.pem", making.key(HUB, "receipt"))
    assert load_or_make(tmp_path, world("receipt", **changes)).kid("receipt") != making.key(HUB, "receipt").kid


@pytest.mark.parametrize("order", [1, -1])
def test_at_a_rollover_the_next_key_is_used(tmp_path: Path, order: int) -> None:
    """Of two that are valid now it is the one that began last, wherever it stands; one that is yet to begin waits."""
    begin = {"old": "2026-01-01T00:00:00Z", "next": "2026-06-01T00:00:00+07:00", "later": "2099-01-01T00:00:00Z"}
    made = {name: making.key(HUB, f"receipt {name}") for name in begin}
    entries = [
        making.key_entry(made[name], "receipt", valid_from=at, valid_until="2099-06-01T00:00:00Z")
        for name, at in begin.items()
    ]
    for name, key in made.items():
        save_file(tmp_path / f"{name}.pem", key)
    directory = making.directory(agencies={HUB: {"keys": entries[::order]}})
    assert load_or_make(tmp_path, directory).kid("receipt") == made["next"].kid


def test_a_key_of_another_use_or_agency_is_not_used(tmp_path: Path) -> None:
    """A key serves the use that the directory gives to it, and the hub uses none that is not listed as its own."""
    save_file(tmp_path / "a.pem", making.key(HUB, "receipt"))
    save_file(tmp_path / "b.pem", making.key(making.DYKE))
    keys = load_or_make(tmp_path, world("receipt"))
    assert keys.kid("receipt") == making.key(HUB, "receipt").kid
    others = {keys.kid(use) for use in USES if use != "receipt"}
    assert not others & {making.key(HUB, "receipt").kid, making.key(making.DYKE).kid}


@pytest.mark.parametrize("use", ["log", "webhook"])
def test_log_and_webhook_are_ed25519(tmp_path: Path, use: str) -> None:
    """Signed notes and Standard Webhooks have Ed25519 alone: another algorithm is told at the start."""
    other = making.key(HUB, use, alg="ES256")
    save_file(tmp_path / "key.pem", other)
    listed = making.directory(agencies={HUB: {"keys": [making.key_entry(other, use)]}})
    with pytest.raises(Broken, match="Ed25519"):
        load_or_make(tmp_path, listed)


def test_what_it_signs(tmp_path: Path) -> None:
    """Tokens and bytes are signed by the key of the use that is named, and by no other."""
    keys = load_or_make(tmp_path, making.directory())
    framed = jws.frame(keys.sign("receipt", "interagency-receipt+jwt", {"a": 1}), "interagency-receipt+jwt")
    assert framed.kid == keys.kid("receipt")
    assert keys.verify("receipt", framed.signing_input, framed.signature)
    assert not keys.verify("log", framed.signing_input, framed.signature)
    public = load_public(keys.keys["webhook"].jwk, "Ed25519")
    assert verify_signature(public, b"bytes", keys.sign_bytes("webhook", b"bytes"))


def test_the_logs_verifier_key(tmp_path: Path) -> None:
    """C2SP signed notes: name, the first four bytes of SHA-256(name, newline, algorithm, key), algorithm and key."""
    keys = load_or_make(tmp_path, making.directory())
    name, hashed, encoded = keys.verifier_key("hub.example/log").split("+", 2)
    assert name == "hub.example/log"
    assert len(bytes.fromhex(hashed)) == 4
    assert encoded.startswith("A")  # 0x01, the algorithm
