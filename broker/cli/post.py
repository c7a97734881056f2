"""`broker post`: an alert to the hub, signed now or before."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.drafts import draft_of, object_in, read_bytes
from broker.cli.hub import Account
from broker.cli.options import DEFAULT_HUB, Agency, AsJson, AuthKey, Ca, HubUrl, Key, PassphraseFile, example
from broker.cli.output import show_json, telling, used_wrongly
from broker.cli.sealing import SealFor, SealFrom, Sealing
from broker.cli.sign import HideAddressing, Part, Txn

if TYPE_CHECKING:
    from broker.client import Signed

EXAMPLE = example(
    "broker post flood.envelope",
    "broker post flood.json --part flood.xml,language=vi --key keys/vn.example.pem",
    where="flood.envelope is what `broker sign` wrote",
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLE)(post)


def post(
    alert: Annotated[Path, typer.Argument(help="An event to sign (JSON), or what `broker sign` wrote; - for stdin.")],
    part: Part = [],  # noqa: B006 - typer copies it
    txn: Txn = None,
    hide_addressing: HideAddressing = False,
    seal_for: SealFor = None,
    seal_from: SealFrom = None,
    form: Annotated[str | None, typer.Option(help="A, B or D (protocol §4); the leanest that fits.")] = None,
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    key: Key = None,
    auth_key: AuthKey = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Posts an alert, and ends once the hub has it on disk.

    The same bytes are sent again while the hub is busy or gives no answer: nothing is delivered twice. To be able to
    repeat after a failure, sign first and post the envelope.
    """
    account = Account(hub, agency, key, passphrase_file, ca, as_json)
    sealing = Sealing(seal_for, seal_from, Account(hub, agency, auth_key, passphrase_file, ca, as_json))
    with telling(as_json=as_json):
        signed = _signed(account, alert, part, txn, hide_addressing=hide_addressing, sealing=sealing)
        with account.poster() as client, waiting(f"posting {signed.id}", as_json=as_json):
            try:
                accepted = client.post(signed, form)
            except ValueError as why:
                raise used_wrongly(f"--form {form}: {why}") from None
    if as_json:
        show_json(accepted.model_dump(mode="json"))
    else:
        print(f"{accepted.state} {accepted.id}\n  at {accepted.accepted_at}\n  statement {accepted.statement}")


def waiting(what: str, *, as_json: bool) -> AbstractContextManager[Any]:
    """A sign of life on standard error, for as long as it takes."""
    from rich.console import Console

    return nullcontext() if as_json else Console(stderr=True).status(what)


def _signed(
    account: Account, alert: Path, part: list[str], txn: str | None, *, hide_addressing: bool, sealing: Sealing
) -> "Signed":
    """An event is signed now; what has a statement, or is one, was signed before."""
    from broker.client import load_signed

    as_json = account.as_json
    data = read_bytes(alert, as_json=as_json)
    if data.lstrip().startswith(b"{") and "statement" not in (event := object_in(data, alert, as_json=as_json)):
        draft = draft_of(event, part, txn, hide_addressing=hide_addressing, as_json=as_json, sealing=sealing)
        return account.sign(draft)
    if part or txn or hide_addressing or sealing.agencies:
        raise used_wrongly("what is signed already takes no --part, --txn, --hide-addressing or --seal-for")
    return load_signed(data)
