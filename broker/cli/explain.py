"""`broker explain`: what was decided about an alert, rule by rule, on one screen."""

from collections.abc import Mapping
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
HEADINGS = {Language.EN: ("rule", "said", "because"), Language.VI: ("quy tắc", "kết quả", "vì")}
VERDICTS = {Language.EN: {"pass": "pass", "fail": "fails"}, Language.VI: {"pass": "đạt", "fail": "không đạt"}}
SILENT = {Language.EN: "nothing to say: rules", Language.VI: "không liên quan: quy tắc"}
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
    """One decision as a table; what was not met stands out, and rules that had nothing to say are named below."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    parts = f" ({', '.join(decision.parts)})" if decision.outcome == "part" else ""
    outcome = OUTCOMES[lang][decision.outcome] + parts
    title = escape(f"{decision.subscription}  {outcome}  {decision.at}")
    shown = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE)
    for heading in HEADINGS[lang]:
        shown.add_column(heading, overflow="fold")
    for rule in decision.rules:
        if rule.said in VERDICTS[lang]:
            name = f"{rule.rule:2} {RULES[lang][rule.rule - 1]}"
            why = Text(f"{rule.because}\n").append(_looked_at(rule.looked_at), style="dim")
            style = "bold red" if rule.said == "fail" else ""
            shown.add_row(Text(name), Text(VERDICTS[lang][rule.said]), why, style=style)
    silent = [str(rule.rule) for rule in decision.rules if rule.said not in VERDICTS[lang]]
    if silent:
        shown.caption = f"{SILENT[lang]} {', '.join(silent)}"
    return shown


def _looked_at(facts: Mapping[str, object]) -> str:
    """Without what is empty; digests by their beginning."""
    return ", ".join(f"{name}: {_short(value)}" for name, value in facts.items() if value not in ([], (), {}, None))


def _short(value: object) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"{text[:19]}…" if text.startswith("sha256:") else text
