"""`broker open`: one part of an alert, verified, and opened where it was sealed for you."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.hub import Account
from broker.cli.keys import load_opening
from broker.cli.options import DEFAULT_HUB, Agency, AsJson, AuthKey, Ca, HubUrl, PassphraseFile, example
from broker.cli.output import failed, say, show_json, telling

if TYPE_CHECKING:
    from broker.client import Received, ReceivedPart

EXAMPLE = example(
    "broker open $ALERT --part main --open-with keys/vn.example.seal.pem \\",
    "    --auth-key keys/vn.example.auth.pem --out opened",
    where="ALERT is an id, as `broker tail` shows it",
)
OpenWith = Annotated[
    Path | None,
    typer.Option("--open-with", envvar="BROKER_SEAL_KEY", help="Your key of use seal, for parts that are sealed."),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("open", epilog=EXAMPLE)(open_part)


def open_part(
    alert: Annotated[str, typer.Argument(help="The alert's id.")],
    part: Annotated[str, typer.Option(help="Which part.")] = "main",
    open_with: OpenWith = None,
    out: Annotated[Path | None, typer.Option(help="A new file for it; standard output.")] = None,
    purpose: Annotated[str | None, typer.Option(help="For what, where you have no subscription.")] = None,
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    auth_key: AuthKey = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Reads one part of an alert, as released to you and as its originator signed it.

    A sealed one is opened here, with your own key: the hub never had what is inside.
    """
    account = Account(hub, agency, auth_key, passphrase_file, ca, as_json)
    with telling(as_json=as_json):
        with account.reader("read") as client:
            received = client.alert(alert, purpose)
        found = _part(received, part, as_json=as_json)
        data = _opened(found, open_with, passphrase_file, as_json=as_json)
    if out is not None:
        _write_new(out, data, as_json=as_json)
    elif not as_json:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    if as_json:
        where = {"data": _encoded(data)} if out is None else {"file": str(out)}
        show_json({"id": received.id, "part": part, "type": found.type, "sealed": found.sealed, **where})
    elif out is not None:
        say(f"{part} ({found.type}, {len(data)} bytes): {out}")


def _part(received: "Received", part: str, *, as_json: bool) -> "ReceivedPart":
    if part in received.parts:
        return received.parts[part]
    shown = ", ".join(received.parts) or "none"
    raise failed("not-found", f"No part {part} was released to you; there are: {shown}.", as_json=as_json)


def _opened(part: "ReceivedPart", open_with: Path | None, passphrase_file: Path | None, *, as_json: bool) -> bytes:
    from broker.client import NotOpened

    if not part.sealed:
        return part.data
    key = load_opening(open_with, passphrase_file, as_json=as_json)
    try:
        return part.open(key)
    except NotOpened as why:
        raise failed("not-opened", f"The part cannot be opened: {why}.", as_json=as_json) from None


def _write_new(path: Path, data: bytes, *, as_json: bool) -> None:
    """Readable by its owner alone: what was sealed stays with whom it was sealed for."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise failed("exists", f"{path} exists; name another file.", as_json=as_json) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _encoded(data: bytes) -> str:
    from broker.trust.jws import encode

    return encode(data)
