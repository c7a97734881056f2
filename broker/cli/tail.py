"""`broker tail`: a subscription's stream, verified, a line each."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.hub import Account
from broker.cli.keys import load_opening
from broker.cli.opening import OpenWith
from broker.cli.options import (
    DEFAULT_HUB,
    WITH_SUBSCRIPTION,
    Agency,
    AsJson,
    AuthKey,
    Ca,
    HubUrl,
    Language,
    PassphraseFile,
    example,
)
from broker.cli.output import plain, say, show_json, telling

if TYPE_CHECKING:
    from broker.client import Received, ReceivedPart
    from broker.trust.sealing_keys import OpeningKey

EXAMPLE = example(
    "broker tail $SUBSCRIPTION --auth-key keys/vn.example.auth.pem \\",
    "    --keep-cursor flood.cursor",
    where=WITH_SUBSCRIPTION,
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLE)(tail)


def tail(
    subscription: Annotated[str, typer.Argument(help="Its id: sub_…")],
    after: Annotated[str | None, typer.Option(help="Begin after this cursor; else with the first owed.")] = None,
    keep_cursor: Annotated[
        Path | None, typer.Option(help="A file that remembers how far you are, and from which it goes on.")
    ] = None,
    count: Annotated[int | None, typer.Option(help="End after this many.", min=1)] = None,
    open_with: OpenWith = None,
    lang: Annotated[Language, typer.Option(help="The language of headlines, where there is a choice.")] = Language.EN,
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    auth_key: AuthKey = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Follows a subscription until you stop it.

    Each delivery's hub block, signature and parts are verified before its line is printed; one that fails ends the
    command. After a break it goes on exactly where it was; --keep-cursor makes that so from one run to the next, while
    without it the hub takes what it wrote for delivered, shown or not.
    """
    account = Account(hub, agency, auth_key, passphrase_file, ca, as_json)
    before: Received | None = None
    keys = () if open_with is None else (load_opening(open_with, passphrase_file, as_json=as_json),)
    with telling(as_json=as_json), account.reader() as client:
        start = after or _kept(keep_cursor)
        if keep_cursor is not None:
            _keep(keep_cursor, start or "")  # a folder that cannot be written to is told before anything is read
        for number, (cursor, received) in enumerate(client.stream(subscription, start), 1):
            if before is not None and (missing := received.missing(before)):
                say(f"positions {missing.start} to {missing.stop - 1} did not come: ask for their gaps")
            if as_json:
                show_json(told(received, cursor, keys))
            else:
                print("\n".join([line(received, lang), *sealed_lines(received, keys)]), flush=True)
            if keep_cursor is not None:
                _keep(keep_cursor, cursor)
            before = received
            if number == count:
                return


def line(received: "Received", lang: Language) -> str:
    """One delivery for people; what is not known stays out."""
    hub = received.hub
    said = received.said
    if not hasattr(said, "event"):
        return f"{hub.position or '-':>6}  {said.at}  notice: {said.alert} was {said.kind}"
    event = said.event
    words = [str(event.kind), str(event.status)]
    words += [
        str(value) for name in ("severity", "urgency", "domain", "outcome") if (value := getattr(event, name, None))
    ]
    headline = getattr(event, "headline", None) or {}
    text = headline.get(lang.value) or next(iter(headline.values()), "")
    kept_back = "" if hub.released == "whole" else f"  [in part: {', '.join(hub.released) or 'no part'}]"
    marked = f"  [{', '.join(hub.marked)}]" if hub.marked else ""
    if handling := getattr(event, "handling", None):
        words.append(f"TLP:{str(handling.tlp).upper()}")
    told = f"{hub.accepted_at}  {received.issuer}  {' '.join(words)}  {plain(text)}"
    return f"{hub.position or '-':>6}  {told}{kept_back}{marked}"


def sealed_lines(received: "Received", keys: "Sequence[OpeningKey]") -> Iterator[str]:
    """A line for each sealed part: its text where a key opens it, else why not."""
    from broker.client import NotOpened

    for id_, part in received.parts.items():
        if not part.sealed:
            continue
        try:
            data = part.open(*keys)
        except NotOpened as why:
            yield f"        {id_}: sealed, and not opened: {why}"
            continue
        text = plain(data.decode("utf-8", "replace").strip()) if part.type.startswith("text/") else part.type
        yield f"        {id_}: {text}"


def told(received: "Received", cursor: str, keys: "Sequence[OpeningKey]" = ()) -> dict[str, Any]:
    """The same for programs: what was said, and which parts came; their bytes stay with `GET /v1/alerts`, but for what
    was sealed and is opened here.
    """
    return {
        "cursor": cursor,
        "id": received.id,
        "issuer": received.issuer,
        "hub": received.hub.model_dump(mode="json", exclude_none=True),
        "said": received.said.model_dump(mode="json", exclude_none=True, by_alias=True),
        "parts": {
            id_: {"type": part.type, "size": len(part.data)} | _opened(part, keys)
            for id_, part in received.parts.items()
        },
    }


def _opened(part: "ReceivedPart", keys: "Sequence[OpeningKey]") -> dict[str, Any]:
    from broker.client import NotOpened
    from broker.trust.jws import encode

    if not part.sealed:
        return {}
    try:
        return {"sealed": True, "opened": encode(part.open(*keys))}
    except NotOpened:
        return {"sealed": True}


def _keep(path: Path, cursor: str) -> None:
    """In one step: a file that is there is whole."""
    new = path.with_name(path.name + ".new")
    new.write_text(cursor)
    new.replace(path)


def _kept(path: Path | None) -> str | None:
    return (path.read_text().strip() or None) if path is not None and path.exists() else None
