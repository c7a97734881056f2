"""`broker token`: named API tokens (protocol §6), for systems that can only hold a fixed one. The operator's side."""

import asyncio
import getpass
import hashlib
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from broker.cli.options import DEFAULT_DATA, WITH_SUBSCRIPTION, AsJson, Data, RedisUrl, example
from broker.cli.output import failed, say, show_json, telling
from broker.cli.store import open_store

if TYPE_CHECKING:
    from broker.ports.registers import ApiToken, Change

DAY_S = 86_400
EXAMPLE_ISSUE = example(
    "broker token issue --agency vn.example --subscription $SUBSCRIPTION \\",
    "    --name taxii --days 90",
    where=WITH_SUBSCRIPTION,
)
EXAMPLE_LIST = example("broker token list --agency vn.example")
EXAMPLE_REVOKE = example("broker token revoke --agency vn.example --name taxii")

TheAgency = Annotated[str, typer.Option("--agency", help="The agency that it reads for.")]
Name = Annotated[str, typer.Option("--name", help="What it is called, once in an agency.")]


def register(app: typer.Typer) -> None:
    """Adds the group of commands."""
    tokens = typer.Typer(help="API tokens: read-only, up to green, one subscription each.", no_args_is_help=True)
    tokens.command(epilog=EXAMPLE_ISSUE)(issue)
    tokens.command("list", epilog=EXAMPLE_LIST)(list_)
    tokens.command(epilog=EXAMPLE_REVOKE)(revoke)
    app.add_typer(tokens, name="token", epilog=EXAMPLE_ISSUE)


def issue(
    agency: TheAgency,
    subscription: Annotated[str, typer.Option(help="The one subscription that it can read.")],
    name: Name,
    days: Annotated[int, typer.Option(help="How long it is valid.", min=1, max=365)] = 90,
    data: Data = DEFAULT_DATA,
    redis_url: RedisUrl = None,
    as_json: AsJson = False,
) -> None:
    """Makes a token and shows it once; the hub keeps its hash alone."""
    with telling(as_json=as_json):
        token, expires = asyncio.run(_issue(data, redis_url, agency, subscription, name, days, as_json=as_json))
    if as_json:
        show_json({"token": token, "name": name, "expires": _date(expires)})
        return
    print(token)
    say(f"shown once; {name} reads {subscription} until {_date(expires)}")


def list_(agency: TheAgency, data: Data = DEFAULT_DATA, redis_url: RedisUrl = None, as_json: AsJson = False) -> None:
    """Lists an agency's tokens; the tokens themselves are not known any more."""
    with telling(as_json=as_json):
        held = asyncio.run(_held(data, redis_url, agency))
    if as_json:
        show_json([{"name": t.name, "subscription": t.subscription, "expires": _date(t.expires)} for t in held])
        return
    for token in held:
        state = "" if token.expires > time.time() else " (expired)"
        print(f"{token.name}: {token.subscription}, until {_date(token.expires)}{state}")


def revoke(
    agency: TheAgency, name: Name, data: Data = DEFAULT_DATA, redis_url: RedisUrl = None, as_json: AsJson = False
) -> None:
    """Ends a token at once."""
    with telling(as_json=as_json):
        asyncio.run(_revoke(data, redis_url, agency, name, as_json=as_json))
    if as_json:
        show_json({"revoked": name})
    else:
        print(f"revoked {name}")


async def _issue(
    data: Path, redis_url: str | None, agency: str, subscription: str, name: str, days: int, *, as_json: bool
) -> tuple[str, float]:
    from broker.api.caller import API_TOKEN_PREFIX
    from broker.ports.registers import ApiToken

    token = API_TOKEN_PREFIX + secrets.token_urlsafe(32)
    expires = time.time() + days * DAY_S
    async with open_store(data, redis_url) as store:
        held = await store.subscriptions.get(subscription)
        if held is None or held.agency != agency:
            raise failed("not-found", f"{agency} has no subscription {subscription}.", as_json=as_json)
        if any(each.name == name for each in await store.credentials.tokens(agency)):
            raise failed("exists", f"{agency} has a token {name}: revoke it first.", as_json=as_json)
        hashed = hashlib.sha256(token.encode()).hexdigest()
        await store.subscriptions.note(agency, _change("token issued", subscription, name))
        await store.credentials.add_token(ApiToken(hashed, name, agency, subscription, expires))
    return token, expires


async def _held(data: Path, redis_url: str | None, agency: str) -> "list[ApiToken]":
    async with open_store(data, redis_url) as store:
        return sorted(await store.credentials.tokens(agency), key=lambda token: token.name)


async def _revoke(data: Path, redis_url: str | None, agency: str, name: str, *, as_json: bool) -> None:
    async with open_store(data, redis_url) as store:
        named = [each for each in await store.credentials.tokens(agency) if each.name == name]
        if not named:
            raise failed("not-found", f"{agency} has no token {name}.", as_json=as_json)
        for token in named:
            await store.subscriptions.note(agency, _change("token revoked", token.subscription, name))
            await store.credentials.revoke_token(token.hash)


def _change(what: 'Literal["token issued", "token revoked"]', subscription: str, name: str) -> "Change":
    """For the history, before it is done: it may tell of what then failed, and never lacks what was done."""
    from broker.clock import system_clock, told
    from broker.ports.registers import Change

    return Change(told(system_clock()), f"operator:{getpass.getuser()}", what, subscription, token=name)


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
