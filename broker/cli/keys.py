"""Private keys and their passphrases, for commands; neither is ever printed."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from broker.cli.output import failed

if TYPE_CHECKING:
    from broker.trust.keys import PrivateKey
    from broker.trust.sealing_keys import OpeningKey

VARIABLE = "BROKER_PASSPHRASE"
OTHERS = 0o077


def passphrase_for_new(file: Path | None, *, ask: bool, as_json: bool) -> str | None:
    """The passphrase that a new key is encrypted with: of the file, the environment or, where wanted, the terminal."""
    stated = _stated(file, as_json=as_json)
    if stated is None and ask:
        if not sys.stdin.isatty():
            detail = f"There is no terminal to ask at for a passphrase: give --passphrase-file or {VARIABLE}."
            raise failed("no-passphrase", detail, as_json=as_json)
        stated = str(typer.prompt("Passphrase for the new keys", hide_input=True, confirmation_prompt=True, err=True))
    return stated


def load(path: Path | None, passphrase_file: Path | None, *, what: str, as_json: bool) -> "PrivateKey":
    """The key of a file; ends the command where there is none, others can read it, or its passphrase is wrong."""
    from broker.trust.keys import load_file

    options = {"auth": "--auth-key (BROKER_AUTH_KEY)", "registrar": "--key"}
    option = options.get(what, "--key (BROKER_KEY)")
    passphrase = _read(path, passphrase_file, what=what, option=option, as_json=as_json)
    assert path is not None  # noqa: S101 - it was read
    try:
        return load_file(path, passphrase)
    except ValueError:
        raise _unusable(path, passphrase, "Ed25519, P-256 or ML-DSA-65", as_json=as_json) from None


def load_opening(path: Path | None, passphrase_file: Path | None, *, as_json: bool) -> "OpeningKey":
    """The key of use `seal` of a file, in the same way."""
    from broker.trust.sealing_keys import load_file

    option = "--open-with (BROKER_SEAL_KEY)"
    passphrase = _read(path, passphrase_file, what="seal", option=option, as_json=as_json)
    assert path is not None  # noqa: S101 - it was read
    try:
        return load_file(path, passphrase)
    except ValueError:
        raise _unusable(path, passphrase, "X25519 or P-256", as_json=as_json) from None


def _read(path: Path | None, passphrase_file: Path | None, *, what: str, option: str, as_json: bool) -> str | None:
    """The passphrase of a file that is there and is its owner's alone; None where it is not encrypted."""
    if path is None:
        detail = f"This needs the agency's key of use {what}: give its file with {option}."
        raise failed("no-key", detail, as_json=as_json)
    try:
        data = path.read_bytes()
    except OSError as why:
        detail = f"The key {path} cannot be read: {why.strerror}. Give its file with {option}."
        raise failed("no-key", detail, as_json=as_json) from None
    if path.stat().st_mode & OTHERS:
        raise failed("open-key", f"Others can read the key {path}: chmod 600 {path}", as_json=as_json)
    return _passphrase(path, data, passphrase_file, as_json=as_json)


def _unusable(path: Path, passphrase: str | None, kinds: str, *, as_json: bool) -> typer.Exit:
    wrong = "that is not its passphrase" if passphrase else f"it is no private key of {kinds}"
    return failed("no-key", f"The key {path} cannot be opened: {wrong}.", as_json=as_json)


def _passphrase(path: Path, data: bytes, file: Path | None, *, as_json: bool) -> str | None:
    if b"ENCRYPTED" not in data:
        return None
    stated = _stated(file, as_json=as_json)
    if stated is not None:
        return stated
    if not sys.stdin.isatty():
        detail = f"The key {path} is encrypted: give --passphrase-file or {VARIABLE}."
        raise failed("no-passphrase", detail, as_json=as_json)
    return str(typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))


def _stated(file: Path | None, *, as_json: bool) -> str | None:
    """An empty one is refused: whoever gives a passphrase does not want a key without."""
    stated = os.environ.get(VARIABLE)
    if file is not None:
        stated = file.read_text(errors="replace").split("\n", 1)[0].rstrip("\r")
    if stated == "":
        where = f"the first line of {file}" if file else VARIABLE
        raise failed("no-passphrase", f"The passphrase is empty: look at {where}.", as_json=as_json)
    return stated
