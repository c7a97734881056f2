"""`broker sign`: a statement and its parts, as an envelope that can be posted later, and again."""

import os
from pathlib import Path
from typing import Annotated

import typer

from broker.cli.drafts import draft_of, read_json
from broker.cli.hub import Account
from broker.cli.options import DEFAULT_HUB, Agency, AsJson, AuthKey, Ca, HubUrl, Key, PassphraseFile, example
from broker.cli.output import failed, say, show_json, telling
from broker.cli.sealing import SealFor, SealFrom, Sealing

EXAMPLE = example(
    "broker sign flood.json --part flood.xml,language=vi \\",
    "    --key keys/vn.example.pem --out flood.envelope",
)

Event = Annotated[Path, typer.Argument(help="The event: a JSON object with kind, product, domain …; - for stdin.")]
Part = Annotated[
    list[str],
    typer.Option(
        "--part", help="A file to go with it: FILE or ID=FILE, then ,type=… and ,language=…; the first is main."
    ),
]
Txn = Annotated[str | None, typer.Option("--txn", help="The event in the world that several alerts are about.")]
HideAddressing = Annotated[
    bool, typer.Option("--hide-addressing", help="Put the addressing into a part that readers never see.")
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLE)(sign)


def sign(
    event: Event,
    part: Part = [],  # noqa: B006 - typer copies it
    txn: Txn = None,
    hide_addressing: HideAddressing = False,
    seal_for: SealFor = None,
    seal_from: SealFrom = None,
    out: Annotated[Path | None, typer.Option(help="Where the envelope goes; standard output.")] = None,
    network: Annotated[
        str | None, typer.Option(envvar="BROKER_NETWORK", help="The network's URI; without it the hub is asked.")
    ] = None,
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    key: Key = None,
    auth_key: AuthKey = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Signs an alert, and checks it as the hub would; nothing is sent.

    Post the envelope within five minutes. With --agency and --network no hub is needed.
    """
    account = Account(hub, agency, key, passphrase_file, ca, as_json)
    sealing = Sealing(seal_for, seal_from, Account(hub, agency, auth_key, passphrase_file, ca, as_json))
    with telling(as_json=as_json):
        said = read_json(event, as_json=as_json)
        draft = draft_of(said, part, txn, hide_addressing=hide_addressing, as_json=as_json, sealing=sealing)
        signed = account.sign(draft, network)
    if out is not None:
        _write_new(out, signed.envelope(), as_json=as_json)
    if as_json:
        where = {"envelope": signed.envelope().decode()} if out is None else {"file": str(out)}
        show_json({"id": signed.id, "statement": signed.digest, **where})
    elif out is None:
        print(signed.envelope().decode())
    else:
        say(f"signed {signed.id}: {out}")


def _write_new(path: Path, data: bytes, *, as_json: bool) -> None:
    """Readable by its owner alone: it holds salts, and content that others may not have."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise failed("exists", f"{path} exists; name another file.", as_json=as_json) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
