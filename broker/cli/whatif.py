"""`broker whatif`: who would get an alert that is not posted yet, and who would not."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.drafts import draft_of, object_in, read_bytes
from broker.cli.explain import OUTCOMES, changes_told
from broker.cli.hub import Account
from broker.cli.options import DEFAULT_HUB, Agency, AsJson, AuthKey, Ca, HubUrl, Language, PassphraseFile, example
from broker.cli.output import plain, say, show_json, telling
from broker.cli.sign import HideAddressing, Part

if TYPE_CHECKING:
    from rich.table import Table

    from broker.client import Draft, Signed
    from schemas.answers import WhatIfAnswer

EXAMPLE = example(
    "broker whatif flood.json --for vn.partner \\",
    "    --auth-key keys/vn.example.auth.pem",
)
HEADINGS = {Language.EN: ("agency", "outcome", "because"), Language.VI: ("cơ quan", "kết quả", "vì")}
NOT_TOLD = {
    Language.EN: "nothing is said of {}: you have no agreement or community with them",
    Language.VI: "không nói gì về {}: bạn không có thỏa thuận hay cộng đồng chung với họ",
}
NOBODY = {Language.EN: "nobody would get it", Language.VI: "không ai nhận được"}
MORE = {Language.EN: "{} more are not shown", Language.VI: "còn {} cơ quan không hiển thị"}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLE)(whatif)


def whatif(
    alert: Annotated[Path, typer.Argument(help="An event (JSON), or what `broker sign` wrote; - for stdin.")],
    part: Part = [],  # noqa: B006 - typer copies it
    hide_addressing: HideAddressing = False,
    for_: Annotated[str | None, typer.Option("--for", help="These agencies too, with commas.")] = None,
    purpose: Annotated[list[str], typer.Option(help="They ask for this alone; without it, for all.")] = [],  # noqa: B006 - typer copies it
    lang: Annotated[Language, typer.Option(help="In English or Vietnamese.")] = Language.EN,
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    auth_key: AuthKey = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Tells who would get an alert and who would not, by the rules that decide; nothing is posted or kept.

    Each agency is asked about as if it came by the best way. Contents of parts stay here.
    """
    account = Account(hub, agency, auth_key, passphrase_file, ca, as_json)
    named = [each.strip() for each in for_.split(",")] if for_ else []
    with telling(as_json=as_json):
        asked = _asked(alert, part, hide_addressing=hide_addressing, as_json=as_json)
        with account.reader("read") as client:
            answer = client.whatif(asked, agencies=named, purposes=purpose, language=lang)
    if as_json:
        show_json(answer.model_dump(mode="json", exclude_unset=True))
        return
    _show(answer, lang)


def _asked(alert: Path, part: list[str], *, hide_addressing: bool, as_json: bool) -> "Draft | Signed":
    from broker.client import load_signed

    data = read_bytes(alert, as_json=as_json)
    if data.lstrip().startswith(b"{") and "statement" not in (event := object_in(data, alert, as_json=as_json)):
        return draft_of(event, part, None, hide_addressing=hide_addressing, as_json=as_json)
    return load_signed(data)


def _show(answer: "WhatIfAnswer", lang: Language) -> None:
    from rich.console import Console

    if answer.agencies:
        Console().print(table(answer, lang))
    else:
        say(NOBODY[lang])
    if answer.not_told:
        say(NOT_TOLD[lang].format(", ".join(answer.not_told)))
    if answer.more:
        say(MORE[lang].format(answer.more))


def table(answer: "WhatIfAnswer", lang: Language) -> "Table":
    """An agency a row: what it would get, the rules that fail, and what would change that."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE)
    for heading in HEADINGS[lang]:
        shown.add_column(heading, overflow="fold")
    for each in answer.agencies:
        parts = f" ({', '.join(each.parts)})" if each.outcome == "part" else ""
        why = [f"{rule.rule} {plain(rule.because)}" for rule in each.rules if rule.said == "fail"]
        if each.outcome != "whole" and each.changes is not None:
            why.append(changes_told(each.changes, each.rules, lang))
        style = "" if each.outcome == "whole" else "bold red"
        shown.add_row(each.agency, Text(OUTCOMES[lang][each.outcome] + parts, style=style), Text("\n".join(why)))
    return shown
