"""Every code of protocol §4's table, provoked over HTTP; what each answer says, and what a refusal leaves behind."""

from typing import get_args

import httpx2
import pytest

from broker.errors import Code
from tests.integration.agencies import CONTENT, Json, World
from tests.integration.asking import Ask
from tests.integration.processes import Hub, until
from tests.integration.refusals import ELSEWHERE, SET_ERROR, STATUS, Row, rows

ROWS = list(rows())
VIETNAMESE = set("ăâđêôơưạảấầẩậắằặẹẻếềểệỉịọỏốồổộớờởợụủứừửựỳáàãéèíìóòõúùý")


def _id(row: Row) -> str:
    return str(row).replace(" ", "-")


@pytest.mark.parametrize("row", ROWS, ids=_id)
def test_each_code_is_told_and_leaves_nothing_else_behind(row: Row, hub: Hub, world: World) -> None:
    """A refusal is the problem that protocol §4 describes, a count under its code, and a log line without content."""
    ask = row.provoke(hub, world)
    before, read = hub.figure("broker_refused_total", code=row.code), len(hub.lines())
    answer = ask.send(hub)
    if row.by == "a SET" and row.code in SET_ERROR:
        _check_set_error(answer, row.code)
    else:
        _check_problem(answer, row.code)
    assert hub.figure("broker_refused_total", code=row.code) == before + 1
    _check_log(hub, read, row.code, answer, ask)


@pytest.mark.parametrize("row", [row for row in ROWS if row.twice and row.by != "a SET"], ids=_id)
def test_each_code_is_told_in_vietnamese_where_that_is_preferred(row: Row, hub: Hub, world: World) -> None:
    """`detail` and `title` are in the language of `Accept-Language`; nothing else of the problem differs."""
    ask = row.provoke(hub, world)
    english, vietnamese = (ask.send(hub, Accept_Language=tags) for tags in ("en, vi;q=0.9", "en;q=0.5, vi-VN"))
    one, other = _check_problem(english, row.code), _check_problem(vietnamese, row.code)
    for member in ("title", "detail"):
        assert VIETNAMESE & set(other[member].lower()), other
        assert not VIETNAMESE & set(one[member].lower()), one
    unlike = {"title", "detail", "instance"}
    assert {k: v for k, v in one.items() if k not in unlike} == {k: v for k, v in other.items() if k not in unlike}
    assert one["instance"] != other["instance"]
    if "vary" in english.headers:  # what is refused before the application reads it is never kept by anybody
        assert "accept-language" in english.headers["vary"].lower()


def test_the_table_is_complete() -> None:
    """Each code that the hub can tell is provoked here, or it is said where."""
    assert {row.code for row in ROWS} | set(ELSEWHERE) == set(get_args(Code))
    assert set(STATUS) == set(get_args(Code))


def test_the_codes_of_a_statement_are_provoked_by_every_form() -> None:
    """What a statement is refused for, it is refused for in each form that can carry it."""
    of_forms = {code: {row.by for row in ROWS if row.code == code} for code in SET_ERROR}
    for code, forms in of_forms.items():
        wanted = {"form A", "form D"} | (set() if code == "invalid-part" else {"form B", "a SET"})
        assert wanted <= forms, code


def test_unauthenticated_names_the_ways_to_sign_in(hub: Hub) -> None:
    """`401` comes with `WWW-Authenticate` (RFC 9110 §15.5.2), DPoP with its algorithms (RFC 9449 §7.1)."""
    said = hub.http.get("/v1/subscriptions").headers["www-authenticate"]
    assert 'DPoP algs="' in said
    assert "Bearer" in said


def _check_problem(answer: httpx2.Response, code: Code) -> Json:
    """RFC 9457 with the members of protocol §4."""
    assert answer.status_code == STATUS[code], answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: Json = answer.json()
    more = {"recall"} if code == "gone" else set()
    assert problem.keys() == {"type", "title", "status", "code", "detail", "errors", "instance"} | more
    assert problem["type"].endswith("/" + code)
    assert (problem["code"], problem["status"]) == (code, answer.status_code)
    assert problem["instance"].startswith("urn:uuid:")
    for fault in problem["errors"]:
        assert fault.keys() == {"path", "expected"}
        assert fault["path"] == "" or fault["path"].startswith("/")
        assert fault["expected"]
    for member in ("title", "detail"):
        assert problem[member]
    assert CONTENT not in answer.text
    return problem


def _check_set_error(answer: httpx2.Response, code: Code) -> None:
    """RFC 8935 §2.3, with the words of protocol §4."""
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"err", "description"}
    assert answer.json()["err"] == SET_ERROR[code]
    assert answer.json()["description"]


def _check_log(hub: Hub, read: int, code: Code, answer: httpx2.Response, ask: Ask) -> None:
    """One line of the refusal, which the instance finds; nothing of what was sent."""
    told = until(lambda: [line for line in hub.lines()[read:] if line["event"] == "refused"])
    assert [line["code"] for line in told] == [code]
    if "instance" in answer.text:
        assert told[0]["instance"] == answer.json()["instance"]
    text = hub.log.read_text("utf-8")
    sent = [ask.body.decode("utf-8", "replace"), *ask.headers.values()]
    secrets = [each for each in sent if len(each) > 40]
    for secret in (CONTENT, *(secret[:40] for secret in secrets), *(secret[-30:] for secret in secrets)):
        assert secret not in text
