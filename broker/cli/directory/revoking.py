"""`broker directory revoke`: the compromise drill."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import options
from broker.cli.directory.places import refusing, snapshot_at
from broker.cli.options import DEFAULT_DATA, DEFAULT_DIRECTORY, example
from broker.cli.output import failed, plain, say, show_json, used_wrongly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from broker.compromise import Affected
    from broker.drill import Drill, Outcome

EXAMPLE = example(
    "broker directory revoke $KID --since 2026-11-24T08:00:00+07:00 --directory directory --data broker-data",
    where="KID is the key's, as the directory lists it",
)


def register(group: typer.Typer) -> None:
    """Adds the command."""
    group.command(epilog=EXAMPLE)(revoke)


def revoke(
    kid: Annotated[str, typer.Argument(help="The key's kid.")],
    since: Annotated[str, typer.Option(help="Since when others may have had it: a time with its offset.")],
    recall: Annotated[bool, typer.Option("--recall", help="Recall each alert as well, for its issuer.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is shown, and asked at a terminal.")] = False,
    data: options.Data = DEFAULT_DATA,
    directory: options.Directory = DEFAULT_DIRECTORY,
    hub_keys: options.HubKeysFolder = None,
    redis_url: options.RedisUrl = None,
    as_json: options.AsJson = False,
) -> None:
    """Lists each alert that a stolen key signed, and whom it reached; then revokes the key and tells all of them.

    The directory's record gets `revoked`; where hubs go by signed versions it tells what to write there. Each alert
    is suspended and goes to nobody any more, and whoever was given it is told so. A repeated command adds nothing.
    """
    import asyncio

    from broker.drill import Drill
    from schemas.base import instant

    try:
        begin = instant(since)
    except ValueError:
        raise used_wrongly(f"--since {since}: expected a time with its offset, as 2026-11-24T08:00:00+07:00") from None
    with refusing(as_json=as_json):
        before = snapshot_at(directory)
        record = before.key(kid)
        if record is None:
            raise failed("unknown-key", f"{kid} is no key of the directory in {directory}.", as_json=as_json)
        if record.agency == before.hub:
            detail = "It is this hub's own: move it out of its folder, and start the hub, which then makes another."
            raise failed("hub-key", detail, as_json=as_json)
        drill = Drill(directory, hub_keys or data / "hub-keys", before, record, begin, recall)
        outcome = asyncio.run(_run(drill, data, redis_url, yes=yes, as_json=as_json))
    if as_json:
        show_json(_told(drill, outcome))
    else:
        _show_outcome(drill, outcome)


async def _run(drill: "Drill", data: Path, redis_url: str | None, *, yes: bool, as_json: bool) -> "Outcome":
    from broker.cli.store import open_store
    from broker.drill import Outcome

    async with open_store(data, redis_url) as store:
        found = await drill.look(store)
        if not as_json:
            _show(drill, found)
        if not (yes or _confirmed(found, recall=drill.recall, as_json=as_json)):
            return Outcome(done=False, affected=tuple(found))
        return await drill.run(store)


def _confirmed(found: "Sequence[Affected]", *, recall: bool, as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        return False
    done = "suspend and recall" if recall else "suspend"
    return typer.confirm(f"Revoke the key, {done} {len(found)} alerts, and tell their receivers?", err=True)


def _show(drill: "Drill", found: "Sequence[Affected]") -> None:
    print(plain(f"key {drill.record.kid} of {drill.record.agency} ({drill.record.use})"))
    print(f"signed {len(found)} alerts since {_time(drill.since)}, given to {len(_agencies(found))} agencies")
    for each in found:
        label = each.label
        print()
        print(plain(f"{label.id}  {label.kind} {label.status}, accepted {label.accepted_at}{_state(each)}"))
        if label.references:
            print(plain(f"  about {', '.join(label.references)}"))
        for receiver in each.receivers:
            print(plain(f"  given to {receiver.agency:<24} {receiver.how:<8} {receiver.at}  {receiver.subscription}"))
        if each.owed:
            print(plain(f"  waits for {', '.join(each.owed)}"))
        if not each.receivers:
            print("  given to nobody")


def _state(each: "Affected") -> str:
    words = [word for word, so in (("suspended", each.marked), ("recalled", each.recalled)) if so]
    return f", {' and '.join(words)} already" if words else ""


def _show_outcome(drill: "Drill", outcome: "Outcome") -> None:
    if not outcome.done:
        say("nothing was changed: --yes revokes the key, suspends these alerts and tells their receivers")
        return
    print()
    if outcome.written:
        force = "in force" if outcome.in_force else "no hub has taken it yet"
        print(plain(f"directory: {', '.join(map(str, outcome.written))}, version {outcome.version} ({force})"))
    elif outcome.to_write:
        print("directory: signed, so its registrars must publish this, under the key; until then the hub takes alerts:")
        print(plain(f"  revoked: {{at: '{outcome.to_write['at']}', compromised_since: '{_time(drill.since)}'}}"))
    else:
        print("directory: it says so already")
    print(f"suspended {outcome.marked} alerts, recalled {outcome.recalled}; the hub tells whoever was given them")
    if lasting := [each.label for each in outcome.affected if each.label.kind in ("cancel", "recall", "update")]:
        print(f"{len(lasting)} of them ended other alerts, which stay ended: their issuer says those again")


def _told(drill: "Drill", outcome: "Outcome") -> dict[str, Any]:
    return {
        "kid": drill.record.kid,
        "agency": drill.record.agency,
        "since": _time(drill.since),
        "done": outcome.done,
        "directory": {
            "written": [str(path) for path in outcome.written],
            "version": outcome.version,
            "in_force": outcome.in_force,
            "to_write": outcome.to_write,
        },
        "suspended": outcome.marked,
        "recalled": outcome.recalled,
        "agencies": _agencies(outcome.affected),
        "alerts": [_alert(each) for each in outcome.affected],
    }


def _alert(each: "Affected") -> dict[str, Any]:
    label = each.label
    return {
        "alert": label.id,
        "kind": label.kind,
        "status": label.status,
        "iat": label.iat,
        "accepted_at": label.accepted_at,
        "references": list(label.references),
        "suspended": each.marked,
        "recalled": each.recalled,
        "receivers": [
            {"agency": one.agency, "subscription": one.subscription or None, "how": one.how, "at": one.at}
            for one in each.receivers
        ],
        "owed": list(each.owed),
    }


def _agencies(found: "Sequence[Affected]") -> list[str]:
    return sorted({receiver.agency for each in found for receiver in each.receivers})


def _time(moment: "datetime") -> str:
    from broker.clock import told

    return told(moment)
