"""Steps 11 and 13 of protocol §4: each part is the one that was signed, and says nothing else than the statement."""

from collections.abc import Mapping
from typing import Any

import pytest

from broker.errors import Refused
from broker.trust import jws, sealing_keys, verify
from broker.trust.posted import MAIN, posted_with_header
from schemas.handling import Addressing
from schemas.statement import Claims
from tests.unit import making
from tests.unit.making import DYKE, EVENT
from tests.unit.trust.sealed import sealed

ADDRESSING_TYPE = "application/vnd.interagency.addressing+json"
SEALED = sealed(b"no bundle, and no CAP either", sealing_keys.generate())
TEXT = "Đê Ka Long có nguy cơ tràn trong ba giờ tới.".encode()
CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{identifier}</identifier>
  <sender>{sender}</sender>
  <sent>2026-11-22T08:00:00+07:00</sent>
  <status>{status}</status>
  <msgType>Alert</msgType>
  <scope>{scope}</scope>
  <info>
    <language>vi</language>
    <category>Met</category>
    <event>Lũ</event>
    <urgency>{urgency}</urgency>
    <severity>{severity}</severity>
    <certainty>{certainty}</certainty>
    <expires>{expires}</expires>
    <headline>Lũ lên nhanh</headline>
    <area><areaDesc>Quảng Ninh</areaDesc></area>
  </info>
</alert>"""
SAYS = {
    "identifier": making.id_of(DYKE),
    "sender": DYKE,
    "status": "Actual",
    "scope": "Restricted",
    "urgency": "Immediate",
    "severity": "Severe",
    "certainty": "Observed",
    "expires": "2026-11-22T20:00:00+07:00",
}


def cap(**changes: str) -> bytes:
    """A CAP document that says what the statement says, changed."""
    return CAP.format(**{**SAYS, **changes}).encode()


def checked(
    stated: list[dict[str, Any]],
    parts: Mapping[str, bytes],
    *,
    kind: str = "alert",
    stated_type: str | None = None,
    **event: Any,
) -> tuple[str, list[str]]:
    """The code and the paths of the refusal, or ("ok", [])."""
    content = making.claims(kind, parts=stated, **event)
    envelope = making.verified(content, parts, stated_type=stated_type)
    claims = Claims.from_claims(content)
    try:
        addressing = verify.read_addressing(envelope, claims)
        verify.check_parts(envelope, claims, addressing or getattr(claims.event, "addressing", None))
    except Refused as refused:
        return refused.code, [fault.path.removeprefix(EVENT) for fault in refused.faults]
    return "ok", []


def one(data: bytes, type_: str = "text/plain", **changes: Any) -> tuple[str, list[str]]:
    """The answer to a statement with the one part `main`."""
    event = {name: changes.pop(name) for name in list(changes) if name in {"addressing", "refs", "handling", "status"}}
    return checked([making.part(MAIN, data, type_, **changes)], {MAIN: data}, **event)


class TestTheSameBytes:
    """A missing part, one too many, another size, digest or type is `part-mismatch`."""

    def test_all_there(self) -> None:
        """Parts whose bytes were signed pass, in any number."""
        assert checked([], {}) == ("ok", [])
        assert one(TEXT) == ("ok", [])
        two = [making.part(MAIN, TEXT), making.part("photo", b"", "image/jpeg")]
        assert checked(two, {"photo": b"", MAIN: TEXT}) == ("ok", [])

    def test_a_part_missing(self) -> None:
        """A part that the statement lists and nobody sent is named."""
        two = [making.part(MAIN, TEXT), making.part("photo", b"\xff\xd8", "image/jpeg")]
        assert checked(two, {MAIN: TEXT}) == ("part-mismatch", ["/parts/1"])

    def test_a_part_too_many(self) -> None:
        """A part that was sent and that the statement does not list is named, for kinds without parts as well."""
        assert checked([making.part(MAIN, TEXT)], {MAIN: TEXT, "photo": b""}) == ("part-mismatch", ["/parts/photo"])
        content = making.claims("recall", references=[making.id_of(DYKE, 9)])
        envelope = making.verified(content, {MAIN: TEXT})
        with pytest.raises(Refused) as refused:
            verify.check_parts(envelope, Claims.from_claims(content), None)
        assert (refused.value.code, refused.value.faults[0].path) == ("part-mismatch", "/parts/main")

    def test_another_size(self) -> None:
        """A size that is not that of the bytes is refused, though the digest is right."""
        for size in (len(TEXT) - 1, len(TEXT) + 1):
            assert one(TEXT, size=size) == ("part-mismatch", ["/parts/0/size"])

    def test_another_digest(self) -> None:
        """Bytes of the right size but not the right ones are refused."""
        part = making.part(MAIN, TEXT)
        assert checked([part], {MAIN: TEXT[:-1] + b"!"}) == ("part-mismatch", ["/parts/0/digest"])

    def test_the_digest_is_salted(self) -> None:
        """The digest of the bytes without their salt is not it."""
        assert one(TEXT, digest=jws.digest_of(TEXT)) == ("part-mismatch", ["/parts/0/digest"])
        assert verify.salted_digest(making.SALT, TEXT) == jws.digest_of(making.SALT + TEXT)

    @pytest.mark.parametrize(
        ("signed", "stated", "same"),
        [
            ("text/plain", "text/plain", True),
            ("text/plain", "Text/Plain; charset=utf-8", True),
            ("text/plain;charset=utf-8", "text/plain; charset=UTF-8", True),
            ("text/plain;charset=utf-8", "text/plain", False),
            ("text/plain;charset=utf-8", "text/plain; charset=latin-1", False),
            ("text/plain", "text/html", False),
            ("text/plain", "", False),
        ],
    )
    def test_another_type(self, signed: str, stated: str, same: bool) -> None:
        """In form A the request's type must be the signed one; parameters count where the statement states some."""
        expected = ("ok", []) if same else ("part-mismatch", ["/parts/0/type"])
        assert checked([making.part(MAIN, TEXT, signed)], {MAIN: TEXT}, stated_type=stated) == expected

    def test_the_type_of_form_a_is_of_main_alone(self) -> None:
        """The request's type says nothing of other parts."""
        assert checked([making.part("photo", b"x", "image/jpeg")], {"photo": b"x"}, stated_type="text/plain")[0] == "ok"

    def test_form_a(self) -> None:
        """What form A posts is the one part `main`, with the salt of the header."""
        posted = posted_with_header(making.signed(making.claims()), jws.encode(making.SALT), "text/plain", TEXT)
        assert set(posted.parts) == {MAIN}
        assert (posted.parts[MAIN].salt, posted.parts[MAIN].data) == (making.SALT, TEXT)


class TestCap:
    """An unsealed CAP part says what the statement says, or it is `invalid-part`."""

    TYPE = "application/cap+xml"

    def test_agrees(self) -> None:
        """A document that says the same passes; the alert's id or the sender's own reference may be its identifier."""
        assert one(cap(), self.TYPE) == ("ok", [])
        assert one(cap(identifier="DD-118"), self.TYPE, refs={"ours": "DD-118"}) == ("ok", [])
        assert one(cap(sender="canhbao@dyke.example"), self.TYPE) == ("ok", [])
        assert one(cap(expires="2026-11-22T13:00:00-00:00"), self.TYPE) == ("ok", [])

    @pytest.mark.parametrize(
        ("change", "path"),
        [
            ({"identifier": "DD-118"}, "/refs/ours"),
            ({"sender": "vn.mae"}, "/parts"),
            ({"status": "Exercise"}, "/status"),
            ({"scope": "Public"}, "/addressing/to"),
            ({"urgency": "Expected"}, "/urgency"),
            ({"severity": "Extreme"}, "/severity"),
            ({"certainty": "Likely"}, "/certainty"),
            ({"expires": "2026-11-22T20:00:01+07:00"}, "/expires"),
        ],
        ids=str,
    )
    def test_disagrees(self, change: dict[str, str], path: str) -> None:
        """Each member that says something else is refused, with the path of the statement's member."""
        assert one(cap(**change), self.TYPE) == ("invalid-part", [path])
        assert one(cap(**change), self.TYPE + "; charset=utf-8") == ("invalid-part", [path])

    @pytest.mark.parametrize("member", ["to", "release_to"])
    def test_public(self, member: str) -> None:
        """The scope is Public exactly if `@public` is addressed, in `to` or in `release_to`."""
        addressing = {"to": ["vn.quangninh"]} | {member: ["@public"]}
        assert one(cap(scope="Public"), self.TYPE, addressing=addressing) == ("ok", [])
        assert one(cap(), self.TYPE, addressing=addressing) == ("invalid-part", ["/addressing/to"])

    def test_the_sender_is_who_it_is_said_for(self) -> None:
        """Said on behalf of another, the sender is that other, and its aliases are."""
        content = making.claims(
            on_behalf_of=making.PROVINCE, parts=[making.part(MAIN, cap(sender=making.PROVINCE), self.TYPE)]
        )
        envelope = making.verified(content, {MAIN: cap(sender=making.PROVINCE)})
        claims = Claims.from_claims(content)
        verify.check_parts(envelope, claims, Addressing(to=("vn.quangninh",)))

    def test_unreadable(self) -> None:
        """A document that cannot be read, or that asks for a DTD, is refused."""
        with_dtd = cap().replace(b"<alert", b'<!DOCTYPE alert [<!ENTITY x "y">]><alert', 1)
        for data in (b"no XML", b"", b"<other/>", with_dtd):
            assert one(data, self.TYPE) == ("invalid-part", ["/parts/0"])

    def test_sealed(self) -> None:
        """A sealed part is not looked into; what is plain does not pass as sealed."""
        assert one(SEALED, self.TYPE, sealed=True) == ("ok", [])
        assert one(b"eyJhbGciOi", self.TYPE, sealed=True) == ("invalid-part", ["/parts/0"])
        assert one(cap(), self.TYPE, sealed=True) == ("invalid-part", ["/parts/0"])

    def test_every_part(self) -> None:
        """A second part is asked as the first is."""
        two = [making.part(MAIN, TEXT), making.part("cap", cap(status="Test"), self.TYPE)]
        assert checked(two, {MAIN: TEXT, "cap": cap(status="Test")}) == ("invalid-part", ["/status"])


def test_stix() -> None:
    """A part that says it is STIX is a bundle of identified objects; another type is not asked."""
    bundle = b'{"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", "objects": []}'
    assert one(bundle, "application/stix+json;version=2.1") == ("ok", [])
    assert one(b'{"type": "bundle"}', "application/stix+json") == ("invalid-part", ["/parts/0"])
    assert one(b'{"type": "bundle"}', "application/json") == ("ok", [])
    assert one(SEALED, "application/stix+json", sealed=True) == ("ok", [])


class TestAddressing:
    """The part `addressing` is read before the terms are judged; it must be the one that was signed."""

    @staticmethod
    def with_part(data: bytes, sent: bytes | None = None) -> tuple[str, list[str]]:
        """The answer to a statement whose addressing is in its part."""
        stated = making.part("addressing", data, ADDRESSING_TYPE)
        return checked([stated], {"addressing": data if sent is None else sent}, addressing=...)

    def test_read(self) -> None:
        """An addressing, with or without a chain, is read."""
        chain = '"chain": {"name": "dyke-1", "seq": 7, "prev": "sha256:%s"}' % ("0a" * 32)
        for text in ('{"addressing": {"to": []}}', f'{{"addressing": {{"to": ["vn.mae"]}}, {chain}}}'):
            assert self.with_part(text.encode()) == ("ok", [])

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"[]",
            b"{}",
            b'{"addressing": {}}',
            b'{"addressing": {"to": ["VN"]}}',
            b'{"addressing": {"to": []}, "also": 1}',
            b'{"addressing": {"to": []}, "addressing": {"to": ["vn.mae"]}}',
            b'{"addressing": {"to": [], "to": ["vn.mae"]}}',
            b'\xef\xbb\xbf{"addressing": {"to": []}}',
        ],
        ids=repr,
    )
    def test_unreadable(self, data: bytes) -> None:
        """What is no addressing as the protocol has it, or stands there twice, is `invalid-part`."""
        assert self.with_part(data) == ("invalid-part", ["/parts/0"])

    def test_not_the_signed_one(self) -> None:
        """Another addressing than the signed one is a mismatch, told before it is read."""
        text = b'{"addressing": {"to": ["vn.mae"]}}'
        assert self.with_part(text, b'{"addressing": {"to": ["th.navy"]}}'[: len(text)])[0] == "part-mismatch"

    def test_none(self) -> None:
        """Without such a part there is none to read."""
        content = making.claims()
        assert verify.read_addressing(making.verified(content), Claims.from_claims(content)) is None
