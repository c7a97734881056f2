"""Private keys and their passphrases, for commands; neither is ever printed."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from broker.cli.output import FAILED, failed, say

if TYPE_CHECKING:
    from broker.trust.keys import PrivateKey

VARIABLE = "BROKER_PASSPHRASE"


def passphrase_for_new(file: Path | None, *, ask: bool) -> str | None:
    """The passphrase that a new key is encrypted with: of the file, the environment or, where wanted, the terminal."""
    stated = _stated(file)
    if stated is None and ask:
        stated = str(typer.prompt("Passphrase for the new keys", hide_input=True, confirmation_prompt=True, err=True))
    return stated


def load(path: Path | None, passphrase_file: Path | None, *, what: str, as_json: bool) -> "PrivateKey":
    """The key of a file; ends the command where there is none, or its passphrase is missing or wrong."""
    from broker.trust.keys import load_file

    if path is None:
        raise failed("no-key", f"This needs the agency's key of use {what}: give its file.", as_json=as_json)
    try:
        data = path.read_bytes()
    except OSError as why:
        raise failed("no-key", f"The key {path} cannot be read: {why.strerror}.", as_json=as_json) from None
    if path.stat().st_mode & 0o077:
        say(f"warning: others can read {path}: chmod 600 {path}")
    try:
        return load_file(path, _passphrase(path, data, passphrase_file))
    except ValueError:
        detail = f"The key {path} cannot be opened: another passphrase, or no key of Ed25519, P-256 or ML-DSA-65."
        raise failed("no-key", detail, as_json=as_json) from None


def _passphrase(path: Path, data: bytes, file: Path | None) -> str | None:
    if b"ENCRYPTED" not in data:
        return None
    stated = _stated(file)
    if stated is not None:
        return stated
    if not sys.stdin.isatty():
        say(f"no-key: the key {path} is encrypted: give --passphrase-file or {VARIABLE}")
        raise typer.Exit(FAILED)
    return str(typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))


def _stated(file: Path | None) -> str | None:
    if file is not None:
        return file.read_text().split("\n", 1)[0].rstrip("\r") or None
    return os.environ.get(VARIABLE) or None
