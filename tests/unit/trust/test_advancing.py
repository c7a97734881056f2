"""From one version to the next: each attack on the directory, and the stable reason with which it is refused."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from broker.trust import jws
from broker.trust.advancing import FirstTrust, advance, begin, still_good, tally
from broker.trust.keys import PrivateKey
from broker.trust.published import (
    TYP,
    NotTaken,
    Published,
    open_proposal,
    open_published,
    put_together,
    sign_apart,
)
from tests.unit import making
from tests.unit.making import DYKE, HUB, NETWORK, NOW, PARENT, PROVINCE
from tests.unit.registering import (
    HELD,
    NEXT,
    ONE,
    THREE,
    TWO,
    agencies,
    chain,
    changed,
    document,
    proposal,
    signed,
)

LATER = NOW + timedelta(hours=1)
TRUST = FirstTrust(threshold=2, kids=frozenset(key.kid for key in (ONE, TWO, THREE)))


@pytest.fixture(scope="module")
def first() -> Published:
    """Version 1."""
    return chain(1)[0]


def refused(trusted: Published, new: Published) -> str:
    """The reason."""
    with pytest.raises(NotTaken) as why:
        advance(trusted, new, LATER)
    return why.value.reason


def test_a_version_that_two_of_three_signed_follows(first: Published) -> None:
    """Any two of the three registrars of the version before make the next; its digest is that of its statement."""
    for by in ((ONE, TWO), (TWO, THREE), (THREE, ONE), (ONE, TWO, THREE)):
        new = signed(document(2), first, by)
        taken = advance(first, new, LATER)
        assert (taken.version, taken.digest) == (2, jws.statement_digest(new.framed.token))


def test_every_algorithm_counts() -> None:
    """Ed25519, ES256 and ML-DSA-65 registrars sign side by side."""
    keys = {alg: making.key("x", alg=alg) for alg in ("ES256", "ML-DSA-65")}
    entries = agencies() | {
        HUB: {"keys": [making.key_entry(key, "registrar") for key in keys.values()]},
    }
    registrars = (ONE, *keys.values())
    one = signed(document(1, registrars, 3, agencies=entries), None, registrars)
    assert begin(FirstTrust(digest=one.digest), one, LATER).version == 1
    assert advance(one, signed(document(2, registrars, 3, agencies=entries), one, registrars[::-1]), LATER).version == 2


class TestAttacks:
    """Each is refused, with a reason that does not change."""

    def test_rollback(self) -> None:
        """An older version, validly signed, is not taken again."""
        one, two, three = chain(3)
        assert refused(three, two) == refused(three, one) == "rollback"

    def test_another_text_for_the_same_version(self) -> None:
        """Two texts for one number, both validly signed, are a fork: the one that was taken stays."""
        one, two = chain(2)
        other = signed(document(2, profiles={}), one)
        assert refused(two, other) == "fork"

    def test_a_gap(self, first: Published) -> None:
        """A version is not taken without the ones between, which might have taken its signers' right away."""
        assert refused(first, signed(document(3), first)) == "gap"

    def test_mix_and_match_of_histories(self, first: Published) -> None:
        """A version made from another history, or from none, does not follow."""
        stranger = signed(document(1, profiles={}), None)
        assert refused(first, signed(document(2), stranger)) == "chain"
        assert refused(first, signed(document(2), None)) == "chain"

    def test_another_network(self, first: Published) -> None:
        """What the same registrars sign for the exercise network never counts here, whatever its audience says."""
        other = signed(document(2, network="https://nts.example/exercise"), first)
        assert refused(first, other) == "other-network"
        claims = dict(signed(document(2), first).framed.claims) | {"aud": "https://nts.example/exercise"}
        assert refused(first, _resigned(claims, (ONE, TWO))) == "other-network"

    def test_below_the_threshold(self, first: Published) -> None:
        """One signature of two is not enough."""
        assert refused(first, signed(document(2), first, (ONE,))) == "threshold-before"

    def test_one_signer_twice(self, first: Published) -> None:
        """Two signatures by one key are one signer, also when they are different texts."""
        new = signed(document(2), first, (ONE,))
        again = sign_apart(ONE, new.framed.token.rpartition(".")[0])
        assert refused(first, changed(new, cosignatures=[again, again])) == "threshold-before"

    def test_of_two_signatures_by_one_key_the_first_counts(self, first: Published) -> None:
        """A bad one behind it takes nothing away."""
        new = signed(document(2), first)
        bad = sign_apart(TWO, proposal(document(2, profiles={}), first))
        (good,) = json.loads(new.text)["cosignatures"]
        assert advance(first, changed(new, cosignatures=[good, bad]), LATER).version == 2

    def test_another_algorithm_than_the_keys(self, first: Published) -> None:
        """The record fixes the algorithm, whatever the header says."""
        new = signed(document(2), first, (ONE,))
        header = jws.encode(json.dumps({"alg": "ES256", "kid": TWO.kid, "typ": TYP}).encode())
        payload = new.framed.token.split(".")[1]
        signature = jws.encode(TWO.sign(f"{header}.{payload}".encode()))
        assert refused(first, changed(new, cosignatures=[f"{header}..{signature}"])) == "threshold-before"

    def test_nothing_follows_a_version_without_registrars(self) -> None:
        """Nobody could have signed it."""
        whole = document(1)
        del whole["registrars"]
        last = signed(whole, None)
        assert refused(last, signed(document(2), last)) == "threshold-before"

    def test_a_wrong_registrar(self, first: Published) -> None:
        """A key of use registrar that the version before does not name as one does not count, nor does a stranger's."""
        assert refused(first, signed(document(2), first, (ONE, NEXT))) == "threshold-before"
        stranger = making.key("nobody", "registrar")
        assert refused(first, signed(document(2), first, (ONE, stranger))) == "threshold-before"

    @pytest.mark.parametrize("use", ["statement", "auth", "receipt", "log", "webhook"])
    def test_a_stolen_hub_key(self, first: Published, use: str) -> None:
        """Keys of other uses, the hub's above all, make no version, even together with a registrar."""
        entries = agencies() | {HUB: {"keys": [making.key_entry(making.key(HUB, use), use)]}}
        one = signed(document(1, agencies=entries), None)
        new = signed(document(2, agencies=entries), one, (ONE, making.key(HUB, use)))
        with pytest.raises(NotTaken, match=f"a key of use {use}, and no registrar") as why:
            advance(one, new, LATER)
        assert why.value.reason == "threshold-before"

    def test_a_signature_that_does_not_hold(self, first: Published) -> None:
        """A registrar's signature over another text counts for nothing."""
        other = sign_apart(TWO, proposal(document(2, profiles={}), first))
        assert refused(first, changed(signed(document(2), first, (ONE,)), cosignatures=[other])) == "threshold-before"

    def test_new_registrars_without_the_old(self, first: Published) -> None:
        """Whoever names themselves registrars is none: the old ones must sign."""
        new = signed(document(2, (NEXT, THREE), 1), first, (NEXT,))
        assert refused(first, new) == "threshold-before"

    def test_new_registrars_that_cannot_sign(self, first: Published) -> None:
        """The old ones alone cannot hand over to keys that nobody holds."""
        new = signed(document(2, (NEXT, THREE), 2), first, (ONE, TWO))
        assert refused(first, new) == "threshold-own"

    def test_a_change_of_registrars_is_signed_by_both(self, first: Published) -> None:
        """Signed by the threshold of the old and of the new, it is taken; from then on the new ones decide."""
        two = signed(document(2, (NEXT, THREE), 2), first, (ONE, TWO, NEXT, THREE))
        assert advance(first, two, LATER).version == 2
        assert refused(two, signed(document(3, (NEXT, THREE), 2), two, (ONE, TWO))) == "threshold-before"
        assert advance(two, signed(document(3, (NEXT, THREE), 2), two, (THREE, NEXT)), LATER).version == 3

    def test_a_revoked_registrar(self) -> None:
        """A key that the version before revokes does not count, whatever time the thief writes."""
        revoked = agencies(**{PROVINCE: {"revoked": {"at": "2026-11-23T00:00:00Z"}}})
        one = signed(document(1), None)
        two = signed(document(2, agencies=revoked), one, (ONE, THREE))
        advance(one, two, LATER)
        assert refused(two, signed(document(3, agencies=revoked), two, (ONE, TWO))) == "threshold-before"

    def test_a_registrar_whose_time_is_over(self) -> None:
        """A key counts while it is valid at the time that the version states, which no version before states later."""
        ended = agencies(**{PROVINCE: {"valid_until": "2026-11-22T01:00:30Z"}})
        one = signed(document(1, agencies=ended), None, (ONE, THREE), NOW)
        late = signed(document(2, agencies=ended), one, (ONE, TWO), NOW + timedelta(minutes=5))
        assert refused(one, late) == "threshold-before"
        before = signed(document(2, agencies=ended), one, (ONE, TWO), NOW - timedelta(minutes=5))
        assert refused(one, before) == "chain"

    def test_a_version_from_the_future(self, first: Published) -> None:
        """A version that was proposed later than now is not taken before its time."""
        assert refused(first, signed(document(2), first, now=LATER + timedelta(minutes=6))) == "future"

    def test_the_end_of_the_line(self, first: Published) -> None:
        """A version without registrars is not taken: nothing could follow it."""
        whole = document(2)
        del whole["registrars"]
        assert refused(first, signed(whole, first)) == "threshold-own"

    def test_a_version_without_an_end(self, first: Published) -> None:
        """A signed version has a time at which it expires: without, an old one could be kept up for ever."""
        assert refused(first, signed(document(2, expires=None), first)) == "malformed"

    def test_freeze(self, first: Published) -> None:
        """An expired version may lead to a newer one, and is not one to stay with."""
        over = signed(document(2, expires="2026-11-22T01:30:00Z"), first)
        with pytest.raises(NotTaken) as why:
            still_good(advance(first, over, LATER), LATER)
        assert why.value.reason == "expired"
        three = signed(document(3), over)
        still_good(advance(over, three, LATER), LATER)

    def test_another_agencys_name(self, first: Published) -> None:
        """The issuer is the agency of the key that signs the statement."""
        claims = dict(signed(document(2), first).framed.claims) | {"iss": DYKE}
        assert refused(first, _resigned(claims, (ONE, TWO))) == "malformed"

    def test_a_registrar_who_leaves(self, first: Published) -> None:
        """May lead once more: a key that the new version does not list any more still signs it, by the one before."""
        entries = agencies()
        entries[PARENT]["keys"] = entries[PARENT]["keys"][:2]
        two = signed(document(2, (TWO, THREE), 2, agencies=entries), first, (ONE, TWO, THREE))
        assert advance(first, two, LATER).key(ONE.kid) is None

    def test_no_end_is_no_good(self) -> None:
        """What never expires is not one to stay with either."""
        with pytest.raises(NotTaken, match="expired"):
            still_good(making.directory(), LATER)

    def test_the_statement_itself_must_be_signed(self, first: Published) -> None:
        """Cosignatures enough do not save a statement whose own signature is a stranger's."""
        stranger = making.key("nobody", "registrar")
        new = signed(document(2), first, (stranger, ONE, TWO))
        assert refused(first, new) == "threshold-own"


def _resigned(claims: dict[str, object], by: tuple[object, ...]) -> Published:
    lead = by[0]
    token = jws.sign(lead, TYP, claims)  # type: ignore[arg-type]  # a private key
    text = token.rpartition(".")[0]
    return open_published(put_together(text, [sign_apart(key, text) for key in by]))  # type: ignore[arg-type]  # the same


class TestFirstTrust:
    """A hub begins with what its operator vouches for, and with nothing else."""

    def test_by_digest(self, first: Published) -> None:
        """The very version whose digest was given, signed by its own registrars."""
        assert begin(FirstTrust(digest=first.digest), first, LATER).version == 1
        other = signed(document(1, profiles={}), None)
        with pytest.raises(NotTaken) as why:
            begin(FirstTrust(digest=first.digest), other, LATER)
        assert why.value.reason == "first-trust"
        alone = signed(document(1), None, (ONE,))
        with pytest.raises(NotTaken) as why:
            begin(FirstTrust(digest=alone.digest), alone, LATER)
        assert why.value.reason == "threshold-own"

    def test_by_registrars(self, first: Published) -> None:
        """Any version that enough of the known registrars signed."""
        assert begin(TRUST, first, LATER).version == 1
        mine = signed(document(1, (NEXT,), 1), None, (NEXT,))
        with pytest.raises(NotTaken) as why:
            begin(TRUST, mine, LATER)
        assert why.value.reason == "first-trust"

    @pytest.mark.parametrize("by", [making.key(PARENT), making.key("nobody", "registrar")])
    def test_known_kids_are_registrars_keys(self, by: PrivateKey) -> None:
        """A kid that the operator named counts if the version lists it as a key of use registrar, and only then."""
        with pytest.raises(NotTaken) as why:
            begin(FirstTrust(threshold=1, kids=frozenset({by.kid})), signed(document(1), None, (ONE, TWO, by)), LATER)
        assert why.value.reason == "first-trust"

    @pytest.mark.parametrize(
        ("text", "good"),
        [
            ("sha256:" + "0" * 64, True),
            (f"1:{ONE.kid}", True),
            (f"2:{ONE.kid},{TWO.kid}", True),
            ("", False),
            ("sha256:" + "0" * 63, False),
            (f"0:{ONE.kid}", False),
            (f"2:{ONE.kid},{ONE.kid}", False),
            (f"3:{ONE.kid},{TWO.kid}", False),
            ("2:", False),
            (ONE.kid, False),
        ],
    )
    def test_how_it_is_written(self, text: str, good: bool) -> None:
        """A digest, or a threshold that the kids can meet; nothing else, and never none."""
        if good:
            assert FirstTrust.read(text)
        else:
            with pytest.raises(ValueError, match="digest of a version"):
                FirstTrust.read(text)


class TestForm:
    """What is not of the form is refused before anything is looked at."""

    @pytest.mark.parametrize(
        "break_it",
        [
            lambda text: "",
            lambda text: "[]",
            lambda text: text[:-1],
            lambda text: text.replace('"cosignatures"', '"others"'),
            lambda text: text[:-1] + ', "statement": "x"}',
            lambda text: json.dumps({"statement": "a.b.c", "cosignatures": []}),
            lambda text: json.dumps({"statement": 1}),
            lambda text: json.dumps({**json.loads(text), "cosignatures": ["x"]}),
            lambda text: json.dumps({**json.loads(text), "cosignatures": json.loads(text)["cosignatures"] * 40}),
            lambda text: json.dumps({**json.loads(text), "statement": json.loads(text)["statement"] + "="}),
        ],
    )
    def test_files(self, first: Published, break_it: Callable[[str], str]) -> None:
        """Other JSON, members that stand twice or are unknown, tokens that are none, too many signatures."""
        with pytest.raises(NotTaken) as why:
            open_published(break_it(first.text))
        assert why.value.reason == "malformed"

    @pytest.mark.parametrize(
        "claims",
        [
            {"iat": "now"},
            {"aud": [NETWORK]},
            {"previous": "sha256:short"},
            {"more": 1},
            {"directory": {}},
            {"directory": None},
        ],
    )
    def test_claims(self, first: Published, claims: dict[str, object]) -> None:
        """Other claims than the five, or of other types."""
        with pytest.raises(NotTaken) as why:
            _resigned(dict(first.framed.claims) | claims, (ONE, TWO))
        assert why.value.reason == "malformed"

    def test_another_typ(self, first: Published) -> None:
        """An alert's statement, or a receipt, that a registrar's key signed is no directory."""
        token = jws.sign(ONE, "secevent+jwt", first.framed.claims)
        with pytest.raises(NotTaken) as why:
            open_published(json.dumps({"statement": token}))
        assert why.value.reason == "malformed"

    def test_keys_that_no_directory_may_hold(self) -> None:
        """A weak or misnamed key makes the whole version malformed, whoever signed it."""
        one = chain(1)[0]
        claims = json.loads(json.dumps(one.framed.claims))
        key = claims["directory"]["agencies"][0]["keys"][0]
        key["jwk"]["x"] = jws.encode(bytes([1]) + bytes(31))
        with pytest.raises(NotTaken) as why:
            _resigned(claims, (ONE, TWO))
        assert why.value.reason == "malformed"


class TestSigningApart:
    """The digest is known before anybody signs, and does not depend on who does beside the lead."""

    def test_the_digest_is_that_of_the_proposal(self, first: Published) -> None:
        """What `export` tells is what is published, whoever signs, in whatever order the signatures come."""
        text = proposal(document(2), first, ONE)
        told = open_proposal(text)[1]
        by = [sign_apart(key, text) for key in (THREE, TWO, ONE)]
        assert {open_published(put_together(text, some)).digest for some in (by, by[1:], by[::-1])} == {told}

    def test_without_the_lead_there_is_none(self, first: Published) -> None:
        """The statement is completed by its lead alone."""
        text = proposal(document(2), first, ONE)
        with pytest.raises(NotTaken, match="lead"):
            put_together(text, [sign_apart(TWO, text), sign_apart(THREE, text)])

    def test_the_tally_says_who_and_why_not(self, first: Published) -> None:
        """Whose signatures count, and of each other one why it does not."""
        new = signed(document(2), first, (ONE, NEXT, TWO))
        kids = [key.kid for key in (ONE, TWO, THREE)]
        counted, others = tally(new, first.snapshot, kids)
        assert counted == {ONE.kid, TWO.kid}
        assert others == {NEXT.kid: "a key of use registrar, and no registrar"}
        assert set(HELD) == {PARENT, PROVINCE, "th.police", DYKE}
