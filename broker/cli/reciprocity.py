"""`broker reciprocity`: what this agency gave and received."""

from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.hub import Account
from broker.cli.options import DEFAULT_HUB, Agency, AsJson, AuthKey, Ca, HubUrl, PassphraseFile, example
from broker.cli.output import plain, show_json, telling, used_wrongly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.answers import ExchangeTold, ReciprocityAnswer

EXAMPLE = example(
    "broker reciprocity --with vn.partner \\",
    "    --auth-key keys/vn.example.auth.pem",
)
ASSESSMENTS = ("useful", "false", "duplicate", "acted", "seen")
COLUMNS = ("agency", "with", "direction", "alerts", "in_part", "acknowledged", "due", "in_time", *ASSESSMENTS)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLE)(reciprocity)


def reciprocity(
    with_: Annotated[str | None, typer.Option("--with", help="An agency.")] = None,
    community: Annotated[str | None, typer.Option(help="A community: a row for each other member.")] = None,
    since: Annotated[str | None, typer.Option(help="A time with its offset; 30 days before --until.")] = None,
    until: Annotated[str | None, typer.Option(help="A time with its offset; now.")] = None,
    of: Annotated[str | None, typer.Option(help="Another agency's counts: for inspectors.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    auth_key: AuthKey = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Counts what was given and received: alerts, in part, acknowledged, in time, and as what they were assessed.

    Counted are actual alerts by when they were accepted, each once; never what was withheld.
    """
    if (with_ is None) == (community is None):
        raise used_wrongly("give either --with or --community")
    account = Account(hub, agency, auth_key, passphrase_file, ca, as_json)
    with telling(as_json=as_json), account.reader("inspect" if of else "read") as client:
        answer = client.reciprocity(with_=with_, community=community, agency=of, since=since, until=until)
    if as_json:
        show_json(answer.model_dump(mode="json"))
    elif csv:
        _write(answer)
    else:
        _show(answer)


def _rows(answer: "ReciprocityAnswer") -> "Iterator[tuple[str, ...]]":
    for pair in answer.pairs:
        for direction, told in (("given", pair.given), ("received", pair.received)):
            counts = (told.alerts, told.in_part, told.acknowledged, told.due, told.in_time)
            assessed = (told.assessments.get(each, 0) for each in ASSESSMENTS)
            yield (answer.agency, pair.agency, direction, *map(str, (*counts, *assessed)))


def _write(answer: "ReciprocityAnswer") -> None:
    """RFC 4180, with a row of names."""
    import csv
    import sys

    csv.writer(sys.stdout).writerows((COLUMNS, *_rows(answer)))


def _show(answer: "ReciprocityAnswer") -> None:
    print(plain(f"{answer.agency}, from {answer.since} to {answer.until}"))
    for pair in answer.pairs:
        print(plain(f"\n{pair.agency}"))
        for direction, told in (("given", pair.given), ("received", pair.received)):
            print(f"  {direction:<9} {_line(told)}")


def _line(told: "ExchangeTold") -> str:
    said = [f"{told.alerts} alerts, {told.in_part} in part", f"acknowledged {told.acknowledged}"]
    if told.due:
        said.append(f"in time {told.in_time} of {told.due}")
    said += [plain(f"{each} {number}") for each, number in told.assessments.items()]
    return "; ".join(said)
