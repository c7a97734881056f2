"""`broker explain`: what was decided about an alert, rule by rule, on one screen."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.hub import Account
from broker.cli.options import DEFAULT_HUB, Agency, AsJson, AuthKey, Ca, HubUrl, Language, PassphraseFile, example
from broker.cli.output import plain, say, show_json, telling

if TYPE_CHECKING:
    from rich.table import Table

    from schemas.answers import ChangeTold, ClauseTold, DecisionTold, RuleTold

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
CLAUSES = {
    Language.EN: {
        "protocol": "protocol",
        "directory": "directory version",
        "agreement": "agreement",
        "charter": "charter of",
        "law": "law:",
        "caveat": "caveat",
        "mandate": "mandate of",
        "third-party-rule": "third-party rule of",
    },
    Language.VI: {
        "protocol": "giao thức",
        "directory": "danh bạ phiên bản",
        "agreement": "thỏa thuận",
        "charter": "điều lệ",
        "law": "căn cứ:",
        "caveat": "điều kiện riêng",
        "mandate": "thẩm quyền của",
        "third-party-rule": "quy tắc bên thứ ba của",
    },
}
NOT_COVERED = {Language.EN: "does not cover this", Language.VI: "không bao quát điều này"}
CHANGE = {
    Language.EN: (
        "Any one of these would alter it:",
        "No single change would alter it: rules {rules} stand in the way.",
    ),
    Language.VI: (
        "Chỉ cần một trong các điều sau là kết quả sẽ khác:",
        "Không thay đổi đơn lẻ nào làm kết quả khác đi: vướng các quy tắc {rules}.",
    ),
}
MOST_SHOWN = 5
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
    lang: Annotated[Language, typer.Option(help="In English or Vietnamese.")] = Language.EN,
    scope: Annotated[str, typer.Option(help="Inspectors ask with inspect.")] = "read",
    hub: HubUrl = DEFAULT_HUB,
    agency: Agency = None,
    auth_key: AuthKey = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Shows why a reader has an alert, or has it not: every rule of release, what it looked at, said, and rests on.

    The alert's originator and inspectors are also told the smallest change that would alter the outcome.
    """
    account = Account(hub, agency, auth_key, passphrase_file, ca, as_json)
    with telling(as_json=as_json), account.reader(scope) as client:
        answer = client.decisions(alert, subscription=subscription, agency=reader, changes=True, language=lang)
    if as_json:
        show_json(answer.model_dump(mode="json", exclude_unset=True))
        return
    if not answer.decisions:
        say(NOTHING[lang])
        return
    from rich.console import Console

    console = Console()
    for decision in answer.decisions:
        console.print(table(decision, lang))
        if decision.changes is not None:
            console.print(changes_told(decision.changes, decision.rules, lang), highlight=False, markup=False)


def changes_told(changes: "Sequence[ChangeTold]", rules: "Sequence[RuleTold]", lang: Language) -> str:
    """What would alter the outcome, the smallest first."""
    some, none = CHANGE[lang]
    if not changes:
        return none.format(rules=", ".join(str(rule.rule) for rule in rules if rule.said == "fail") or "-") + "\n"
    return "\n".join([some, *(f"  - {plain(each.change)}" for each in changes[:MOST_SHOWN])]) + "\n"


def table(decision: "DecisionTold", lang: Language) -> "Table":
    """One decision as a table; what was not met stands out, and rules that had nothing to say are named below."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    parts = f" ({', '.join(decision.parts)})" if decision.outcome == "part" else ""
    outcome = OUTCOMES[lang][decision.outcome] + parts
    about = " ".join(filter(None, (decision.agency, decision.subscription)))
    title = escape(f"{about}  {outcome}  {decision.at}")
    shown = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE)
    for heading in HEADINGS[lang]:
        shown.add_column(heading, overflow="fold")
    for rule in decision.rules:
        if rule.said in VERDICTS[lang]:
            name = f"{rule.rule:2} {RULES[lang][rule.rule - 1]}"
            beside = " · ".join(filter(None, (_looked_at(rule.looked_at), _rests_on(rule.rests_on, lang))))
            why = Text(f"{rule.because}\n").append(beside, style="dim")
            style = "bold red" if rule.said == "fail" else ""
            shown.add_row(Text(name), Text(VERDICTS[lang][rule.said]), why, style=style)
    silent = [str(rule.rule) for rule in decision.rules if rule.said not in VERDICTS[lang]]
    if silent:
        shown.caption = f"{SILENT[lang]} {', '.join(silent)}"
    return shown


def _rests_on(clauses: "Sequence[ClauseTold]", lang: Language) -> str:
    return "; ".join(_clause(each, lang) for each in clauses)


def _clause(clause: "ClauseTold", lang: Language) -> str:
    reference = f" ({_short(clause.reference)})" if clause.reference else ""
    lacks = f", {NOT_COVERED[lang]}" if clause.covers is False else ""
    return f"{CLAUSES[lang].get(clause.kind, clause.kind)} {clause.name}{reference}{lacks}"


def _looked_at(facts: Mapping[str, object]) -> str:
    """Without what is empty; digests by their beginning."""
    return ", ".join(f"{name}: {_short(value)}" for name, value in facts.items() if value not in ([], (), {}, None))


def _short(value: object) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"{text[:19]}…" if text.startswith("sha256:") else text
