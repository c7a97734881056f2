"""Private keys and their passphrases."""

import pytest

from tests.cli.workplace import Workplace

NETWORK = ("--network", "https://nts.example/vn", "--agency", "vn.example")


def _signs(place: Workplace, key: str, *more: str, ends: int = 0, **variables: str) -> str:
    reference = "vn.mae/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"
    place.write("ack.json", {"kind": "ack", "status": "actual", "references": [reference], "outcome": "read"})
    return place.run("sign", "ack.json", "--key", key, *NETWORK, *more, ends=ends, **variables).err


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256", "ML-DSA-65"])
def test_a_key_of_each_algorithm_signs(own: Workplace, algorithm: str) -> None:
    """A key that keygen made signs, with a passphrase that came from a file and one from the environment."""
    own.write("pass", "cơn bão số 9\nsecond line\n")
    own.run("keygen", "--agency", "vn.example", "--use", "statement", "--alg", algorithm, "--passphrase-file", "pass")
    assert "ENCRYPTED" in (own.folder / "vn.example.pem").read_text()
    assert not _signs(own, "vn.example.pem", "--passphrase-file", "pass")
    assert not _signs(own, "vn.example.pem", BROKER_PASSPHRASE="cơn bão số 9")


def test_a_wrong_passphrase_is_told(own: Workplace) -> None:
    """Of an encrypted key: that it is not its passphrase, or that one is needed; the passphrase is not shown."""
    own.run("keygen", "--agency", "vn.example", BROKER_PASSPHRASE="right")
    told = _signs(own, "vn.example.pem", ends=1, BROKER_PASSPHRASE="guessed")
    assert told == "no-key: The key vn.example.pem cannot be opened: that is not its passphrase.\n"
    assert "give --passphrase-file or BROKER_PASSPHRASE" in _signs(own, "vn.example.pem", ends=1)


@pytest.mark.parametrize("first_line", ["", "\n", "\nsecond"])
def test_an_empty_passphrase_makes_no_open_key(own: Workplace, first_line: str) -> None:
    """Whoever gives a passphrase never gets a key without one."""
    own.write("pass", first_line)
    done = own.run("keygen", "--agency", "vn.example", "--passphrase-file", "pass", ends=1)
    assert "The passphrase is empty" in done.err
    assert not list(own.folder.glob("*.pem"))


def test_a_passphrase_is_asked_for_twice_at_a_terminal(own: Workplace) -> None:
    """With --encrypt it is typed unseen and repeated; one that is repeated wrongly is asked for again."""
    typed = ["bí mật", "khác", "bí mật", "bí mật"]
    code, shown = own.at_terminal("keygen", "--agency", "vn.example", "--encrypt", typed=typed)
    assert code == 0
    assert "bí mật" not in shown
    assert not _signs(own, "vn.example.pem", BROKER_PASSPHRASE="bí mật")


def test_a_passphrase_is_asked_for_when_a_key_needs_one(own: Workplace) -> None:
    """At a terminal, an encrypted key asks for its passphrase."""
    own.run("keygen", "--agency", "vn.example", BROKER_PASSPHRASE="bí mật")
    _signs(own, "vn.example.pem", BROKER_PASSPHRASE="bí mật")
    code, shown = own.at_terminal(
        "sign", "ack.json", "--key", "vn.example.pem", *NETWORK, "--out", "signed", typed=["bí mật"]
    )
    assert code == 0, shown
    assert "Passphrase of vn.example.pem:" in shown


def test_without_a_terminal_nothing_is_asked(own: Workplace) -> None:
    """--encrypt in a script is refused, with what to give instead."""
    done = own.run("keygen", "--agency", "vn.example", "--encrypt", ends=1)
    assert done.err.startswith("no-passphrase: There is no terminal")


def test_a_passphrase_is_no_option(own: Workplace) -> None:
    """No command takes a passphrase as an argument, where other users of the machine would see it."""
    for command in ("keygen", "sign", "post", "subscribe", "tail", "explain"):
        assert "--passphrase " not in own.run(command, "--help").out


def test_a_second_key_leaves_the_first_alone(own: Workplace) -> None:
    """`broker keygen` makes all keys or none: where one exists, nothing is written."""
    own.run("keygen", "--agency", "vn.example", "--use", "auth")
    before = (own.folder / "vn.example.auth.pem").read_text()
    done = own.run("keygen", "--agency", "vn.example", "--use", "statement", "--use", "auth", ends=1)
    assert "vn.example.auth.pem exists" in done.err
    assert (own.folder / "vn.example.auth.pem").read_text() == before
    assert not (own.folder / "vn.example.pem").exists()


def test_a_key_is_enrolled_by_its_proof(own: Workplace) -> None:
    """What keygen makes with --network is what enrol prints for the directory; for another agency it is refused."""
    uses = ("--use", "statement", "--use", "auth", "--use", "seal")
    made = own.run("keygen", "--agency", "vn.example", "--network", NETWORK[1], *uses, "--out", "keys", "--json").json
    agencies = [{"id": id_, "tier": "state", "active": True} for id_ in ("vn.hub", "vn.example", "vn.partner")]
    whole = {"network": NETWORK[1], "version": 1, "hub": "vn.hub", "agencies": agencies}
    own.write("directory/directory.json", whole)
    for agency, ends in (("vn.example", 0), ("vn.partner", 1)):
        words = ("directory", "enrol", *made["proofs"], "--agency", agency)
        told = own.run(*words, "--json", ends=ends).json
        if ends:
            assert told["code"] == "agency"
        else:
            assert told["keys"] == [each["record"] for each in made["keys"]]
            assert "# for the directory: under the agency vn.example" in own.run(*words).out
    agencies[1]["keys"] = [each["record"] for each in made["keys"]]
    own.write("directory/directory.json", whole)
    again = own.run("directory", "enrol", *made["proofs"], "--agency", "vn.example", "--json", ends=1).json
    assert again["code"] == "reused"


def test_a_key_to_seal_with_is_vouched_for(own: Workplace) -> None:
    """Without a statement key, made with it or given, no proof of it can be made, and no key is left behind."""
    own.run("keygen", "--agency", "vn.example")
    words = ("keygen", "--agency", "vn.example", "--use", "seal", *NETWORK[:2])
    assert "--statement-key" in own.run(*words, ends=2).err
    assert not list(own.folder.glob("*seal*"))
    own.run(*words, "--statement-key", "vn.example.pem")
    assert (own.folder / "vn.example.seal.proof").read_text().count(".") == 2
