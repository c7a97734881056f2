"""`broker explain`: what was decided about an alert, rule by rule, on one screen."""

from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.hub import Account
from broker.cli.options import DEFAULT_HUB, Agency, AsJson, AuthKey, Ca, HubUrl, Language, PassphraseFile, example
from broker.cli.output import say, show_json, telling

if TYPE_CHECKING:
    from rich.table import Table

    from schemas.answers import DecisionTold

EXAMPLE = example(
    "broker explain $ALERT --lang vi --auth-key keys/vn.example.auth.pem",
    where="ALERT is the id that `broker post` told",
)

RULES = {
    Language.EN: (
        "an active reader",
        "recalled, ended",
        "status",
        "not_to",
        "addressing",
        "TLP",
        "community's charter",
        "agreement",
        "purpose",
        "personal data",
        "caveats",
        "the way it travels",
        "served by the hub",
        "derived from others",
        "parts",
    ),
    Language.VI: (
        "bên nhận đang hoạt động",
        "thu hồi, đã kết thúc",
        "trạng thái",
        "not_to",
        "địa chỉ nhận",
        "TLP",
        "điều lệ cộng đồng",
        "thỏa thuận",
        "mục đích",
        "dữ liệu cá nhân",
        "điều kiện riêng",
        "đường truyền",
        "thuộc trạm phục vụ",
        "bắt nguồn từ bản tin khác",
        "các phần",
    ),
}
"""The fifteen rules of release (protocol §9), each in a few words."""
HEADINGS = {
    Language.EN: ("rule", "about", "said", "because", "looked at"),
    Language.VI: ("quy tắc", "về", "kết quả", "vì", "đã xem"),
}
OUTCOMES = {
    Language.EN: {"whole": "released whole", "part": "released in part", "withheld": "withheld"},
    Language.VI: {"whole": "chuyển toàn bộ", "part": "chuyển một phần", "withheld": "giữ lại"},
}
NOTHING = {
    Language.EN: "nothing was decided about it that you may see",
    Language.VI: "không có quyết định nào mà bạn được xem",
}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLE)(explain)


def explain(
    alert: Annotated[str, typer.Argument(help="The alert's id.")],
    subscription: Annotated[str | None, typer.Option(help="For this subscription alone.")] = None,
    reader: Annotated[str | None, typer.Option(help="For the subscriptions of this agency alone.")] = None,
    lang: Annotated[Language, typer.Option(help="The language of the headings.")] = Language.EN,
    scope: Annotated[str, typer.Option(help="Inspectors ask with inspect.")] = "read",
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    auth_key: AuthKey = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Shows why a reader has an alert, or has it not: every rule of release, and what it said."""
    account = Account(hub, agency, auth_key, passphrase_file, ca, as_json)
    with telling(as_json=as_json), account.reader(scope) as client:
        answer = client.decisions(alert, subscription=subscription, agency=reader)
    if as_json:
        show_json(answer.model_dump(mode="json"))
        return
    if not answer.decisions:
        say(NOTHING[lang])
        return
    from rich.console import Console

    console = Console()
    for decision in answer.decisions:
        console.print(table(decision, lang))


def table(decision: "DecisionTold", lang: Language) -> "Table":
    """One decision as a table; what was not met stands out."""
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    parts = f" ({', '.join(decision.parts)})" if decision.outcome == "part" else ""
    outcome = OUTCOMES[lang][decision.outcome] + parts
    shown = Table(title=escape(f"{decision.subscription}: {outcome}, {decision.at}"), title_justify="left")
    for heading in HEADINGS[lang]:
        shown.add_column(heading, overflow="fold")
    for rule in decision.rules:
        looked_at = ", ".join(f"{name}: {_short(value)}" for name, value in rule.looked_at.items())
        style = "" if rule.said == "pass" else "bold red" if rule.said == "withhold" else "yellow"
        cells = (str(rule.rule), RULES[lang][rule.rule - 1], rule.said, rule.because, looked_at)
        shown.add_row(*(Text(cell) for cell in cells), style=style)
    return shown


def _short(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
