"""Reading CAP (OASIS): what is taken from it, what is refused, and where it contradicts the statement."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.areas import CircleArea, GeocodeArea, IsoArea, PolygonArea
from schemas.cap import CapUnreadable, disagreements, read
from schemas.cap_xml import DEPTH, ELEMENTS
from schemas.terms import Certainty, Severity, Status, Urgency

SAMPLES = Path(os.environ.get("ALERT_SAMPLES", "missing"))

FLOOD = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>DD-2026-118</identifier>
  <sender>canhbao@dedieu.example</sender>
  <sent>2026-11-22T08:00:00+07:00</sent>
  <status>Actual</status>
  <msgType>Update</msgType>
  <scope>Public</scope>
  <references>canhbao@dedieu.example,DD-2026-117,2026-11-22T06:00:00+07:00</references>
  <info>
    <language>vi-VN</language>
    <category>Met</category>
    <event>Lũ trên sông Hồng</event>
    <urgency>Expected</urgency>
    <severity>Severe</severity>
    <certainty>Likely</certainty>
    <expires>2026-11-22T18:00:00+07:00</expires>
    <headline>Lũ sông Hồng lên nhanh</headline>
    <area>
      <areaDesc>Bãi giữa sông Hồng</areaDesc>
      <polygon>21.0,105.8 21.1,105.8 21.1,105.9 21.0,105.8</polygon>
      <geocode><valueName>ISO 3166-2</valueName><value>VN-HN</value></geocode>
    </area>
  </info>
  <info>
    <language>en</language>
    <category>Met</category>
    <event>Red River flood</event>
    <urgency>Immediate</urgency>
    <severity>Extreme</severity>
    <certainty>Observed</certainty>
    <expires>2026-11-22T12:30:00-00:00</expires>
    <headline>The Red River rises fast</headline>
    <area>
      <areaDesc>Red River middle bank</areaDesc>
      <polygon>21.0,105.8 21.1,105.8 21.1,105.9 21.0,105.8</polygon>
      <circle>20.9,106.9 25</circle>
      <geocode><valueName>GSO</valueName><value>01</value></geocode>
    </area>
  </info>
</alert>"""


def changed(old: str, new: str) -> Any:
    """The summary of the flood alert with one text in place of another."""
    assert old in FLOOD
    return read(FLOOD.replace(old, new).encode())


def test_summary():
    """The whole says the highest of its infos, the latest expiry, and the union of the areas in all languages."""
    summary = read(FLOOD.encode())
    assert (summary.identifier, summary.sender) == ("DD-2026-118", "canhbao@dedieu.example")
    assert (summary.status, summary.msg_type, summary.scope) == (Status.ACTUAL, "Update", "Public")
    assert summary.references == ("canhbao@dedieu.example,DD-2026-117,2026-11-22T06:00:00+07:00",)
    assert (summary.urgency, summary.severity, summary.certainty) == (
        Urgency.IMMEDIATE,
        Severity.EXTREME,
        Certainty.OBSERVED,
    )
    assert summary.expires == "2026-11-22T12:30:00-00:00"
    assert summary.headlines == {"vi-VN": "Lũ sông Hồng lên nhanh", "en": "The Red River rises fast"}
    assert summary.languages == ("vi-VN", "en")
    assert summary.findings == ()
    names = {"vi-VN": "Bãi giữa sông Hồng", "en": "Red River middle bank"}
    ring = ((21.0, 105.8), (21.1, 105.8), (21.1, 105.9), (21.0, 105.8))
    assert summary.areas[0] == PolygonArea(polygon=ring, name=names)
    assert summary.areas[1] == IsoArea(iso="VN-HN", name={"vi-VN": "Bãi giữa sông Hồng"})
    assert [type(area) for area in summary.areas[2:]] == [CircleArea, GeocodeArea]


def test_version_1_1():
    """CAP 1.1 is read as 1.2 is."""
    assert changed("cap:1.2", "cap:1.1") == read(FLOOD.encode())


FINDINGS = [
    ("<sender>canhbao@dedieu.example</sender>", "", "sender", None),
    ("<scope>Public</scope>", "<scope>public</scope>", "scope", "Public"),
    ("<scope>Public</scope>", "<scope>Everybody</scope>", "scope", None),
    ("<status>Actual</status>", "<status>Draft</status>", "status", None),
    ("<sent>2026-11-22T08:00:00+07:00</sent>", "<sent>2026-11-22T08:00:00</sent>", "sent", None),
    ("<sent>2026-11-22T08:00:00+07:00</sent>", "<sent>2026-11-22T01:00:00Z</sent>", "sent", "2026-11-22T01:00:00Z"),
    ("<severity>Extreme</severity>", "<severity>Terrible</severity>", "severity", Severity.SEVERE),
    ("<severity>Extreme</severity>", "<severity>EXTREME</severity>", "severity", Severity.EXTREME),
    ("<certainty>Observed</certainty>", "<certainty>Very Likely</certainty>", "certainty", Certainty.LIKELY),
    ("<headline>The", "<heading/><headline>The", "urgency", Urgency.IMMEDIATE),
    ("<scope>Public</scope>", "<scope>Public</scope><source>x</source>", "scope", "Public"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "member", "value"), FINDINGS)
def test_findings(old, new, member, value):
    """A departure from the standard is accepted and told; what cannot be understood is None or unknown."""
    summary = changed(old, new)
    assert getattr(summary, member) == value
    assert len(summary.findings) == 1


@pytest.mark.parametrize(
    ("old", "new", "areas"),
    [
        ("21.0,105.8 21.1,105.8 21.1,105.9 21.0,105.8", "21.0,105.8 21.1,105.8 21.1,105.9", 4),
        ("21.1,105.9 21.0,105.8", "91.1,105.9 21.0,105.8", 3),
        ("21.1,105.9 21.0,105.8", "here 21.0,105.8", 3),
        ("20.9,106.9 25", "20.9,106.9", 3),
        ("20.9,106.9 25", "20.9,106.9 0", 4),
        ("<valueName>GSO</valueName>", "", 3),
        ("VN-HN", "Hanoi", 3),
    ],
)
def test_areas(old, new, areas):
    """A shape that can be mended is mended, one that cannot is left out, and both are told."""
    summary = changed(old, new)
    assert len(summary.areas) == areas
    assert len(summary.findings) == 1


def test_no_expiry():
    """An alert that nowhere says when it expires is accepted, and this is told."""
    text = FLOOD.replace("<expires>2026-11-22T18:00:00+07:00</expires>", "")
    summary = read(text.replace("<expires>2026-11-22T12:30:00-00:00</expires>", "").encode())
    assert summary.expires is None
    assert summary.findings == ("no info says when it expires",)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"no xml",
        b"<alert/>",
        b'<alert xmlns="http://www.incident.com/cap/1.0"/>',
        b'<rss xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>',
        FLOOD.encode()[:-3],
        FLOOD.replace("<alert", "<!DOCTYPE alert><alert").encode(),
        FLOOD.replace("<alert", '<!DOCTYPE alert [<!ENTITY a "aaaa">]><alert').replace("Lũ sông", "&a;").encode(),
        FLOOD.replace("<alert", '<!DOCTYPE alert SYSTEM "file:///etc/passwd"><alert').encode(),
        FLOOD.replace("<alert", '<!DOCTYPE alert [<!ENTITY a SYSTEM "file:///etc/hostname">]><alert').encode(),
        FLOOD.replace("Lũ sông", "&undefined;").encode(),
        FLOOD.replace("<info>", "<x>" * (DEPTH + 1) + "</x>" * (DEPTH + 1) + "<info>", 1).encode(),
        FLOOD.replace("<info>", "<x>" * 100_000, 1).encode(),
        FLOOD.replace("<info>", "<info/>" * ELEMENTS + "<info>", 1).encode(),
        b" " * (16 * 2**20 + 1),
    ],
)
def test_unreadable(document):
    """No CAP, no well-formed XML, a document type, entities, and what is too deep or too long are refused."""
    with pytest.raises(CapUnreadable):
        read(document)


@pytest.mark.parametrize(
    "name", ["identifier", "sender", "sent", "status", "scope", "urgency", "severity", "certainty", "expires"]
)
def test_one_reading_of_what_must_agree(name):
    """What another reader could take for another text is refused: two of them, or an element that cuts it short."""
    end = f"</{name}>"
    assert FLOOD.count(end)
    for document in (FLOOD.replace(end, f"{end}<{name}>x</{name}>", 1), FLOOD.replace(end, f"<b/>x{end}", 1)):
        with pytest.raises(CapUnreadable, match=name):
            read(document.encode())


def test_comments_hide_nothing():
    """A comment inside a term neither changes it nor cuts it short."""
    assert changed("Extreme", "Ext<!-- moderate -->reme") == read(FLOOD.encode())


@given(st.binary(max_size=64), st.integers(0, len(FLOOD.encode())))
def test_never_breaks(noise, place):
    """Whatever bytes come, they are read or refused; nothing else is raised."""
    document = FLOOD.encode()
    with suppress(CapUnreadable):
        read(document[:place] + noise + document[place:])


AGREED: dict[str, Any] = {
    "ids": {"vn.mae.dyke/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d", "DD-2026-118"},
    "senders": {"vn.mae.dyke", "canhbao@dedieu.example"},
    "status": Status.ACTUAL,
    "public": True,
    "severity": Severity.EXTREME,
    "urgency": Urgency.IMMEDIATE,
    "certainty": Certainty.OBSERVED,
    "expires": "2026-11-22T19:30:00+07:00",
}


def test_agreement():
    """A statement that says what the document says agrees with it, whatever the time zone of its expiry."""
    assert disagreements(read(FLOOD.encode()), **AGREED) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"ids": {"DD-2026-119"}}, "/refs/ours"),
        ({"senders": {"vn.mae.dyke"}}, "/parts"),
        ({"status": Status.EXERCISE}, "/status"),
        ({"public": False}, "/addressing/to"),
        ({"severity": Severity.SEVERE}, "/severity"),
        ({"urgency": Urgency.EXPECTED}, "/urgency"),
        ({"certainty": Certainty.UNKNOWN}, "/certainty"),
        ({"expires": "2026-11-22T12:30:00+07:00"}, "/expires"),
    ],
)
def test_disagreement(change, path):
    """Each contradiction between part and statement is told, by the member of the statement."""
    assert [where for where, _ in disagreements(read(FLOOD.encode()), **AGREED | change)] == [path]


def test_unstated_cannot_disagree():
    """What a cancel does not state, and what a document without an info does not say, is no contradiction."""
    silent = dict.fromkeys(("severity", "urgency", "certainty", "expires"))
    assert disagreements(read(FLOOD.encode()), **AGREED | silent) == []
    bare = FLOOD[: FLOOD.index("<info>")] + "</alert>"
    assert disagreements(read(bare.encode()), **AGREED) == []
    assert disagreements(changed("<scope>Public</scope>", ""), **AGREED) != []


def _alerts() -> list[Path]:
    return sorted(
        path for path in SAMPLES.glob("cap*/**/*") if path.suffix in {".cap", ".xml"} and "rss" not in path.name
    )


@pytest.mark.needs_samples
def test_real_alerts():
    """Real alerts of many countries are all read, those that break the schema with findings."""
    summaries = [read(path.read_bytes()) for path in _alerts() if b"<schema" not in path.read_bytes()[:400]]
    assert len(summaries) > 40
    assert all(summary.identifier and summary.sender for summary in summaries)
    assert {len(summary.findings) > 0 for summary in summaries} == {True, False}
