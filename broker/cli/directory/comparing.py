"""`broker directory diff`: what a change would newly allow and newly forbid."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import options
from broker.cli.directory.places import refusing, snapshot_at
from broker.cli.options import DEFAULT_DATA, AsJson, example
from broker.cli.output import plain, show_json

if TYPE_CHECKING:
    from broker.foreseeing import Foreseen
    from broker.policy.differences import Change, Difference
    from broker.trust.directory import Snapshot

EXAMPLE = example("broker directory diff published directory")
Place = Annotated[Path, typer.Argument(help="A folder of YAML or of signed versions, or one file.", exists=True)]


def register(group: typer.Typer) -> None:
    """Adds the command."""
    group.command(epilog=EXAMPLE)(diff)


def diff(
    old: Place,
    new: Place,
    days: Annotated[
        int | None, typer.Option(help="Also which alerts of the last days would go to whom, and no more.", min=1)
    ] = None,
    data: options.Data = DEFAULT_DATA,
    redis_url: options.RedisUrl = None,
    as_json: AsJson = False,
) -> None:
    """Tells what agencies may give and say under NEW and not under OLD, and the other way round.

    With --days it asks the function that decides, about each alert in the hub's store and each agency.
    """
    from broker.policy.differences import compare

    now = datetime.now(UTC)
    with refusing(as_json=as_json):
        before, after = snapshot_at(old), snapshot_at(new)
        change = compare(before, after, now)
        others = _entries(before, after)
        foreseen = None if days is None else asyncio.run(_foresee(before, after, days, data, redis_url))
    if as_json:
        show_json(_json(change, others, foreseen))
        return
    _show(change, others)
    if foreseen is not None:
        _show_foreseen(foreseen, days)


async def _foresee(
    old: "Snapshot", new: "Snapshot", days: int | None, data: Path, redis_url: str | None
) -> "list[Foreseen]":
    from broker.cli.store import open_store
    from broker.foreseeing import foresee

    now = datetime.now(UTC)
    async with open_store(data, redis_url) as store:
        return [each async for each in foresee(store, old, new, now - timedelta(days=days or 0), now)]


def _entries(old: "Snapshot", new: "Snapshot") -> list[str]:
    """Entries that are new, gone or changed, whether or not that allows or forbids something by itself."""
    told: list[str] = []
    before, after = (_named(each) for each in (old, new))
    told += [f"new: {name}" for name in after if name not in before]
    told += [f"gone: {name}" for name in before if name not in after]
    told += [f"changed: {name}" for name in after if name in before and before[name] != after[name]]
    return sorted(told)


def _named(snapshot: "Snapshot") -> dict[str, Any]:
    document = snapshot.document
    named: dict[str, Any] = {"registrars": document.registrars, "expires": document.expires, "hub": document.hub}
    for agency in document.agencies:
        named[f"agency {agency.id}"] = agency.model_copy(update={"keys": (), "mandates": ()})
        named |= {f"key {key.kid} ({key.use}) of {agency.id}": key for key in agency.keys}
    named |= {f"community {each.name}": each for each in document.communities}
    named |= {f"caveat {code}": selectors for code, selectors in document.caveats.items()}
    named |= {f"profile {domain}": profile for domain, profile in document.profiles.items()}
    named |= {f"delegation {each.from_} → {each.to}: {', '.join(each.domains)}": each for each in document.delegations}
    return {name: each for name, each in named.items() if each is not None}


def _show(change: "Change", others: Sequence[str]) -> None:
    for title, found in (("newly allowed", change.allowed), ("newly forbidden", change.forbidden)):
        for each in found:
            print(plain(f"{title}: {_line(each)}"))
    for entry in others:
        print(plain(entry))
    if change.empty and not others:
        print("nothing is different")


def _line(each: "Difference") -> str:
    what = "; ".join(
        f"{name} {', '.join(values)}" for name, values in each.what.items() if not _says_nothing(name, each)
    )
    return f"{each.from_} says {what}" if each.to is None else f"{each.from_} → {each.to}: {what}"


def _says_nothing(name: str, each: "Difference") -> bool:
    """Every onward rule: the terms do not ask."""
    return name == "onward" and len(each.what[name]) == 4


def _show_foreseen(foreseen: "Sequence[Foreseen]", days: int | None) -> None:
    for each in foreseen:
        print(plain(f"{each.alert} → {each.agency}: newly {each.becomes} (rule {each.rule})"))
    if not foreseen:
        print(f"no alert of the last {days} days would go to others")


def _json(change: "Change", others: Sequence[str], foreseen: "list[Foreseen] | None") -> dict[str, Any]:
    told: dict[str, Any] = {
        "allowed": [{"from": each.from_, "to": each.to, **each.what} for each in change.allowed],
        "forbidden": [{"from": each.from_, "to": each.to, **each.what} for each in change.forbidden],
        "entries": list(others),
    }
    if foreseen is not None:
        told["alerts"] = [
            {"alert": each.alert, "agency": each.agency, "becomes": each.becomes, "rule": each.rule}
            for each in foreseen
        ]
    return told
