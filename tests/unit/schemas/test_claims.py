"""What a statement may say (protocol §2 and §2.1): one row a rule, with the path that a refusal names."""

from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.base import instant
from schemas.faults import faults, pointer
from schemas.reading import read
from schemas.statement import ALERT_EVENT, BREAK_GLASS, KINDS, NOTICE_EVENT, Claims, Notice
from schemas.terms import Kind

ID = "vn.mae.dyke/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"
EVENT = "/events/https:~1~1interagency-broker.example~1ns~1alert~11"
NO_REASONS: tuple[Any, ...] = (
    None,
    "now",
    {},
    {"reason": ""},
    {"reason": " \n"},
    {"reason": 1},
    {"reason": "a" * 301},
    {"reason": "e\u0301"},
    {"reason": "now", "by": "me"},
)
RING = [[20.9, 106.9], [21.4, 106.9], [21.4, 107.9], [20.9, 106.9]]


def _part(**changes: Any) -> dict[str, Any]:
    return {"id": "main", "type": "text/plain", "size": 1, "digest": "sha256:" + "0a" * 32, **changes}


def _handling(**changes: Any) -> dict[str, Any]:
    whole = {"tlp": "amber", "onward": "none", "purpose": ["prevention"], "personal_data": "none", **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def test_minimal(claims, refusals, kinds):
    """Each kind is accepted with the members that its row requires, and no others."""
    assert {kind: refusals(claims(kind)) for kind in kinds} == {kind: [] for kind in kinds}
    assert set(kinds) == {kind.value for kind in KINDS} == {kind.value for kind in Kind}


REQUIRED = {
    "alert": "product domain urgency severity certainty expires handling addressing headline status",
    "update": "product domain urgency severity certainty expires handling addressing headline references status",
    "cancel": "references status",
    "request": "domain urgency severity certainty expires handling addressing headline wants respond_by status",
    "ack": "references outcome status",
    "error": "references outcome status",
    "reply": "references outcome status",
    "approve": "references status",
    "consent": "references granted status",
    "recall": "references status",
    "erased": "references status",
    "challenge": "references outcome status",
}


@pytest.mark.parametrize(("kind", "member"), [(k, m) for k, members in REQUIRED.items() for m in members.split()])
def test_required(claims, refusals, kind, member):
    """A member that the kind's row requires is asked for by its path when it is missing, and when it is null."""
    assert [path for path, _ in refusals(claims(kind, **{member: ...}))] == [f"/{member}"]
    assert [path for path, _ in refusals(claims(kind, **{member: None}))] == [f"/{member}"]


SITUATION = {
    "domain": "crime.fraud", "urgency": "past", "severity": "minor", "certainty": "likely",
    "expires": "2026-11-22T20:00:00Z", "effective": "2026-11-22T08:00:00Z", "onset": "2026-11-22T08:00:00Z",
    "areas": [{"iso": "VN"}],
}  # fmt: skip
CONTENT = {
    "headline": {"vi": "Tin"}, "parts": [_part()], "handling": _handling(), "addressing": {"to": ["vn.moh"]},
}  # fmt: skip
ROWS = {
    "alert": {"product", *SITUATION, *CONTENT},
    "update": {"product", "references", *SITUATION, *CONTENT},
    "cancel": {"product", "references", *SITUATION, *CONTENT},
    "request": {"wants", "respond_by", *SITUATION, *CONTENT},
    "ack": {"references", "outcome", "assessment"},
    "error": {"references", "outcome"},
    "reply": {"references", "outcome", *CONTENT},
    "approve": {"references"},
    "consent": {"references", "granted"},
    "recall": {"references"},
    "erased": {"references"},
    "challenge": {"references", "outcome"},
}
EVERYTHING = {
    "product": "report", "references": [ID], "wants": ["assistance"], "respond_by": "2026-11-22T20:00:00Z",
    "onward_to": ["vn.moh"], "outcome": "read", "assessment": "useful", "granted": True,
    **SITUATION, **CONTENT,
}  # fmt: skip


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("member", EVERYTHING)
def test_only_its_row(claims, refusals, kind, member):
    """A kind has the members of its row; any other is refused by its path."""
    refused = [path for path, _ in refusals(claims(kind, **{member: EVERYTHING[member]})) if path == f"/{member}"]
    outcome_of_another = member == "outcome" and kind in {"error", "reply", "challenge"}
    assert bool(refused) is (member not in ROWS[kind] or outcome_of_another)


@pytest.mark.parametrize("kind", ROWS)
def test_common_members(claims, refusals, kind):
    """All kinds may have by, on_behalf_of, refs, ext, txn and toe."""
    ext = {"urn:x:y": None, BREAK_GLASS: {"reason": "ế" * 300}}
    common = {"by": "officer-0412", "on_behalf_of": "vn.quangninh", "refs": {"ours": "1"}, "ext": ext}
    stated = claims(kind, **common) | {"txn": "vn.mae.dyke/flood-17", "toe": 1_795_308_200}
    assert refusals(stated) == []


def test_full(claims, refusals, full):
    """An alert with every member is accepted, and comes back from its own JSON as it was."""
    stated = claims(**full)
    assert refusals(stated) == []
    made = Claims.from_claims(stated)
    assert Claims.model_validate_json(made.model_dump_json()) == made
    assert made.issuer == "vn.quangninh"


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    # terms
    ("alert", {"kind": "advice"}, "/kind"),
    ("alert", {"kind": 7}, "/kind"),
    ("alert", {"status": "Actual"}, "/status"),
    ("alert", {"product": "rumour"}, "/product"),
    ("alert", {"domain": "astrology"}, "/domain"),
    ("alert", {"domain": "astrology.flood"}, "/domain"),
    ("alert", {"domain": "Disaster"}, "/domain"),
    ("alert", {"domain": "disaster..flood"}, "/domain"),
    ("alert", {"urgency": "Immediate"}, "/urgency"),
    ("alert", {"severity": 4}, "/severity"),
    ("alert", {"certainty": "very likely"}, "/certainty"),
    # times
    ("alert", {"expires": "2026-11-22T20:00:00"}, "/expires"),
    ("alert", {"expires": "2026-11-22 20:00:00Z"}, "/expires"),
    ("alert", {"expires": "2026-02-30T20:00:00Z"}, "/expires"),
    ("alert", {"expires": "2026-11-22T24:00:00Z"}, "/expires"),
    ("alert", {"expires": "2026-11-22T20:00:00+0700"}, "/expires"),
    ("alert", {"expires": "٢٠٢٦-11-22T20:00:00Z"}, "/expires"),
    ("alert", {"expires": 1_795_309_200}, "/expires"),
    ("alert", {"effective": "soon"}, "/effective"),
    ("alert", {"onset": "0000-01-01T00:00:00Z"}, "/onset"),
    ("request", {"respond_by": "tomorrow"}, "/respond_by"),
    # areas
    ("alert", {"areas": {}}, "/areas"),
    ("alert", {"areas": [{}]}, "/areas/0"),
    ("alert", {"areas": [{"place": "VN"}]}, "/areas/0"),
    ("alert", {"areas": [{"iso": "VNM"}]}, "/areas/0/iso"),
    ("alert", {"areas": [{"iso": "vn-13"}]}, "/areas/0/iso"),
    ("alert", {"areas": [{"iso": "VN", "circle": [1.0, 2.0, 3.0]}]}, "/areas/0/circle"),
    ("alert", {"areas": [{"iso": "VN", "name": {}}]}, "/areas/0/name"),
    ("alert", {"areas": [{"polygon": RING[:3]}]}, "/areas/0/polygon"),
    ("alert", {"areas": [{"polygon": [*RING[:3], [0, 0]]}]}, "/areas/0/polygon/3"),
    ("alert", {"areas": [{"polygon": [RING[0], [91, 0], *RING[2:]]}]}, "/areas/0/polygon/1/0"),
    ("alert", {"areas": [{"polygon": [RING[0], [0, 181], *RING[2:]]}]}, "/areas/0/polygon/1/1"),
    ("alert", {"areas": [{"polygon": [RING[0], ["20", 106], *RING[2:]]}]}, "/areas/0/polygon/1/0"),
    ("alert", {"areas": [{"polygon": [RING[0] for _ in range(2001)]}]}, "/areas/0/polygon"),
    ("alert", {"areas": [{"circle": [20.9, 106.9]}]}, "/areas/0/circle/2"),
    ("alert", {"areas": [{"circle": [20.9, 106.9, 0]}]}, "/areas/0/circle/2"),
    ("alert", {"areas": [{"circle": [20.9, 106.9, 20_041]}]}, "/areas/0/circle/2"),
    ("alert", {"areas": [{"geocode": {"system": "UGC"}}]}, "/areas/0/geocode/value"),
    ("alert", {"areas": [{"iso": "VN"}] * 257}, "/areas"),
    # headline
    ("alert", {"headline": {}}, "/headline"),
    ("alert", {"headline": "Lũ"}, "/headline"),
    ("alert", {"headline": {"vi": ""}}, "/headline/vi"),
    ("alert", {"headline": {"vi": "x" * 301}}, "/headline/vi"),
    ("alert", {"headline": {"vi": "Lu\u0303"}}, "/headline/vi"),
    ("alert", {"headline": {"tiếng": "Lũ"}}, "/headline/tiếng"),
    ("alert", {"headline": {"a/b~c": "Lũ"}}, "/headline/a~1b~0c"),
    # who
    ("alert", {"by": "Nguyễn Văn A"}, "/by"),
    ("alert", {"by": "x" * 65}, "/by"),
    ("alert", {"on_behalf_of": "vn.*"}, "/on_behalf_of"),
    ("alert", {"on_behalf_of": "@public"}, "/on_behalf_of"),
    ("alert", {"on_behalf_of": "a.b.c.d.e.f.g.h.i"}, "/on_behalf_of"),
    ("alert", {"refs": {"theirs": "1"}}, "/refs/theirs"),
    ("alert", {"refs": {"ours": "x" * 257}}, "/refs/ours"),
    # handling
    ("alert", {"handling": _handling(tlp=...)}, "/handling/tlp"),
    ("alert", {"handling": _handling(onward=...)}, "/handling/onward"),
    ("alert", {"handling": _handling(purpose=...)}, "/handling/purpose"),
    ("alert", {"handling": _handling(personal_data=...)}, "/handling/personal_data"),
    ("alert", {"handling": _handling(tlp="white")}, "/handling/tlp"),
    ("alert", {"handling": _handling(purpose=[])}, "/handling/purpose"),
    ("alert", {"handling": _handling(purpose=["curiosity"])}, "/handling/purpose/0"),
    ("alert", {"handling": _handling(legal_basis={"instrument": "ND 278"})}, "/handling/legal_basis/article"),
    ("alert", {"handling": _handling(erase_after="2027")}, "/handling/erase_after"),
    ("alert", {"handling": _handling(person={"neutrality": "yes"})}, "/handling/person/neutrality"),
    ("alert", {"handling": _handling(person={"name": "…"})}, "/handling/person/name"),
    ("alert", {"handling": _handling(evaluation={"scheme": "stars"})}, "/handling/evaluation/scheme"),
    (
        "alert",
        {"handling": _handling(evaluation={"scheme": "europol", "source": "D", "information": "1"})},
        "/handling/evaluation/source",
    ),
    (
        "alert",
        {"handling": _handling(evaluation={"scheme": "admiralty", "source": "A", "information": "7"})},
        "/handling/evaluation/information",
    ),
    ("alert", {"handling": _handling(derived_from=["x"])}, "/handling/derived_from/0"),
    # addressing
    ("alert", {"addressing": {}}, "/addressing/to"),
    ("alert", {"addressing": {"to": "vn.moh"}}, "/addressing/to"),
    ("alert", {"addressing": {"to": ["*"]}}, "/addressing/to/0"),
    ("alert", {"addressing": {"to": ["vn.*.x"]}}, "/addressing/to/0"),
    ("alert", {"addressing": {"to": ["@vn.*"]}}, "/addressing/to/0"),
    ("alert", {"addressing": {"to": ["VN.moh"]}}, "/addressing/to/0"),
    ("alert", {"addressing": {"to": [], "cc": []}}, "/addressing/cc"),
    # parts
    ("alert", {"parts": [_part(), _part()]}, "/parts/1"),
    ("alert", {"parts": [_part(id="a/b")]}, "/parts/0/id"),
    ("alert", {"parts": [_part(type="pdf")]}, "/parts/0/type"),
    ("alert", {"parts": [_part(size=-1)]}, "/parts/0/size"),
    ("alert", {"parts": [_part(size=1.0)]}, "/parts/0/size"),
    ("alert", {"parts": [_part(digest="sha256:" + "0A" * 32)]}, "/parts/0/digest"),
    ("alert", {"parts": [_part(digest="0a" * 32)]}, "/parts/0/digest"),
    ("alert", {"parts": [_part(language="v")]}, "/parts/0/language"),
    ("alert", {"parts": [_part(sealed="false")]}, "/parts/0/sealed"),
    ("alert", {"parts": [_part(handling={"tlp": "grey"})]}, "/parts/0/handling/tlp"),
    ("alert", {"parts": [_part(salt="x")]}, "/parts/0/salt"),
    ("alert", {"addressing": ..., "parts": [_part(id="addressing")]}, "/parts/0/type"),
    # references and what goes with them
    ("alert", {"references": [ID]}, "/references"),
    ("update", {"references": []}, "/references"),
    ("update", {"references": [ID.upper()]}, "/references/0"),
    ("update", {"references": ["vn.mae.dyke/1"]}, "/references/0"),
    ("cancel", {"references": []}, "/references"),
    ("ack", {"references": [ID, ID]}, "/references"),
    ("ack", {"outcome": "hit"}, "/outcome"),
    ("ack", {"assessment": "nonsense"}, "/assessment"),
    ("error", {"outcome": "received"}, "/outcome"),
    ("reply", {"outcome": "maybe"}, "/outcome"),
    ("challenge", {"outcome": "withdrawn"}, "/outcome"),
    ("consent", {"granted": "true"}, "/granted"),
    ("recall", {"headline": {"vi": "Thu hồi"}}, "/headline"),
    ("recall", {"parts": [_part()]}, "/parts"),
    ("request", {"wants": []}, "/wants"),
    ("request", {"wants": ["everything"]}, "/wants/0"),
    ("request", {"wants": ["onward", "information"], "references": [ID], "onward_to": ["th.police"]}, "/wants"),
    ("request", {"references": [ID]}, "/references"),
    ("request", {"onward_to": ["th.police"]}, "/onward_to"),
    ("request", {"wants": ["onward"], "onward_to": ["th.police"]}, "/references"),
    ("request", {"wants": ["onward"], "references": [ID]}, "/onward_to"),
    ("request", {"wants": ["onward"], "references": [ID, ID], "onward_to": ["th.police"]}, "/references"),
    ("request", {"wants": ["onward"], "references": [ID], "onward_to": []}, "/onward_to"),
    ("request", {"wants": ["onward"], "references": [ID], "onward_to": ["th.*"]}, "/onward_to/0"),
    # extensions
    *(("alert", {"ext": {BREAK_GLASS: glass}}, "/ext/" + BREAK_GLASS.replace("/", "~1")) for glass in NO_REASONS),
    ("alert", {"ext": {"colour": 1}}, "/ext/colour"),
    ("alert", {"ext": {"https://e.example/x": 1}, "crit": ["https://e.example/x"]}, "/crit/0"),
    ("alert", {"crit": ["https://e.example/x"]}, "/crit/0"),
    ("alert", {"colour": "red"}, "/colour"),
    ("alert", {"areas": [{"iso": "VN", "name": None}]}, "/areas/0/name"),
]


@pytest.mark.parametrize(("kind", "change", "path"), REFUSED)
def test_refused(claims, refusals, kind, change, path):
    """What the protocol does not allow is refused, and the refusal names the one place where it stands."""
    told = refusals(claims(kind, **change))
    assert [where for where, _ in told] == [path]
    assert all(expected for _, expected in told)


ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("alert", {"status": "system"}),
    ("alert", {"domain": "disaster.flood.urban.lane"}),
    ("alert", {"expires": "2026-11-22t20:00:00.123456789z"}),
    ("alert", {"expires": "2026-12-31T23:59:60Z"}),
    ("alert", {"headline": {"vi": "x" * 300}}),
    ("alert", {"headline": ..., "parts": [_part()]}),
    ("alert", {"handling": _handling(personal_data="sensitive")}),
    ("alert", {"handling": _handling(tlp="red"), "addressing": {"to": ["@asean.disaster"], "release_to": ["vn.*"]}}),
    ("alert", {"addressing": {"to": []}}),
    ("alert", {"parts": [_part(type="text/plain; charset=utf-8")]}),
    ("alert", {"parts": [_part(handling={})]}),
    ("cancel", {"handling": _handling(), "addressing": {"to": []}, "domain": "disaster", "severity": "minor"}),
    ("request", {"wants": "information"}),
    ("request", {"wants": ["onward"], "references": [ID], "onward_to": ["th.police"]}),
    (
        "reply",
        {"headline": {"vi": "Có"}, "parts": [_part()], "handling": _handling(), "addressing": {"to": ["vn.moh"]}},
    ),
]


@pytest.mark.parametrize(("kind", "change"), ACCEPTED)
def test_accepted(claims, refusals, kind, change):
    """What is for policy to judge, and what is at the edge of a rule, passes."""
    assert refusals(claims(kind, **change)) == []


TOP: list[tuple[dict[str, Any], str]] = [
    ({"iss": "VN.MAE"}, "/iss"),
    ({"iss": "a" * 129}, "/iss"),
    ({"jti": "vn.mae.dyke/019AA8F0-5d2e-7c3a-9a51-1f6f2a3b4c5d"}, "/jti"),
    ({"iat": "1795309200"}, "/iat"),
    ({"iat": -1}, "/iat"),
    ({"iat": True}, "/iat"),
    ({"iat": 2**53}, "/iat"),
    ({"aud": ["https://nts.example/vn"]}, "/aud"),
    ({"aud": ""}, "/aud"),
    ({"txn": "x" * 257}, "/txn"),
    ({"toe": 1_795_309_201}, "/toe"),
    ({"toe": None}, "/toe"),
    ({"exp": 1}, "/exp"),
    ({"events": {}}, EVENT),
    ({"events": {ALERT_EVENT: []}}, f"{EVENT}/kind"),
]


@pytest.mark.parametrize(("change", "path"), TOP)
def test_claims_refused(claims, change, path):
    """The claims around the event are as strict as it, with paths from the claims object."""
    with pytest.raises(ValidationError) as caught:
        Claims.from_claims(claims() | change)
    assert [where for where, _ in faults(caught.value)] == [path]


def test_posted_notice(claims):
    """A notice that an agency posts, and an event that nobody knows, are refused with their URI."""
    for uri in (NOTICE_EVENT, "https://example.org/other"):
        with pytest.raises(ValidationError) as caught:
            Claims.from_claims(claims() | {"events": {uri: {}}})
        assert pointer("events", uri) in [path for path, _ in faults(caught.value)]


def test_addressing_in_one_place(claims, refusals, addressing_part, part):
    """An addressing stands in the statement or in the part, never in both, and the part counts for no content."""
    assert refusals(claims(addressing=..., parts=[addressing_part])) == []
    assert [path for path, _ in refusals(claims(parts=[addressing_part]))] == ["/addressing"]
    alone = claims(addressing=..., headline=..., parts=[addressing_part])
    assert [path for path, _ in refusals(alone)] == ["/headline"]
    assert refusals(claims(addressing=..., headline=..., parts=[addressing_part, part])) == []
    sealed = claims(addressing=..., parts=[addressing_part | {"sealed": True}])
    assert [path for path, _ in refusals(sealed)] == ["/parts/0/sealed"]
    made = Claims.from_claims(claims(addressing=..., parts=[addressing_part, part])).event
    assert [each.id for each in made.content_parts] == ["main"]


def _objects(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every object in the claims but those whose member names are the sender's to choose, or that hold anything."""
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in _objects(item, (*path, index))]
    if not isinstance(value, dict):
        return []
    inner = [
        found
        for name, item in value.items()
        if name not in {"ext", "headline", "name"}
        for found in _objects(item, (*path, name))
    ]
    return [path, *inner]


@given(data=st.data(), name=st.from_regex(r"x[a-z/~ ]{0,8}", fullmatch=True))
def test_unknown_member_at_every_level(claims, full, data, name):
    """A member that the protocol does not know is refused wherever it stands, with its path, and ignored by readers."""
    stated = claims(**full)
    path = data.draw(st.sampled_from(_objects(stated)))
    place: Any = stated
    for step in path:
        place = place[step]
    place[name] = "secret"
    with pytest.raises(ValidationError) as caught:
        Claims.from_claims(stated)
    assert pointer(*path, name) in [where for where, _ in faults(caught.value)]
    assert "secret" not in str(caught.value)
    assert "secret" not in str(faults(caught.value))
    assert read(Claims, stated) == Claims.from_claims(claims(**full))


def test_readers_are_not_lenient_otherwise(claims):
    """A reader ignores unknown members alone: anything else that is wrong is still refused."""
    with pytest.raises(ValidationError):
        read(Claims, claims(status="real", colour="red"))


def test_faults_are_bounded(claims, refusals):
    """However much is wrong, a refusal tells a bounded number of faults."""
    assert len(refusals(claims(**{f"x{number}": 1 for number in range(500)}))) == 32


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data(), value=json_values)
def test_never_breaks(claims, full, data, value):
    """Whatever JSON stands at any member, the answer is a statement or faults with paths; nothing else is raised."""
    stated = claims(**full)
    path = data.draw(st.sampled_from(_objects(stated)))
    place: Any = stated
    for step in path:
        place = place[step]
    place[data.draw(st.sampled_from(sorted(place)))] = value
    try:
        made = Claims.from_claims(stated)
    except ValidationError as error:
        told = faults(error)
        assert told
        assert all(where.startswith("/") and expected != "another value" for where, expected in told)
    else:
        assert Claims.model_validate_json(made.model_dump_json()) == made


@given(st.datetimes(timezones=st.timezones()))
def test_instant(moment):
    """`instant` reads back the moment that an RFC 3339 time names, to the microsecond."""
    if moment.utcoffset().total_seconds() % 60:  # RFC 3339 has no offsets with seconds
        return
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        return
    assert instant(moment.isoformat()) == expected


def test_notice():
    """A notice names an alert, what became of it and when, and nothing more."""
    notice = {"alert": ID, "kind": "updated", "at": "2026-11-22T08:00:00.000Z"}
    assert Notice.model_validate(notice).kind == "updated"
    for change in ({"kind": "alert"}, {"headline": {"vi": "Lũ"}}, {"at": "now"}):
        with pytest.raises(ValidationError):
            Notice.model_validate(notice | change)
