"""`broker approve`, `consent`, `recall`, `erased`, `ack`: what an officer says of an alert that is there already."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from broker.cli.hub import Account
from broker.cli.options import DEFAULT_HUB, Agency, AsJson, Ca, HubUrl, Key, PassphraseFile, example
from broker.cli.output import show_json, telling
from broker.cli.post import waiting

KEY = "--key keys/vn.example.pem"
Alert = Annotated[str, typer.Argument(help="The alert's id.")]
By = Annotated[str | None, typer.Option("--by", help="The officer's code in the agency's register; never a name.")]
For = Annotated[str | None, typer.Option("--on-behalf-of", help="The agency that it is said for.")]
InStatus = Annotated[str, typer.Option("--status", help="That of the alert: actual, exercise or test.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    ids = "the ids are those that `broker post` and `broker tail` told"
    told: Mapping[Any, str] = {
        approve: example("broker approve $WAITING --key keys/second-officer.pem", where=ids),
        consent: example(f"broker consent $REQUEST --granted {KEY}", where=ids),
        recall: example(f"broker recall $ALERT {KEY}", where=ids),
        erased: example(f"broker erased $RECALL {KEY}", where=ids),
        ack: example(f"broker ack $ALERT acting --assessment useful {KEY}", where=ids),
    }
    for command, epilog in told.items():
        app.command(epilog=epilog)(command)


def approve(
    alert: Alert,
    by: By = None,
    on_behalf_of: For = None,
    status: InStatus = "actual",
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    key: Key = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Lets an alert go that waits for a second officer: with the key of another one than the first."""
    account = Account(hub, agency, key, passphrase_file, ca, as_json)
    _say(account, {"kind": "approve", "references": [alert], "status": status, "by": by, "on_behalf_of": on_behalf_of})


def consent(
    request: Annotated[str, typer.Argument(help="The id of the request that wants onward.")],
    granted: Annotated[bool, typer.Option("--granted/--refused", help="Whether whom it names may have the alert.")],
    by: By = None,
    on_behalf_of: For = None,
    status: InStatus = "actual",
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    key: Key = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Answers who asks to pass an alert on; the last answer counts, so that --refused takes a consent back."""
    account = Account(hub, agency, key, passphrase_file, ca, as_json)
    said = {"kind": "consent", "references": [request], "granted": granted}
    _say(account, said | {"status": status, "by": by, "on_behalf_of": on_behalf_of})


def recall(
    alert: Alert,
    by: By = None,
    on_behalf_of: For = None,
    status: InStatus = "actual",
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    key: Key = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Takes an alert back from all who were given it. There is no way back."""
    account = Account(hub, agency, key, passphrase_file, ca, as_json)
    _say(account, {"kind": "recall", "references": [alert], "status": status, "by": by, "on_behalf_of": on_behalf_of})


def erased(
    recall_: Annotated[str, typer.Argument(metavar="RECALL", help="The id of the recall.")],
    by: By = None,
    on_behalf_of: For = None,
    status: InStatus = "actual",
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    key: Key = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Tells the originator that what it recalled is erased here."""
    account = Account(hub, agency, key, passphrase_file, ca, as_json)
    said = {"kind": "erased", "references": [recall_]}
    _say(account, said | {"status": status, "by": by, "on_behalf_of": on_behalf_of})


def ack(
    alert: Alert,
    outcome: Annotated[str, typer.Argument(help="received, read, acting, cannot-act or disputes.")],
    assessment: Annotated[str | None, typer.Option(help="useful, false, duplicate, acted or seen.")] = None,
    by: By = None,
    on_behalf_of: For = None,
    status: InStatus = "actual",
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    key: Key = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Tells the originator what was done with an alert that was given to this agency."""
    account = Account(hub, agency, key, passphrase_file, ca, as_json)
    said = {"kind": "ack", "references": [alert], "outcome": outcome, "assessment": assessment}
    _say(account, said | {"status": status, "by": by, "on_behalf_of": on_behalf_of})


def _say(account: Account, event: Mapping[str, Any]) -> None:
    """Signs and posts it; what was not said is left out."""
    from broker.client import Draft

    stated = {name: value for name, value in event.items() if value is not None}
    with telling(as_json=account.as_json):
        signed = account.sign(Draft(stated))
        with account.poster() as client, waiting(f"posting {signed.id}", as_json=account.as_json):
            accepted = client.post(signed)
    if account.as_json:
        show_json(accepted.model_dump(mode="json"))
    else:
        print(f"{accepted.state} {accepted.id}\n  at {accepted.accepted_at}")
