"""What a reader checks of a delivery: each step by a delivery that fails at it."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from broker.client import Content, Expected, NotVerified, kids_of, verify, verify_heartbeat
from broker.trust import jws
from broker.trust.keys import generate
from schemas.terms import ErrorOutcome
from tests.client.made import AGENCY, DAY, HUB, NETWORK, NOW, PARTS, SUBSCRIPTION, Json, World, text

EXPECTED = Expected(NETWORK, SUBSCRIPTION, HUB)


@pytest.fixture
def world() -> World:
    """An agency and a hub, with valid keys."""
    return World()


def refused(world: World, envelope: Json | str, says: str | None, expected: Expected = EXPECTED) -> NotVerified:
    """It is not verified, and this is why."""
    with pytest.raises(NotVerified, match=says) as why:
        verify(envelope if isinstance(envelope, str) else text(envelope), world.records, expected)
    return why.value


def test_what_was_signed_is_what_is_received(world: World) -> None:
    """A delivery that holds gives the claims, the bytes of the parts, and the digest that the next one names."""
    signed = world.signed()
    written = text(world.envelope(signed))
    assert set(kids_of(written)) == {world.key.kid, world.receipts.kid}
    received = verify(written, world.records, EXPECTED)
    assert (received.id, received.issuer, received.withheld) == (signed.id, AGENCY, False)
    assert {id_: part.data for id_, part in received.parts.items()} == {id_: each.data for id_, each in PARTS.items()}
    assert received.digest == jws.digest_of(written.encode())


def test_a_part_that_was_kept_back_leaves_the_rest_verified(world: World) -> None:
    """Without the photo and its salt, what came is still what was signed."""
    envelope = world.envelope(world.signed(), released=["main"])
    del envelope["parts"]["photo"]
    received = verify(text(envelope), world.records, EXPECTED)
    assert received.withheld
    assert received.parts.keys() == {"main"}


@pytest.mark.parametrize(
    ("hub", "says"),
    [
        ({"network": "https://nts.example/test"}, "another network"),
        ({"subscription": "sub_other"}, "another subscription"),
        ({"subscription": None}, "another subscription"),
        ({"id": "vn.other.hub"}, "another hub"),
        ({"receipt": None}, "gave no receipt"),
        ({"released": ["main"]}, "not those that the hub says"),
        ({"released": ["main", "photo", "extra"]}, "not those that the hub says"),
    ],
)
def test_a_hub_block_that_does_not_fit(world: World, hub: Json, says: str) -> None:
    """Another network, subscription or hub, no receipt, or other parts than it says: nothing of it is used."""
    refused(world, world.envelope(world.signed(), **hub), says)


def test_a_statement_for_another_network(world: World) -> None:
    """What was signed for the test network is not believed on the real one, whatever the hub says."""
    refused(world, world.envelope(world.signed(network="https://nts.example/test")), "meant for another network")


@pytest.mark.parametrize("where", ["salt", "data"])
def test_a_part_that_was_changed(world: World, where: str) -> None:
    """One other byte in a part or in its salt is noticed."""
    envelope = world.envelope(world.signed())
    part = envelope["parts"]["main"]
    part[where] = jws.encode(bytes([jws.decode(part[where])[0] ^ 1]) + jws.decode(part[where])[1:])
    refused(world, envelope, "part main is not what the originator signed")


def test_a_part_that_nobody_signed(world: World) -> None:
    """A part that the statement does not describe is not taken over."""
    envelope = world.envelope(world.signed(), released=["main", "photo", "extra"])
    envelope["parts"]["extra"] = envelope["parts"]["main"]
    refused(world, envelope, "the originator did not sign")


def test_parts_that_were_exchanged(world: World) -> None:
    """The right bytes under another part's id are noticed."""
    envelope = world.envelope(
        world.signed({"main": Content(b"aa", "text/plain"), "photo": Content(b"bb", "text/plain")})
    )
    parts = envelope["parts"]
    parts["main"], parts["photo"] = parts["photo"], parts["main"]
    refused(world, envelope, "is not what the originator signed")


def test_a_statement_that_was_changed(world: World) -> None:
    """A payload that says something else does not hold under the old signature."""
    signed = world.signed()
    header, payload, signature = signed.statement.split(".")
    other = jws.decode(payload).replace(b'"extreme"', b'"minor"')
    envelope = world.envelope(signed) | {"statement": f"{header}.{jws.encode(other)}.{signature}"}
    refused(world, envelope, "its signature does not hold")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"agency": "vn.moh"}, "not the issuer's"),
        ({"use": "auth"}, "not the issuer's for this use"),
        ({"alg": "ES256"}, "not the issuer's for this use"),
        ({"valid_until": (NOW - timedelta(hours=1)).isoformat()}, "not valid when it signed"),
        ({"valid_from": (NOW + timedelta(hours=1)).isoformat()}, "not valid when it signed"),
        ({"revoked": {"at": (NOW - timedelta(hours=1)).isoformat()}}, "revoked, or in other hands"),
        (
            {"revoked": {"at": (NOW + DAY).isoformat(), "compromised_since": (NOW - DAY).isoformat()}},
            "revoked, or in other hands",
        ),
    ],
)
@pytest.mark.parametrize("whose", ["the agency's", "the hub's"])
def test_a_key_that_cannot_vouch(world: World, change: Json, says: str, whose: str) -> None:
    """A key of another agency, use or algorithm, an expired, early or revoked one: for statement and receipt alike."""
    signed = world.signed()
    if whose == "the agency's":
        world.list(world.key, "statement", AGENCY, **change)
    else:
        world.list(world.receipts, "receipt", HUB, **({"use": "statement"} if "use" in change else change))
    refused(world, world.envelope(signed), says)


def test_a_key_that_was_revoked_later_still_vouches(world: World) -> None:
    """What a key signed before it was revoked, and before others had it, stays verified."""
    signed = world.signed()
    world.list(world.key, "statement", AGENCY, revoked={"at": (NOW + DAY).isoformat()})
    assert verify(text(world.envelope(signed)), world.records, EXPECTED).id == signed.id


def test_a_key_that_is_not_listed(world: World) -> None:
    """Neither a missing record nor one under another's thumbprint vouches."""
    envelope = world.envelope(world.signed())
    other = generate()
    world.list(other, "statement", AGENCY)
    world.records[world.key.kid] = world.records[other.kid]
    refused(world, envelope, "not in the directory")
    del world.records[world.key.kid]
    refused(world, envelope, "not in the directory")


def test_a_receipt_that_the_hub_did_not_sign(world: World) -> None:
    """A receipt of an agency in the hub's name, and one in its own, are not the hub's."""
    signed = world.signed()
    world.receipts = generate()
    world.list(world.receipts, "receipt", AGENCY)
    refused(world, world.envelope(signed), "not the issuer's")
    refused(world, world.envelope(signed, receipt=world.receipt(signed, iss=AGENCY)), "for another statement")


@pytest.mark.parametrize("changed", ["sub", "statement"])
def test_a_receipt_for_another_statement(world: World, changed: str) -> None:
    """The hub's promise for one alert is none for another."""
    signed, other = world.signed(), world.signed()
    value = other.id if changed == "sub" else other.digest
    refused(world, world.envelope(signed, receipt=world.receipt(signed, **{changed: value})), "for another statement")


def test_a_statement_in_the_place_of_a_receipt(world: World) -> None:
    """Tokens of one kind never stand for another (RFC 8725 §3.11)."""
    signed = world.signed()
    refused(world, world.envelope(signed, receipt=signed.statement), "not framed")


def test_a_notice_by_somebody_else_than_the_hub(world: World) -> None:
    """The hub's own notice is taken without a receipt; one that an agency signed is not."""
    signed = world.signed({})
    block = world.block(signed, receipt=None)
    own = {"statement": world.notice(world.hub_key, HUB), "parts": {}, "hub": block}
    assert verify(text(own), world.records, EXPECTED).issuer == HUB
    refused(world, own | {"statement": world.notice(world.key, AGENCY)}, "gave no receipt")
    forged = own | {"statement": world.notice(world.key, AGENCY)}
    forged["hub"] = block | {"id": AGENCY}
    refused(world, forged, "another hub")


@pytest.mark.parametrize(
    "change",
    [
        lambda written: written[:-1],
        lambda written: "[]",
        lambda written: written.replace('"parts":{', '"parts":{},"parts":{', 1),
        lambda written: written.replace('"position":1', '"position":0'),
        lambda written: written.replace('"statement":"', '"statement":"x', 1),
    ],
)
def test_what_is_no_envelope(world: World, change: Callable[[str], str]) -> None:
    """Broken JSON, a member that stands twice, a value out of range or a broken token: refused, and why."""
    written = text(world.envelope(world.signed()))
    why = refused(world, change(written), None)
    assert why.outcome in {ErrorOutcome.CANNOT_PARSE, ErrorOutcome.CANNOT_VERIFY}


def test_what_a_reader_does_not_know_it_ignores(world: World) -> None:
    """A member that a later version adds to the hub's block breaks nothing."""
    envelope = world.envelope(world.signed(), later={"more": True})
    assert verify(text(envelope), world.records, EXPECTED)


def test_the_chain_of_a_subscription(world: World) -> None:
    """A delivery right after another names its text; another text in between is noticed, and so is a gap."""
    first = verify(text(world.envelope(world.signed())), world.records, EXPECTED)
    after = verify(text(world.envelope(world.signed(), position=2, previous=first.digest)), world.records, EXPECTED)
    after.follow(first)
    assert not after.missing(first)
    other = verify(
        text(world.envelope(world.signed(), position=2, previous="sha256:" + "0" * 64)), world.records, EXPECTED
    )
    with pytest.raises(NotVerified, match="position 2 does not name the text at position 1"):
        other.follow(first)
    late = verify(text(world.envelope(world.signed(), position=5)), world.records, EXPECTED)
    late.follow(first)
    assert list(late.missing(first)) == [2, 3, 4]
    assert list(late.missing(None)) == [1, 2, 3, 4]


def test_a_heartbeat(world: World) -> None:
    """It tells position and last digest by the hub's receipt key, for the subscription that was asked about."""
    told = verify_heartbeat(world.heartbeat(3, "sha256:" + "1" * 64), world.records, SUBSCRIPTION)
    assert (told.position, told.last) == (3, "sha256:" + "1" * 64)
    with pytest.raises(NotVerified, match="another subscription's"):
        verify_heartbeat(world.heartbeat(3, None, subscription="sub_other"), world.records, SUBSCRIPTION)
    changed = world.heartbeat(3, None).rpartition(".")[0] + "." + jws.encode(b"\0" * 64)
    with pytest.raises(NotVerified, match="signature does not hold"):
        verify_heartbeat(changed, world.records, SUBSCRIPTION)


def test_salts_differ(world: World) -> None:
    """The same bytes signed twice have digests that tell nothing of each other."""
    first, second = (json.dumps(world.signed().claims["events"]) for _ in range(2))
    assert first != second
