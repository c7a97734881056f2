"""A key that others may have: what is found, marked and recalled, and what everybody sees (docs/adr/0013)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.compromise import Affected, Compromise, affected
from broker.errors import Refused
from broker.ports.dossiers import Consented
from schemas.base import instant
from tests.unit import making
from tests.unit.making import DYKE, HUB, IAT, NOW, POLICE, PROVINCE, id_of, label
from tests.unit.stages import AGREEMENT, Stages, written

INSPECTOR = "vn.idle"
FIRST, SECOND, OTHER = id_of(DYKE, 1), id_of(DYKE, 2), id_of(DYKE, 3)
KID = making.key(DYKE).kid
SINCE = NOW - timedelta(hours=1)
BEFORE = "2026-11-21T23:59:59.999Z"


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """A hub whose directory names one inspector."""
    return Stages(tmp_path, agencies={INSPECTOR: {"roles": ["inspector"]}})


def signed(id_: str, kid: str = KID, iat: int = IAT, **more: Any) -> Any:
    """An alert to the province by the dyke agency's key, or by another."""
    return label(id_, kid=kid, iat=iat, **{"addressing": {"to": [PROVINCE]}, **more})


async def found(stages: Stages) -> list[Affected]:
    """Whatever was accepted at any time."""
    return await affected(stages.store, HUB, KID, SINCE)


def says(stages: Stages) -> Compromise:
    """The hub's word about the key."""
    services = stages.services
    return Compromise(stages.store, services.keys, stages.snapshot, KID, SINCE, services.clock)


async def marked(stages: Stages, *, recall: bool = False) -> list[bool]:
    """Everything that is found, and routed; whether each was new."""
    said = says(stages)
    fresh = []
    for each in await found(stages):
        fresh.append(await said.mark(each.label))
        if recall:
            fresh.append(await said.recall(each.label))
    await stages.accepted()
    return fresh


def revoke(stages: Stages) -> None:
    """A directory that knows of it."""
    keys = [
        making.key_entry(
            making.key(DYKE), revoked={"at": "2026-11-22T01:00:00Z", "compromised_since": "2026-11-22T00:00:00Z"}
        )
    ]
    changed = making.directory(agreements=[AGREEMENT], agencies={DYKE: {"keys": keys}})
    stages.services.directory.snapshot = changed  # type: ignore[attr-defined] # that of these tests


async def test_each_alert_of_the_key_since_then_is_found_with_whom_it_reached(stages: Stages) -> None:
    """Neither another key's, nor what the key signed before; the issuer's own copy is no receiver."""
    id_ = await stages.subscribe()
    await stages.accepted(
        signed(FIRST), signed(SECOND, kid="other"), signed(OTHER, iat=int(SINCE.timestamp()) - 1, accepted_at=BEFORE)
    )
    await written(await stages.reader(id_))
    await stages.accepted(signed(id_of(DYKE, 4)))
    [one, four] = await found(stages)
    assert (one.label.id, four.label.id) == (FIRST, id_of(DYKE, 4))
    assert [(each.agency, each.subscription, each.how) for each in one.receivers] == [(PROVINCE, id_, "stream")]
    assert (one.owed, four.owed, four.receivers) == ((), (PROVINCE,), ())
    assert not one.marked


async def test_receivers_issuer_and_inspectors_are_told_and_a_repeat_adds_nothing(stages: Stages) -> None:
    """Who was given it gets the notice, issuer and inspectors the hub's challenge, everybody once."""
    ids = {agency: await stages.subscribe(agency) for agency in (PROVINCE, DYKE, INSPECTOR)}
    await stages.accepted(signed(FIRST))
    await written(await stages.reader(ids[PROVINCE]))
    assert await marked(stages) == [True]
    [notice] = await written(await stages.reader(ids[PROVINCE]))
    kept = await stages.store.log.find(notice.alert)
    assert kept is not None
    assert (kept.label.notice, kept.label.references) == ("suspended", (FIRST,))
    for agency in (DYKE, INSPECTOR):
        [challenge] = await written(await stages.reader(ids[agency]))
        assert challenge.alert.startswith(f"{HUB}/")
    assert await marked(stages) == [False]
    assert [await written(await stages.reader(id_)) for id_ in ids.values()] == [[], [], []]
    assert [each.marked for each in await found(stages)] == [True]


async def test_a_recall_by_the_hub_is_its_issuers(stages: Stages) -> None:
    """Its receivers get it, a read answers 410 with its id, and the issuer is told who has erased."""
    id_ = await stages.subscribe()
    await stages.accepted(signed(FIRST))
    await written(await stages.reader(id_))
    assert await marked(stages, recall=True) == [True, True]
    came = [await stages.store.log.find(each.alert) for each in await written(await stages.reader(id_))]
    [recall] = [each for each in came if each is not None and each.label.kind == "recall"]
    assert (recall.label.iss, recall.label.issuer, recall.label.kid) == (
        HUB,
        DYKE,
        stages.services.keys.kid("statement"),
    )
    with pytest.raises(Refused) as refused:
        await stages.services.reading.envelope(stages.caller(), FIRST, None, stages.now)
    assert (refused.value.code, refused.value.more["recall"]) == ("gone", recall.label.id)
    told = await stages.services.reading.deliveries(stages.caller(DYKE), FIRST, stages.now)
    assert told.recall is not None
    assert [(each.agency, each.state) for each in told.recall.agencies] == [(PROVINCE, "told")]
    assert await marked(stages, recall=True) == [False, False]


async def test_what_is_owed_is_not_delivered_once_the_directory_knows(stages: Stages) -> None:
    """Also before anything is marked: release looks at the directory of now; what was signed earlier goes on."""
    id_ = await stages.subscribe()
    early = IAT - 7200
    await stages.accepted(signed(FIRST), signed(SECOND, iat=early, accepted_at=BEFORE))
    revoke(stages)
    assert [each.alert for each in await written(await stages.reader(id_))] == [SECOND]
    assert [each.state for each in await stages.store.dossiers.ends(FIRST)] == ["withheld"]
    [kept] = [each for each in await stages.store.dossiers.decisions(FIRST) if each.outcome == "withheld"]
    stages.services.directory.snapshot = stages.snapshot  # type: ignore[attr-defined] # that of these tests
    alert = await stages.store.log.find(FIRST)
    assert alert is not None
    again, question = await stages.services.giving.judge.again(alert, kept)
    assert again.outcome == "withheld"
    assert question.situation.compromised


async def test_what_it_consented_to_is_taken_back(stages: Stages) -> None:
    """A consent by the key opens nothing any more for whom it named."""
    request = label(
        id_of(POLICE, 5),
        iss=POLICE,
        issuer=POLICE,
        kind="request",
        wants=("onward",),
        onward_to=(POLICE,),
        references=(OTHER,),
    )
    consent = signed(SECOND, kind="consent", granted=True, references=(request.id,), addressed=False)
    await stages.accepted(signed(OTHER, kid="other"), request, consent)
    assert (await stages.store.dossiers.standing(OTHER)).consents == {POLICE}
    await marked(stages)
    assert (await stages.store.dossiers.standing(OTHER)).consents == frozenset()
    await stages.store.dossiers.note(OTHER, Consented(consent.id, (POLICE,), granted=True))  # the router, once more
    assert (await stages.store.dossiers.standing(OTHER)).consents == frozenset()


def test_a_key_is_compromised_from_that_second_on() -> None:
    """At `compromised_since`, and not before; a key without one, or that is not listed, never."""
    told = {"at": "2026-11-22T01:00:00Z", "compromised_since": "2026-11-22T00:00:00Z"}
    keys = [
        making.key_entry(making.key(DYKE), revoked=told),
        making.key_entry(making.key(DYKE, "next"), revoked={"at": told["at"]}),
    ]
    snapshot = making.directory(agencies={DYKE: {"keys": keys}})
    begin = int(instant(told["compromised_since"]).timestamp())
    before = "2026-11-21T23:59:59.999Z"
    assert [snapshot.compromised(KID, begin + by, before) for by in (-1, 0, 1)] == [False, True, True]
    assert not snapshot.compromised(making.key(DYKE, "next").kid, begin, before)
    assert not snapshot.compromised("unknown", begin, before)


def test_a_thief_gains_nothing_by_an_earlier_iat() -> None:
    """`iat` is what the signer says, up to five minutes back; when it was accepted the hub knows."""
    told = {"at": "2026-11-22T01:00:00Z", "compromised_since": "2026-11-22T00:00:00Z"}
    snapshot = making.directory(agencies={DYKE: {"keys": [making.key_entry(making.key(DYKE), revoked=told)]}})
    dated_back = int(instant(told["compromised_since"]).timestamp()) - 200
    assert snapshot.compromised(KID, dated_back, "2026-11-22T00:00:01.000Z")
    assert not snapshot.compromised(KID, dated_back, "2026-11-21T23:59:00.000Z")
