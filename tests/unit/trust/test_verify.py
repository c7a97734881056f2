"""Steps 1 to 8 of protocol §4: from bytes to a statement that a key of the directory vouches for, now and for here."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from broker.errors import Refused
from broker.trust import jws, verify
from broker.trust.keys import PrivateKey, generate
from tests.unit import making
from tests.unit.making import DYKE, IAT, NOW, PARENT

ALGORITHMS = ("Ed25519", "ES256", "ML-DSA-65")


def code(content: Mapping[str, Any] | str, *, world: Any = None, by: PrivateKey | None = None, **sent: Any) -> str:
    """The code with which verification refuses, or `verified`."""
    token = content if isinstance(content, str) else making.signed(content, by)
    try:
        verify.verify(making.sent(token, **sent), world or making.directory())
    except Refused as refused:
        return refused.code
    return "verified"


def reheaded(alg: str, *, kid: str | None = None, signer: PrivateKey | None = None) -> str:
    """A token that states this algorithm, whatever the key's own is."""
    signer = signer or making.key(DYKE)
    header = {"alg": alg, "kid": kid or signer.kid, "typ": jws.STATEMENT_TYP}
    signing_input = f"{jws.encode(jws._json(header))}.{jws.encode(jws._json(making.claims()))}"
    return f"{signing_input}.{jws.encode(signer.sign(signing_input.encode()))}"


def test_verified() -> None:
    """A statement signed by a key that the directory gives to its issuer is verified, with the record of that key."""
    envelope = making.verified(making.claims())
    assert (envelope.id, envelope.record.agency) == (making.id_of(DYKE), DYKE)
    assert envelope.record.kid == making.key(DYKE).kid
    assert envelope.digest == jws.statement_digest(envelope.token)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_each_algorithm(alg: str) -> None:
    """A key of each of the three algorithms is believed where it is listed, and with one bit changed it is not."""
    signer = making.key(DYKE, alg=alg)
    world = making.directory(agencies={DYKE: {"keys": [making.key_entry(signer)]}})
    token = making.signed(making.claims(), signer)
    assert code(token, world=world) == "verified"
    head, _, signature = token.rpartition(".")
    flipped = bytearray(jws.decode(signature))
    flipped[7] ^= 1
    assert code(f"{head}.{jws.encode(bytes(flipped))}", world=world) == "untrusted"


def test_eddsa_is_ed25519() -> None:
    """`EdDSA` counts as `Ed25519`, in the token and in the key's record."""
    assert code(reheaded("EdDSA")) == "verified"
    listed = making.key_entry(making.key(DYKE), alg="EdDSA")
    assert code(making.claims(), world=making.directory(agencies={DYKE: {"keys": [listed]}})) == "verified"


class TestUntrusted:
    """Unknown issuer, unknown key, wrong use, agency or algorithm, bad signature: refused alike."""

    def test_an_unknown_key(self) -> None:
        """A key that no agency lists is not believed."""
        assert code(making.claims(), by=generate()) == "untrusted"

    def test_an_unknown_issuer(self) -> None:
        """A key of one agency does not make another agency exist."""
        assert code(making.claims(iss="vn.nobody"), by=making.key(DYKE)) == "untrusted"

    def test_another_agencys_key(self) -> None:
        """A listed key speaks for its own agency alone, even for those below it."""
        assert code(making.claims(iss=DYKE), by=making.key(PARENT)) == "untrusted"

    @pytest.mark.parametrize("use", ["receipt", "auth", "webhook", "log", "registrar"])
    def test_another_use(self, use: str) -> None:
        """A key of any other use signs no statements."""
        world = making.directory(agencies={DYKE: {"keys": [making.key_entry(making.key(DYKE), use)]}})
        assert code(making.claims(), world=world) == "untrusted"

    @pytest.mark.parametrize("alg", ["ES256", "ML-DSA-65"])
    def test_another_algorithm(self, alg: str) -> None:
        """The key's record fixes the algorithm: a token that states another of the three is not believed."""
        assert code(reheaded(alg)) == "untrusted"

    def test_another_signature(self) -> None:
        """A signature by another key under this key's name is not believed."""
        assert code(reheaded("Ed25519", kid=making.key(DYKE).kid, signer=generate())) == "untrusted"

    def test_other_claims(self) -> None:
        """Claims that were exchanged under a signature are not believed."""
        header, _, signature = making.signed(making.claims()).split(".")
        other = making.signed(making.claims(severity="minor")).split(".")[1]
        assert code(f"{header}.{other}.{signature}") == "untrusted"

    def test_all_are_told_alike(self) -> None:
        """The answer does not tell which of the reasons it was."""
        told = set()
        for token in (
            making.signed(making.claims(), generate()),
            making.signed(making.claims(iss=DYKE), making.key(PARENT)),
            making.signed(making.claims(), making.key(DYKE, "auth")),
            reheaded("ES256"),
            reheaded("Ed25519", kid=making.key(DYKE).kid, signer=generate()),
        ):
            with pytest.raises(Refused) as refused:
                verify.verify(making.sent(token), making.directory())
            told.add((refused.value.code, refused.value.detail, refused.value.faults))
        assert len(told) == 1

    @pytest.mark.parametrize("alg", ["Ed25519", "EdDSA", "ES256", "ML-DSA-65"])
    def test_after_equal_work(self, alg: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """An unknown key costs one verification with a key of the algorithm that the token states."""
        work: list[str] = []
        real = verify.verify_signature

        def counting(key: Any, message: bytes, signature: bytes) -> bool:
            work.append(type(key).__name__)
            return real(key, message, signature)

        monkeypatch.setattr(verify, "verify_signature", counting)
        assert code(reheaded(alg, kid="unknown")) == "untrusted"
        signer = making.key(DYKE, alg="Ed25519" if alg == "EdDSA" else alg)
        world = making.directory(agencies={DYKE: {"keys": [making.key_entry(signer)]}})
        assert code(reheaded(alg, signer=signer), world=world) == "verified"
        assert len(work) == 2
        assert work[0] == work[1]


def test_framing_comes_first() -> None:
    """What is not framed is malformed, and what is too long too large, whoever signed it."""
    assert code("no token") == "malformed"
    assert code("A" * 16_385) == "too-large"
    assert code(making.claims() | {"exp": IAT + 60}) == "malformed"


class TestCosignatures:
    """Detached signatures of the same issuer over the same payload, for the time when algorithms change."""

    NEW = making.key(DYKE, alg="ML-DSA-65")

    @classmethod
    def world(cls) -> Any:
        """The dyke agency has an old key and a new one."""
        return making.directory(
            agencies={DYKE: {"keys": [making.key_entry(making.key(DYKE)), making.key_entry(cls.NEW)]}}
        )

    @staticmethod
    def detached(by: PrivateKey, content: Mapping[str, Any] | None = None) -> str:
        """RFC 7515 appendix F: the token without its payload."""
        header, _, signature = making.signed(content or making.claims(), by).split(".")
        return f"{header}..{signature}"

    def test_one_that_holds(self) -> None:
        """A second signature by another listed key of the issuer is accepted, and kept with the post."""
        second = self.detached(self.NEW)
        assert code(making.claims(), world=self.world(), cosignatures=(second,)) == "verified"

    @pytest.mark.parametrize("why", ["an unknown key", "another agency", "other claims", "another use"])
    def test_one_that_does_not(self, why: str) -> None:
        """A second signature that does not hold makes the whole untrusted."""
        second = {
            "an unknown key": self.detached(generate()),
            "another agency": self.detached(making.key(PARENT)),
            "other claims": self.detached(self.NEW, making.claims(severity="minor")),
            "another use": self.detached(making.key(DYKE, "auth")),
        }[why]
        assert code(making.claims(), world=self.world(), cosignatures=(second,)) == "untrusted"

    def test_each_counts(self) -> None:
        """One good cosignature does not make up for a bad one, and what is none is malformed."""
        good, bad = self.detached(self.NEW), self.detached(generate())
        assert code(making.claims(), world=self.world(), cosignatures=(good, bad)) == "untrusted"
        assert code(making.claims(), world=self.world(), cosignatures=(good, "nonsense")) == "malformed"


def validity(at: datetime = NOW, *, iat: int = IAT, agency: dict[str, Any] | None = None, **key_changes: Any) -> str:
    """The code of step 6, or `valid`, for a statement of that `iat` at that time."""
    entry = making.key_entry(making.key(DYKE), **key_changes)
    world = making.directory(agencies={DYKE: {"keys": [entry], **(agency or {})}})
    try:
        verify.still_valid(making.verified(making.claims() | {"iat": iat}, world=world), at)
    except Refused as refused:
        return refused.code
    return "valid"


class TestKeyValid:
    """Step 6: the key was valid when it signed, and is now; its agency is active."""

    def test_valid(self) -> None:
        """A key within its dates is valid."""
        assert validity() == "valid"

    def test_at_iat(self) -> None:
        """A key that begins after `iat` was not valid when it signed; one that begins at it was."""
        assert validity(valid_from="2026-11-22T01:00:00Z") == "valid"
        assert validity(NOW + timedelta(seconds=9), valid_from="2026-11-22T01:00:01Z") == "key-not-valid"

    def test_now(self) -> None:
        """A key that ended since is not valid, and is over at the very moment of its end."""
        assert validity(NOW + timedelta(seconds=59), valid_until="2026-11-22T01:01:00Z") == "valid"
        assert validity(NOW + timedelta(seconds=60), valid_until="2026-11-22T01:01:00Z") == "key-not-valid"

    def test_iat_ahead(self) -> None:
        """A key that will have ended at an `iat` ahead of now, or that begins between now and then, is not valid."""
        assert validity(iat=IAT + 60, valid_until="2026-11-22T01:00:30Z") == "key-not-valid"
        assert validity(iat=IAT + 60, valid_from="2026-11-22T01:00:30Z") == "key-not-valid"

    def test_an_inactive_agency(self) -> None:
        """The keys of an agency that is not active are not valid."""
        assert validity(agency={"active": False}) == "key-not-valid"

    def test_an_agency_outside_its_dates(self) -> None:
        """Nor are those of an agency whose time is over, or has not come."""
        assert validity(agency={"valid_until": "2026-11-22T01:00:00Z"}) == "key-not-valid"
        assert validity(agency={"valid_from": "2026-11-22T01:00:01Z"}) == "key-not-valid"

    @pytest.mark.parametrize("iat", [253_402_300_800, 10**12, 2**53 - 1])
    def test_signed_beyond_the_calendar(self, iat: int) -> None:
        """No key is valid in the year 10000."""
        assert validity(iat=iat) == "key-not-valid"

    def test_revoked(self) -> None:
        """A key is not valid from the moment of its revocation, whatever it signed before; until then it is."""
        assert validity(revoked={"at": "2026-11-22T01:00:00Z"}) == "key-not-valid"
        assert validity(revoked={"at": "2026-11-22T01:00:01Z"}) == "valid"

    def test_compromised(self) -> None:
        """What was signed since others may have had the key is not believed, though its revocation lies ahead."""
        ahead = "2026-11-23T00:00:00Z"
        assert validity(revoked={"at": ahead, "compromised_since": "2026-11-22T01:00:00Z"}) == "key-not-valid"
        assert validity(revoked={"at": ahead, "compromised_since": "2026-11-22T01:00:01Z"}) == "valid"


@pytest.mark.parametrize(("seconds", "fresh"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_fresh(seconds: int, fresh: bool) -> None:
    """Step 7: `iat` lies within 300 seconds, either way; beyond, the refusal points at it."""
    envelope = making.verified(making.claims())
    if fresh:
        verify.fresh(envelope, NOW + timedelta(seconds=seconds))
        return
    with pytest.raises(Refused) as refused:
        verify.fresh(envelope, NOW + timedelta(seconds=seconds))
    assert (refused.value.code, refused.value.faults[0].path) == ("stale", "/iat")


def test_audience() -> None:
    """Step 8: a statement for another network, even one whose name begins alike, is refused."""
    verify.addressed(making.verified(making.claims()))
    for audience in ("https://nts.example/vn-test", "https://nts.example/v", "https://NTS.example/vn", ""):
        with pytest.raises(Refused) as refused:
            verify.addressed(making.verified(making.claims() | {"aud": audience}))
        assert (refused.value.code, refused.value.faults[0].path) == ("wrong-audience", "/aud")


def test_schema() -> None:
    """Step 9: claims that the schema does not allow are refused with every path; others are read."""
    assert verify.read(making.verified(making.claims())).issuer == DYKE
    with pytest.raises(Refused) as refused:
        verify.read(making.verified(making.claims(severity="terrible", colour="red")))
    paths = {fault.path.removeprefix(making.EVENT) for fault in refused.value.faults}
    assert (refused.value.code, paths) == ("invalid-statement", {"/severity", "/colour"})
