"""Sealing parts for named agencies, and opening them."""

import json
from datetime import timedelta

import pytest

from broker.client import Content, Draft, NotOpened, ReceivedPart, open_sealed, seal, sign
from broker.trust import jws, keys, sealing_keys
from broker.trust.jwe import sealed_for
from broker.trust.sealing_keys import Curve
from schemas.statement import ALERT_EVENT
from tests.cli.workplace import FLOOD
from tests.unit.trust.sealed import SEEN, changed, record, sealed

POLICE, HEALTH, OTHER = sealing_keys.generate(), sealing_keys.generate(Curve.P_256), sealing_keys.generate()
TEXT = "Danh sách nạn nhân được giải cứu".encode()


def test_each_that_it_is_sealed_for_opens_it_and_nobody_else() -> None:
    """Every named key opens the same content, on either curve; another is told that it is for others."""
    jwe = sealed(TEXT, POLICE, HEALTH)
    assert open_sealed(jwe, [POLICE]) == open_sealed(jwe, [OTHER, HEALTH]) == TEXT
    with pytest.raises(NotOpened, match="other keys"):
        open_sealed(jwe, [OTHER])


def test_the_same_is_never_sealed_the_same() -> None:
    """A fresh key and nonce each time, so that equal content is not seen to be equal."""
    assert sealed(TEXT, POLICE) != sealed(TEXT, POLICE)
    assert TEXT not in sealed(TEXT, POLICE)


@pytest.mark.parametrize("member", ["iv", "ciphertext", "tag"])
def test_what_was_changed_does_not_open(member: str) -> None:
    """One bit of nonce, ciphertext or tag, and nothing is given."""
    jwe = sealed(TEXT, POLICE)
    data = bytearray(jws.decode(json.loads(jwe)[member]))
    data[0] ^= 1
    with pytest.raises(NotOpened, match="does not open"):
        open_sealed(changed(jwe, **{member: jws.encode(bytes(data))}), [POLICE])


def test_another_ephemeral_key_does_not_open() -> None:
    """The sealer's half of the agreement is bound: another one, or one of small order, opens nothing."""
    jwe = sealed(TEXT, POLICE)
    [recipient] = json.loads(jwe)["recipients"]
    for x in (sealing_keys.generate().jwk["x"], "A" * 43):
        header = recipient["header"] | {"epk": {"kty": "OKP", "crv": "X25519", "x": x}}
        with pytest.raises(NotOpened):
            open_sealed(changed(jwe, recipients=[recipient | {"header": header}]), [POLICE])


def test_what_is_no_sealed_part_is_told() -> None:
    """Plain bytes marked as sealed do not pass as opened."""
    with pytest.raises(NotOpened, match="no sealed part"):
        ReceivedPart("text/plain", TEXT, sealed=True).open(POLICE)
    assert ReceivedPart("text/plain", TEXT).open(POLICE) == TEXT


def test_only_keys_that_are_valid_are_sealed_for() -> None:
    """A revoked, ended or future key, one of another use, and one under another kid are refused; so is nobody."""
    late, early = SEEN + timedelta(days=400), SEEN - timedelta(days=400)
    revoked = {"revoked": {"at": SEEN.isoformat()}}
    wrong = [
        (record(POLICE), late),
        (record(POLICE), early),
        (record(POLICE, **revoked), SEEN),
        (record(POLICE, kid=HEALTH.kid), SEEN),
        (record(POLICE, use="auth"), SEEN),
        (record(POLICE, jwk={"kty": "OKP", "crv": "X25519", "x": "A" * 43}), SEEN),
    ]
    for each, now in wrong:
        with pytest.raises(ValueError):  # noqa: PT011 - the words differ, none may pass
            seal(TEXT, [each], now)
    with pytest.raises(ValueError, match="from one"):
        seal(TEXT, [], SEEN)


def test_signing_seals_what_is_to_be_sealed() -> None:
    """A part that names keys is sealed when it is signed: type of what is inside, digest and size of the JWE."""
    event = {name: value for name, value in FLOOD.items() if name != "areas"} | {"expires": "2027-01-01T00:00:00Z"}
    recipients = (record(POLICE, valid_until="2099-01-01T00:00:00Z"),)
    parts = {"main": Content(b"open", "text/plain"), "list": Content(TEXT, "text/csv", seal_for=recipients)}
    signed = sign(keys.generate(), "vn.mps", "https://nts.example/vn", Draft(event, parts))
    described = {part["id"]: part for part in signed.claims["events"][ALERT_EVENT]["parts"]}
    data = jws.decode(signed.parts["list"].data)
    assert described["list"]["type"] == "text/csv"
    assert described["list"]["sealed"] is True
    assert described["list"]["size"] == len(data)
    assert "sealed" not in described["main"]
    assert sealed_for(data) == (POLICE.kid,)
    assert open_sealed(data, [POLICE]) == TEXT
    assert TEXT not in signed.envelope()


def test_a_megabyte_is_sealed() -> None:
    """Parts of a hub's usual limit can be sealed."""
    data = bytes(1_000_000)
    assert open_sealed(sealed(data, POLICE), [POLICE]) == data
