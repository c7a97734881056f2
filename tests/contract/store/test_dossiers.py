"""`ports.Dossiers`, on every engine."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.ports.dossiers import (
    Acknowledged,
    Consented,
    Decided,
    Ended,
    Exchange,
    Exchanged,
    Given,
    Matched,
    Standing,
    Stood,
)
from broker.store.facts import standing_of
from broker.store.in_redis import RedisStore

ALERT = "vn.mae/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"
AT = "2026-11-22T01:00:00.000Z"
LATER = "2026-11-22T01:00:09.000Z"


def decided(outcome, at=AT, subscription="sub_1", agency="th.police"):
    """A decision whose text would trip a careless encoding."""
    return Decided(agency, subscription, outcome, json.dumps({"way": "một\nhai \u2028 ba"}), "sha256:d1", at)


async def test_empty(store):
    """Of an alert nobody said anything about, nothing is known."""
    dossiers = store.dossiers
    assert await dossiers.standing(ALERT) == Standing()
    for ask in (dossiers.given, dossiers.decisions, dossiers.ends, dossiers.acknowledgements):
        assert await ask(ALERT) == []
    assert not await dossiers.was_given(ALERT, "th.police")
    await dossiers.note(ALERT)


async def test_everything_comes_back(store):
    """Each kind of fact is told as it was noted, and only of its alert."""
    facts = (
        Given("th.police", "sub_1", AT),
        decided("part"),
        Ended("th.police", "sub_1", "delivered", AT),
        Acknowledged("th.police", "th.police/1", "acting", AT),
    )
    await store.dossiers.note(ALERT, *facts)
    assert await store.dossiers.given(ALERT) == [facts[0]]
    assert await store.dossiers.decisions(ALERT) == [facts[1]]
    assert await store.dossiers.ends(ALERT) == [facts[2]]
    assert await store.dossiers.acknowledgements(ALERT) == [facts[3]]
    assert await store.dossiers.given("vn.mae/another") == []


@pytest.mark.parametrize(
    "fact",
    [Stood("recalled", "vn.mae/2", "vn.mae", AT), Consented("vn.mae/3", ("th.police",), granted=False)],
    ids=["recalled", "consent withdrawn"],
)
async def test_nothing_is_given_that_stands_otherwise_by_now(store, fact):
    """Given and decision are noted while the alert stands as it was read; else not a word of either is."""
    given, made = Given("th.police", "sub_1", AT), decided("whole")
    before = await store.dossiers.standing(ALERT)
    await store.dossiers.note(ALERT, fact)
    assert not await store.dossiers.give(ALERT, given, made, before)
    assert await store.dossiers.given(ALERT) == []
    assert await store.dossiers.decisions(ALERT) == []
    assert not await store.dossiers.released_to(ALERT, "th.police")
    now = await store.dossiers.standing(ALERT)
    await store.dossiers.note(ALERT, fact)  # a repeat changes nothing
    assert await store.dossiers.give(ALERT, given, made, now)
    assert await store.dossiers.given(ALERT) == [given]
    assert await store.dossiers.decisions(ALERT) == [made]


async def test_repeats_add_nothing(store):
    """A fact is kept once however often it is said, with the time at which it was first said."""
    for at in (AT, LATER):
        await store.dossiers.note(
            ALERT,
            Given("th.police", "sub_1", at),
            Acknowledged("th.police", "th.police/1", "read", at),
            Stood("cancelled", "vn.mae/2", "vn.mae", at),
        )
    assert await store.dossiers.given(ALERT) == [Given("th.police", "sub_1", AT)]
    assert await store.dossiers.acknowledgements(ALERT) == [Acknowledged("th.police", "th.police/1", "read", AT)]
    assert await store.dossiers.standing(ALERT) == Standing(cancelled_by=("vn.mae/2",))


async def test_was_given(store):
    """An agency was given the alert by any of its subscriptions, or by a read without one; no other agency was."""
    given = Given("th.police", "", AT), Given("vn.mps", "sub_1", AT), Given("vn.mps", "sub_2", AT)
    await store.dossiers.note(ALERT, *given)
    assert await store.dossiers.was_given(ALERT, "th.police")
    assert await store.dossiers.was_given(ALERT, "vn.mps")
    assert not await store.dossiers.was_given(ALERT, "vn.mps.c02")
    assert not await store.dossiers.was_given(ALERT, "vn")
    assert len(await store.dossiers.given(ALERT)) == 3


async def test_decisions_are_a_history(store):
    """A decision that differs from that subscription's last one by more than its time is added, in order."""
    times = [f"2026-11-22T01:00:0{second}.000Z" for second in range(4)]
    outcomes = ("whole", "whole", "withheld", "whole")
    said = [decided(outcome, at) for outcome, at in zip(outcomes, times, strict=True)]
    for each in said:
        await store.dossiers.note(ALERT, each)
    await store.dossiers.note(ALERT, decided("part", subscription="sub_0"))
    assert await store.dossiers.decisions(ALERT) == [decided("part", subscription="sub_0"), said[0], said[2], said[3]]


async def test_matched_is_the_first_decision(store):
    """What was decided for all at once is each subscription's decision, waiting or withheld, until something ends."""
    first = [decided("whole"), decided("withheld", subscription="sub_2"), decided("withheld", subscription="sub_3")]
    matched = Matched((*first, decided("part", agency="vn.mps", subscription="sub_4")), frozenset({"sub_1", "sub_3"}))
    await store.dossiers.note(ALERT, matched)
    assert await store.dossiers.decisions(ALERT) == list(matched.decided)
    ends = {end.subscription: end.state for end in await store.dossiers.ends(ALERT)}
    assert ends == {"sub_1": "waiting", "sub_2": "withheld", "sub_3": "waiting", "sub_4": "withheld"}
    await store.dossiers.note(ALERT, decided("whole", LATER), Ended("th.police", "sub_1", "delivered", LATER))
    assert await store.dossiers.decisions(ALERT) == list(matched.decided)
    assert (await store.dossiers.ends(ALERT))[0] == Ended("th.police", "sub_1", "delivered", LATER)


async def test_released_to(store):
    """Some of it was released to an agency by any decision on any of its subscriptions, whatever was decided since."""
    assert not await store.dossiers.released_to(ALERT, "th.police")
    matched = Matched((decided("withheld"), decided("part", agency="vn.mps", subscription="sub_2")), frozenset())
    await store.dossiers.note(ALERT, matched, decided("withheld", agency="vn.mae", subscription="sub_3"))
    told = {
        agency: await store.dossiers.released_to(ALERT, agency) for agency in ("th.police", "vn.mps", "vn", "vn.mae")
    }
    assert told == {"th.police": False, "vn.mps": True, "vn": False, "vn.mae": False}
    for outcome in ("whole", "withheld"):
        await store.dossiers.note(ALERT, decided(outcome))
    assert await store.dossiers.released_to(ALERT, "th.police")
    assert not await store.dossiers.released_to("vn.mae/another", "th.police")


async def test_released_to_reads_no_decision(address, inside):
    """It is told at the same cost however many were decided for: no decision is read."""
    store = RedisStore(address)
    await store.open()
    await store.dossiers.note(ALERT, decided("whole"))
    (name,) = set(inside.scan_iter("*:decided:*"))
    inside.delete(name)
    assert await store.dossiers.released_to(ALERT, "th.police")
    await store.close()


async def test_matched_again(store):
    """A router that repeats its step adds nothing, and undoes no end; one that decides otherwise is heard."""
    once, later = (Matched((decided("whole", at),), frozenset({"sub_1"})) for at in (AT, LATER))
    await store.dossiers.note(ALERT, once, Ended("th.police", "sub_1", "expired", AT))
    await store.dossiers.note(ALERT, later)
    assert await store.dossiers.decisions(ALERT) == list(once.decided)
    assert [end.state for end in await store.dossiers.ends(ALERT)] == ["expired"]
    other = decided("whole", LATER, subscription="sub_2")
    await store.dossiers.note(ALERT, Matched((other,), frozenset({"sub_2"})))
    assert await store.dossiers.decisions(ALERT) == [*once.decided, other]


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        (["dead", "delivered"], "delivered"),
        (["delivered", "dead"], "delivered"),
        (["dead", "expired"], "expired"),
        (["withheld", "superseded"], "superseded"),
    ],
)
async def test_ends(store, said, stands):
    """The last end counts, but what was delivered stays so."""
    for state in said:
        await store.dossiers.note(ALERT, Ended("th.police", "sub_1", state, f"at-{state}"))
    assert await store.dossiers.ends(ALERT) == [Ended("th.police", "sub_1", stands, f"at-{stands}")]


FACTS = st.one_of(
    st.builds(
        Stood,
        st.sampled_from(["cancelled", "superseded", "recalled", "suspended", "resumed", "approved"]),
        st.sampled_from(["vn.a/1", "vn.a/2", "vn.b/1"]),
        st.sampled_from(["vn.a", "vn.b"]),
        st.just(AT),
    ),
    st.builds(
        Consented,
        st.sampled_from(["vn.a/7", "vn.a/8", "vn.a/9"]),
        st.lists(st.sampled_from(["th.police", "la.police"]), min_size=1, unique=True).map(tuple),
        st.booleans(),
    ),
)


async def test_standing_is_that_of_the_facts(store):
    """The standing is computed from the facts in the order in which each was first noted, whoever repeats them."""
    challenged = [Stood("suspended", "vn.a/1", "vn.a", AT), Stood("suspended", "vn.b/1", "vn.b", AT)]
    await store.dossiers.note(ALERT, *challenged)
    assert (await store.dossiers.standing(ALERT)).suspended
    await store.dossiers.note(ALERT, Stood("resumed", "vn.a/1", "vn.mae", AT))
    assert (await store.dossiers.standing(ALERT)).suspended
    await store.dossiers.note(ALERT, Stood("resumed", "vn.b/2", "vn.b", AT), *challenged)
    assert not (await store.dossiers.standing(ALERT)).suspended
    updates = (Stood("superseded", f"vn.mae/{number}", "vn.mae", AT) for number in (5, 4))
    await store.dossiers.note(ALERT, *updates)
    assert (await store.dossiers.standing(ALERT)).superseded_by == ("vn.mae/5", "vn.mae/4")


async def test_each_reviewer_withdraws_its_own(store):
    """A withdrawal ends the challenges that this reviewer made before it, and nobody else's, nor its later ones."""
    mine = [Stood("suspended", f"vn.a/{number}", "vn.a", AT) for number in (1, 2)]
    await store.dossiers.note(ALERT, *mine, Stood("suspended", "vn.b/1", "vn.b", AT))
    await store.dossiers.note(ALERT, Stood("resumed", "vn.a/3", "vn.a", AT))
    assert (await store.dossiers.standing(ALERT)).suspended
    await store.dossiers.note(ALERT, Stood("resumed", "vn.b/2", "vn.b", AT))
    assert not (await store.dossiers.standing(ALERT)).suspended
    await store.dossiers.note(ALERT, Stood("suspended", "vn.a/4", "vn.a", AT), *mine)
    assert (await store.dossiers.standing(ALERT)).suspended


async def test_many_facts_keep_their_order(store):
    """However many facts there are, the order in which they were noted is kept."""
    causes = tuple(f"vn.mae/{n * 7919 % 1000}" for n in range(1000))
    for begin in range(0, 1000, 100):
        noted = (Stood("superseded", cause, "vn.mae", AT) for cause in causes[begin : begin + 100])
        await store.dossiers.note(ALERT, *noted)
    assert (await store.dossiers.standing(ALERT)).superseded_by == causes


async def test_approvals(store):
    """Every approval is in the standing, the first one first; it ends nothing."""
    for number in (5, 4, 5):
        await store.dossiers.note(ALERT, Stood("approved", f"vn.mae/{number}", "vn.mae", AT))
    standing = await store.dossiers.standing(ALERT)
    assert standing == Standing(approved_by=("vn.mae/5", "vn.mae/4"))
    assert not standing.ended
    for change in ("cancelled", "superseded", "recalled"):
        other = f"vn.mae/{change}"
        await store.dossiers.note(other, Stood(change, "vn.mae/6", "vn.mae", AT))
        assert (await store.dossiers.standing(other)).ended


async def test_consents(store):
    """Who was consented to is in the standing, until another answer refuses."""
    await store.dossiers.note(ALERT, Consented("vn.mae/1", ("th.police", "la.police"), granted=True))
    await store.dossiers.note(ALERT, Consented("vn.mae/2", ("la.police",), granted=False))
    assert (await store.dossiers.standing(ALERT)).consents == {"th.police"}


@given(st.lists(FACTS, max_size=12))
def test_a_withdrawal_frees_of_its_reviewer_alone(facts):
    """Whatever happened, who withdraws leaves nothing of its own standing, and all that others challenged."""
    ours, theirs = (Stood("resumed", f"{agency}/9", agency, AT) for agency in ("vn.a", "vn.b"))
    assert not standing_of([*facts, ours, theirs]).suspended
    of_others = [fact for fact in facts if isinstance(fact, Consented) or fact.by != "vn.a"]
    assert standing_of([*of_others, ours]).suspended == standing_of(of_others).suspended


async def test_side_by_side(store):
    """Facts that are noted side by side are all kept."""
    await asyncio.gather(*(store.dossiers.note(ALERT, Given(f"vn.a{n}", f"sub_{n}", AT)) for n in range(100)))
    assert len(await store.dossiers.given(ALERT)) == 100


async def test_exchanges_of_a_pair(store):
    """Each alert once, first time and whether ever whole, by issuer, reader and month; other partitions' as well."""
    note, other = store.dossiers.note, "th.police/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"
    for whole, at in ((False, AT), (True, LATER), (False, LATER)):
        await note(ALERT, Exchanged("vn.mae", "vn.moh", "2026-11", whole, at))
    given, made = Given("vn.moh", "sub_1", LATER), decided("part", agency="vn.moh")
    await store.dossiers.give(
        other, given, made, Standing(), Exchanged("vn.mae", "vn.moh", "2026-11", whole=False, at=LATER)
    )
    await note(other, Exchanged("vn.mae", "vn.sbv", "2026-11", whole=True, at=AT))
    exchanges = store.dossiers.exchanges
    assert await exchanges("vn.mae", "vn.moh", "2026-11") == [Exchange(other, False, LATER), Exchange(ALERT, True, AT)]
    assert await exchanges("vn.mae", "vn.sbv", "2026-11") == [Exchange(other, True, AT)]
    for nobody in (("vn.moh", "vn.mae", "2026-11"), ("vn.mae", "vn.moh", "2026-12"), ("vn.mae", "vn", "2026-11")):
        assert await exchanges(*nobody) == []
    assert await store.dossiers.given(other) == [given]
    assert await store.dossiers.given(ALERT) == []
