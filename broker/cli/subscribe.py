"""`broker subscribe`, `subscriptions`, `unsubscribe`: what an agency asks for."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.drafts import read_json
from broker.cli.hub import Account
from broker.cli.options import (
    DEFAULT_HUB,
    WITH_SUBSCRIPTION,
    Agency,
    AsJson,
    AuthKey,
    Ca,
    HubUrl,
    PassphraseFile,
    example,
)
from broker.cli.output import plain, show_json, telling, without_none

if TYPE_CHECKING:
    from schemas.subscription import Subscription

EXAMPLE = example(
    "broker subscribe --adapter stream --purpose prevention --domain disaster \\",
    "    --auth-key keys/vn.example.auth.pem",
)
EXAMPLE_LIST = example("broker subscriptions --auth-key keys/vn.example.auth.pem")
EXAMPLE_END = example("broker unsubscribe $SUBSCRIPTION --auth-key keys/vn.example.auth.pem", where=WITH_SUBSCRIPTION)


class Order(StrEnum):
    """Whether what one issuer said comes in its order."""

    NONE = "none"
    ISSUER = "issuer"


def register(app: typer.Typer) -> None:
    """Adds the three commands."""
    app.command(epilog=EXAMPLE)(subscribe)
    app.command(epilog=EXAMPLE_LIST)(subscriptions)
    app.command(epilog=EXAMPLE_END)(unsubscribe)


def subscribe(
    adapter: Annotated[str, typer.Option(help="How it comes: stream or webhook.")] = "stream",
    purpose: Annotated[list[str], typer.Option(help="What it is used for; repeat it.")] = ["prevention"],  # noqa: B006 - typer copies it
    domain: Annotated[list[str] | None, typer.Option(help="A domain and all below it; repeat it.")] = None,
    severity: Annotated[str | None, typer.Option(help="At least this.")] = None,
    urgency: Annotated[str | None, typer.Option(help="At least this.")] = None,
    area: Annotated[list[str] | None, typer.Option(help="An ISO 3166 code, such as VN-13; repeat it.")] = None,
    issuer: Annotated[list[str] | None, typer.Option(help="A selector; repeat it.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="alert, update …; repeat it.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Without it, actual alone; repeat it.")] = None,
    product: Annotated[list[str] | None, typer.Option(help="warning, forecast …; repeat it.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="A language tag; repeat it.")] = None,
    url: Annotated[str | None, typer.Option(help="Of a webhook.")] = None,
    signing: Annotated[str | None, typer.Option(help="Of a webhook: v1a (a key) or v1 (a secret).")] = None,
    name: Annotated[str | None, typer.Option(help="What you call it.")] = None,
    order: Annotated[Order, typer.Option(help="Keep the order of each issuer.")] = Order.NONE,
    own: Annotated[bool, typer.Option("--own", help="Your own alerts too.")] = False,
    from_file: Annotated[Path | None, typer.Option("--from", help="All of it as JSON instead (protocol §6).")] = None,
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    auth_key: AuthKey = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Asks for what you may have, from now on.

    What is left out does not restrict. The secret of a v1 webhook is shown once.
    """
    wanted = without_none(
        {
            "domains": domain,
            "severity": severity,
            "urgency": urgency,
            "areas": None if area is None else [{"iso": code} for code in area],
            "issuers": issuer,
            "kinds": kind,
            "status": status,
            "products": product,
            "languages": language,
        }
    )
    new: dict[str, Any] = {
        "adapter": adapter,
        "purpose": purpose,
        "filter": wanted,
        "order": order.value,
        "own": own,
        "settings": without_none({"url": url, "signing": signing}),
    } | without_none({"name": name})
    account = Account(hub, agency, auth_key, passphrase_file, ca, as_json)
    with telling(as_json=as_json):
        if from_file is not None:
            new = read_json(from_file, as_json=as_json)
        with account.reader() as client:
            made = client.subscribe(new)
    if as_json:
        show_json(made.model_dump(mode="json", exclude_none=True))
        return
    print(_line(made))
    if made.secret is not None:
        print(f"  secret, shown once: {made.secret}")


def subscriptions(
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    auth_key: AuthKey = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Lists your agency's subscriptions, and how they are doing."""
    account = Account(hub, agency, auth_key, passphrase_file, ca, as_json)
    with telling(as_json=as_json), account.reader() as client:
        held = client.subscriptions()
    if as_json:
        show_json([each.model_dump(mode="json", exclude_none=True) for each in held])
        return
    for each in held:
        print(_line(each))


def unsubscribe(
    subscription: Annotated[str, typer.Argument(help="Its id: sub_…")],
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    auth_key: AuthKey = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Ends a subscription; what is still owed to it is not delivered."""
    account = Account(hub, agency, auth_key, passphrase_file, ca, as_json)
    with telling(as_json=as_json), account.reader() as client:
        client.delete(subscription)
    if as_json:
        show_json({"ended": subscription})
    else:
        print(f"ended {subscription}")


def _line(held: "Subscription") -> str:
    health = held.health
    trouble = f", failing since {health.failing_since}: {health.last_error}" if health.failing_since else ""
    named = f" “{plain(held.name)}”" if held.name else ""
    return f"{held.id}{named}  {held.adapter}, {held.state}, {health.waiting} waiting{trouble}"
