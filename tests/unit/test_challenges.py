"""A challenge through the stages: whom it reaches, and how long the alert stays suspended (protocol §2.1)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.label import Label
from schemas.subscription import SubscriptionPatch
from tests.unit import making
from tests.unit.making import DYKE, HUB, PROVINCE, REVIEWER, id_of, label
from tests.unit.stages import AGREEMENT, Stages, written

FIRST = id_of(DYKE, 1)
OTHER = "vn.inspect.desk"
"""Another reviewer."""
INSPECTOR = "vn.idle"


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """A hub whose directory names one inspector."""
    return Stages(tmp_path, agencies={INSPECTOR: {"roles": ["inspector"]}, HUB: {"roles": ["witness"]}})


def about(alert: str, kind: str, by: str, number: int, outcome: str, **more: Any) -> Label:
    """What `by` says about the alert."""
    stated = {"kind": kind, "references": [alert], "outcome": outcome, "addressed": False, "expires": None}
    return label(id_of(by, number), iss=by, issuer=by, **stated, **more)


async def suspended(stages: Stages) -> bool:
    """Whether the first alert is."""
    return (await stages.store.dossiers.standing(FIRST)).suspended


async def test_a_challenge_reaches_issuer_and_inspectors(stages: Stages) -> None:
    """Both get it directly; who was given the alert gets a notice, a witness nothing."""
    ids = {agency: await stages.subscribe(agency) for agency in (DYKE, INSPECTOR, PROVINCE, HUB)}
    await stages.accepted(label(FIRST))
    await written(await stages.reader(ids[PROVINCE]))
    challenge = about(FIRST, "challenge", REVIEWER, 2, "suspend")
    await stages.accepted(challenge)
    came = {agency: [each.alert for each in await written(await stages.reader(id_))] for agency, id_ in ids.items()}
    assert came[DYKE] == came[INSPECTOR] == [challenge.id]
    assert came[HUB] == []
    [notice] = came[PROVINCE]
    assert notice.startswith(f"{HUB}/")


async def test_each_reviewers_challenge_stands_until_it_is_withdrawn_or_answered(stages: Stages) -> None:
    """A withdrawal by another, an inspector's ack and a bare `read` leave it; the issuer's answer ends it."""
    await stages.accepted(
        label(FIRST),
        about(FIRST, "challenge", REVIEWER, 2, "suspend"),
        about(FIRST, "challenge", OTHER, 3, "suspend"),
    )
    await stages.accepted(about(FIRST, "challenge", REVIEWER, 4, "withdraw"))
    theirs = id_of(OTHER, 3)
    for by, number, outcome in ((INSPECTOR, 5, "disputes"), (DYKE, 6, "read"), (REVIEWER, 7, "acting")):
        await stages.accepted(about(theirs, "ack", by, number, outcome))
        assert await suspended(stages)
    await stages.accepted(about(theirs, "ack", DYKE, 8, "acting"))
    assert not await suspended(stages)


async def test_what_expires_while_suspended_is_told_as_expired(stages: Stages) -> None:
    """It stays owed as long as the suspension may be withdrawn; once it has expired a notice stands in for it."""
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST), about(FIRST, "challenge", REVIEWER, 2, "suspend"))
    assert await written(await stages.reader(id_)) == []
    assert await stages.store.outbox.depth(id_) == 1
    stages.now += timedelta(days=2)
    [notice] = await written(await stages.reader(id_))
    assert notice.alert.startswith(f"{HUB}/")
    assert [end.state for end in await stages.store.dossiers.ends(FIRST)] == ["expired"]


async def test_notices_follow_the_first_receivers_whatever_ended_since(tmp_path: Path) -> None:
    """Who was given the alert hears that it is suspended though agreement, membership and purpose have ended since."""
    stages = Stages(tmp_path)
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST, addressing={"to": [PROVINCE]}))
    await written(await stages.reader(id_))
    ended = {"valid_until": "2026-11-22T01:00:00Z"}
    changed = making.directory(agreements=[{**AGREEMENT, **ended}], profiles={"disaster": {"required": ["onset"]}})
    stages.services.directory.snapshot = changed  # type: ignore[attr-defined] # that of these tests
    stages.now += timedelta(minutes=1)
    await stages.subscribing.change(stages.caller(), id_, SubscriptionPatch(purpose=["investigation"]))
    challenge = about(FIRST, "challenge", REVIEWER, 2, "suspend")
    await stages.accepted(challenge, label(id_of(DYKE, 3), addressing={"to": [PROVINCE]}))
    [notice] = await written(await stages.reader(id_))
    assert notice.alert.startswith(f"{HUB}/")


async def test_what_was_suspended_goes_on_once_it_may(stages: Stages) -> None:
    """An alert that was owed when it was suspended is given when the challenge is withdrawn."""
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST), about(FIRST, "challenge", REVIEWER, 2, "suspend"))
    assert await written(await stages.reader(id_)) == []
    await stages.accepted(about(FIRST, "challenge", REVIEWER, 3, "withdraw"))
    assert [each.alert for each in await written(await stages.reader(id_))] == [FIRST]
