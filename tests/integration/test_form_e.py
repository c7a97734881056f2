"""Form E over HTTP: envelopes, one a line, each as strict as a post of its own (protocol §4)."""

import json
from collections.abc import Sequence
from itertools import islice

import httpx2
import pytest

from tests.integration.agencies import HEALTH, Json, Part, World, alert, claims
from tests.integration.asking import Ask, form_b, form_d, id_of, sign_in
from tests.integration.processes import Hub
from tests.integration.refusals import Row, rows

LINES = "application/x-ndjson"
UNLIKE = {"instance"}
OF_HEADERS = {"header-too-large", "unsupported-media-type"}
BY_ENVELOPE = [row for row in rows() if row.by.startswith("form D") and row.twice and row.code not in OF_HEADERS]


def batch(*lines: bytes, end: bytes = b"\n") -> Ask:
    """A post of these lines."""
    return Ask("POST", "/v1/alerts", {"Content-Type": LINES}, b"\n".join(lines) + end)


def line(world: World, event: Json | None = None, **changes: object) -> bytes:
    """An envelope without parts, signed now."""
    return form_d(world.signed(claims(event or alert(), **changes))).body


def said(answer: httpx2.Response) -> Sequence[Json]:
    """The answer's lines."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == LINES
    assert answer.content.endswith(b"\n")
    return [json.loads(each) for each in answer.content[:-1].split(b"\n")]


@pytest.mark.parametrize("row", BY_ENVELOPE, ids=lambda row: str(row).replace(" ", "-"))
def test_a_line_is_refused_as_a_post_of_its_own_would_be(row: Row, hub: Hub, world: World) -> None:
    """The problem is the same, member by member; the lines beside it are accepted."""
    alone = row.provoke(hub, world)
    before = hub.figure("broker_refused_total", code=row.code)
    first, refused, last = said(batch(line(world), alone.body, line(world)).send(hub))
    assert hub.figure("broker_refused_total", code=row.code) == before + 1
    assert first["state"] == last["state"] == "accepted"
    assert (refused["code"], refused["status"]) == (row.code, refused["status"])
    single = alone.send(hub)
    assert single.status_code == refused["status"]
    assert _without(refused, UNLIKE) == _without(single.json(), UNLIKE)


def _without(problem: Json, names: set[str]) -> Json:
    return {name: value for name, value in problem.items() if name not in names}


def test_each_line_has_its_answer_in_its_place(hub: Hub, world: World) -> None:
    """A hundred lines get a hundred answers in their order; what a single post of one gets is the same answer."""
    tokens = [world.signed(claims(alert())) for _ in range(100)]
    answers = said(batch(*(form_d(token).body for token in tokens)).send(hub))
    assert [answer["id"] for answer in answers] == [id_of({"statement": token}) for token in tokens]
    assert form_b(tokens[41]).send(hub).json() == answers[41]


def test_a_batch_that_comes_again_is_answered_alike(hub: Hub, world: World) -> None:
    """The same lines: the same bytes, and nothing is accepted twice."""
    again = batch(*(line(world) for _ in range(3)))
    first, before = again.send(hub), hub.figure("broker_accepted_total")
    assert again.send(hub).content == first.content
    assert hub.figure("broker_accepted_total") == before


def test_the_same_line_twice_in_a_batch_is_one_alert(hub: Hub, world: World) -> None:
    """Both places tell the one answer."""
    twice = line(world)
    one, other = said(batch(twice, twice).send(hub))
    assert one == other


def test_a_line_may_refer_to_one_before_it(hub: Hub, world: World) -> None:
    """An alert, its update and its cancel arrive together: each is durable before the next is asked about."""
    first = claims(alert())
    second = claims(alert(kind="update", references=[first["jti"]]))
    third = claims({"kind": "cancel", "status": "actual", "references": [second["jti"]]})
    lines = [form_d(world.signed(each)).body for each in (first, second, third)]
    assert [answer.get("state") for answer in said(batch(*lines).send(hub))] == ["accepted"] * 3


def test_a_line_may_not_refer_to_one_after_it(hub: Hub, world: World) -> None:
    """What is not there yet is unknown."""
    first = claims(alert())
    second = claims(alert(kind="update", references=[first["jti"]]))
    lines = [form_d(world.signed(each)).body for each in (second, first)]
    refused, accepted = said(batch(*lines).send(hub))
    assert refused["code"] == "outside-mandate"
    assert accepted["state"] == "accepted"


def test_the_log_has_the_order_of_the_lines(hub: Hub, world: World) -> None:
    """A reader gets what an issuer sent in one batch in the order in which it listed it."""
    reader = sign_in(hub, world, HEALTH)
    subscription = reader.subscribe()
    sent = [claims(alert(severity="minor", urgency="future")) for _ in range(70)]
    said(batch(*(form_d(world.signed(each)).body for each in sent)).send(hub))
    with reader.stream(subscription) as envelopes:
        assert [id_of(each) for each in islice(envelopes, 70)] == [each["jti"] for each in sent]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_the_last_line_may_go_without_its_end(end: bytes, hub: Hub, world: World) -> None:
    """One line is one answer, with or without a line feed after it."""
    assert len(said(batch(line(world), end=end).send(hub))) == 1


def test_an_empty_line_is_a_malformed_one(hub: Hub, world: World) -> None:
    """It has its answer too, so that answers can be counted off against lines."""
    first, empty, last = said(batch(line(world), b"", line(world)).send(hub))
    assert empty["code"] == "malformed"
    assert first["state"] == last["state"] == "accepted"


@pytest.mark.parametrize("odd", [b"\xff\xfe", b"[]", b"null", b"{}", b'{"statement": 1}', b"\xef\xbb\xbf{}"], ids=repr)
def test_a_line_that_is_no_envelope_is_malformed(odd: bytes, hub: Hub, world: World) -> None:
    """Whatever stands in it, it costs its neighbours nothing."""
    refused, accepted = said(batch(odd, line(world)).send(hub))
    assert refused["code"] == "malformed"
    assert accepted["state"] == "accepted"


def test_more_than_a_thousand_lines_are_too_many(hub: Hub) -> None:
    """The batch is refused as a whole, and nothing of it is read."""
    answer = batch(*(b"{}" for _ in range(1_001))).send(hub)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_a_thousand_lines_are_not_too_many(hub: Hub) -> None:
    """Each is answered."""
    assert len(said(batch(*(b"{}" for _ in range(1_000))).send(hub))) == 1_000


def test_more_than_eight_mebibytes_are_too_large(hub: Hub) -> None:
    """However few lines they are."""
    answer = batch(b'"' + b"x" * 8_388_608 + b'"').send(hub)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_a_line_is_no_larger_than_an_envelope(hub: Hub, world: World) -> None:
    """Form E takes nothing that form D refuses for its size."""
    parts = [Part(bytes(700_000), "application/octet-stream", id=f"p{number}") for number in range(6)]
    token = world.signed(claims(alert(parts=[part.described() for part in parts])))
    large = form_d(token, *parts)
    assert large.send(hub).json()["code"] == "too-large"
    refused, accepted = said(batch(large.body, line(world)).send(hub))
    assert refused["code"] == "too-large"
    assert accepted["state"] == "accepted"


def test_problems_of_lines_are_told_in_the_language_that_was_asked_for(hub: Hub) -> None:
    """As those of single posts are."""
    (refused,) = said(batch(b"").send(hub, Accept_Language="vi"))
    assert refused["title"] == "Sai khuôn dạng"


def test_parts_travel_in_lines(hub: Hub, world: World) -> None:
    """A line is a whole envelope, with its parts."""
    part = Part()
    token = world.signed(claims(alert(parts=[part.described()])))
    (answer,) = said(batch(form_d(token, part).body).send(hub))
    assert answer["state"] == "accepted"


def test_an_empty_batch_has_no_answers(hub: Hub) -> None:
    """No line, no answer."""
    answer = batch(end=b"").send(hub)
    assert (answer.status_code, answer.content) == (200, b"")
