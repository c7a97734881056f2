"""`broker audit`: how all deliveries ended, and what breaks a promise."""

from typing import TYPE_CHECKING

import typer

from broker.cli import options
from broker.cli.options import DEFAULT_DATA, example
from broker.cli.output import FAILED, show_json, telling

if TYPE_CHECKING:
    from pathlib import Path

    from broker.auditing import Audit

EXAMPLE = example("broker audit --data broker-data")
SHOWN = 20
"""Broken promises told to people; `--json` tells all."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLE)(audit)


def audit(
    data: options.Data = DEFAULT_DATA, redis_url: options.RedisUrl = None, as_json: options.AsJson = False
) -> None:
    """Sums up how every accepted alert ended for every subscription; 1 if one broke a promise."""
    import asyncio

    with telling(as_json=as_json):
        found = asyncio.run(_audit(data, redis_url))
    if as_json:
        ends = dict(sorted(found.ends.items()))
        show_json({"alerts": found.alerts, "unrouted": found.unrouted, "ends": ends, "broken": found.broken})
    else:
        _show(found)
    if found.broken:
        raise typer.Exit(FAILED)


async def _audit(data: "Path", redis_url: str | None) -> "Audit":
    from broker.auditing import audit as look
    from broker.cli.store import open_store

    async with open_store(data, redis_url) as store:
        return await look(store)


def _show(found: "Audit") -> None:
    print(f"{found.alerts} alerts accepted, {found.unrouted} not yet routed")
    for state, count in sorted(found.ends.items()):
        print(f"{count:>10} {state}")
    for each in found.broken[:SHOWN]:
        print(f"broken: {each}")
    if len(found.broken) > SHOWN:
        print(f"broken: {len(found.broken) - SHOWN} more; --json tells all")
    if not found.broken:
        print("nothing is broken")
