"""What is not yours looks like what does not exist, for the store too: the same calls on it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from broker.api.services import Services
from broker.api.streams import reader_of
from broker.caller import Caller
from broker.errors import Refused
from broker.policy.ways import Way
from broker.ports.alert_log import StoredAlert
from broker.ports.dossiers import Consented, Given, Stood
from broker.settings import Settings
from broker.subscribing import Subscribing
from broker.wiring import wire
from schemas.envelope import SaltedPart
from schemas.requests import Replay
from schemas.subscription import SubscriptionPatch
from schemas.terms import Purpose
from tests.unit import making
from tests.unit.stages import Stages

STRANGER = Caller(making.POLICE, "desk", frozenset({"read", "subscribe"}), Way.READ_BOUND)
OTHERS = making.id_of(making.DYKE, 1)
NEVER = making.id_of(making.DYKE, 99)


class Seen:
    """A port that writes down what is asked of it, and passes it on."""

    def __init__(self, name: str, port: Any, calls: list[str]) -> None:
        self._name, self._port, self._calls = name, port, calls

    def __getattr__(self, member: str) -> Any:
        asked = getattr(self._port, member)
        if not callable(asked):
            return asked

        def passed_on(*words: Any, **more: Any) -> Any:
            self._calls.append(f"{self._name}.{member}")
            return asked(*words, **more)

        return passed_on


class SeenStore:
    """A store all of whose ports are seen."""

    def __init__(self, store: Any) -> None:
        self._store, self.calls = store, []

    def __getattr__(self, name: str) -> Any:
        return Seen(name, getattr(self._store, name), self.calls)


class Place:
    """A hub with an alert and a subscription of others, and a stranger."""

    def __init__(self, folder: Path) -> None:
        self.stages = Stages(folder)
        self.store = SeenStore(self.stages.store)
        plain = self.stages.services
        settings = Settings(folder, folder)
        self.services: Services = wire(settings, self.store, plain.directory, plain.keys, plain.clock)  # type: ignore[arg-type]  # passes all on
        services = self.services
        self.subscribing = Subscribing(
            services.store, services.directory, services.giving, services.voice, services.adapters
        )

    async def asked(self, ask: "Asks", id_: str) -> tuple[list[str], str]:
        """What was asked of the store, and how it was refused."""
        self.store.calls.clear()
        with pytest.raises(Refused) as refused:
            await ask(self, id_)
        return list(self.store.calls), str(refused.value)


Asks = Callable[[Place, str], Awaitable[object]]

OF_ALERTS: dict[str, Asks] = {
    "alert": lambda p, id_: p.services.reading.envelope(STRANGER, id_, Purpose.PREVENTION, making.NOW),
    "receipt": lambda p, id_: p.services.reading.receipt(STRANGER, id_),
    "decisions": lambda p, id_: p.services.reading.decisions(STRANGER, id_, None, None),
    "deliveries": lambda p, id_: p.services.reading.deliveries(STRANGER, id_, making.NOW),
}
OF_SUBSCRIPTIONS: dict[str, Asks] = {
    "subscription": lambda p, id_: p.subscribing.own(STRANGER, id_),
    "change": lambda p, id_: p.subscribing.change(STRANGER, id_, SubscriptionPatch(name="x")),
    "delete": lambda p, id_: p.subscribing.delete(STRANGER, id_),
    "test": lambda p, id_: p.subscribing.test(STRANGER, id_, making.NOW),
    "attempts": lambda p, id_: p.subscribing.attempts(STRANGER, id_, None),
    "dead": lambda p, id_: p.subscribing.dead(STRANGER, id_),
    "dead again": lambda p, id_: p.subscribing.revive(STRANGER, id_, None, making.NOW),
    "replay": lambda p, id_: p.subscribing.replay(STRANGER, id_, Replay(positions="1"), making.NOW),
    "gaps": lambda p, id_: p.subscribing.gaps(STRANGER, id_, "", making.NOW),
    "stream": lambda p, id_: reader_of(p.services, p.subscribing, STRANGER, id_),
}
BIG = {"main": SaltedPart(salt="A" * 43, data="A" * 1_000_000)}
THEIRS: dict[str, Any] = {
    "plain": {},
    "a cancel": {"kind": "cancel", "references": [making.id_of(making.DYKE, 7)]},
    "derived from another": {"handling": {**making.HANDLING, "derived_from": [making.id_of(making.DYKE, 7)]}},
    "for its community": {"addressing": {"to": ["@asean.disaster"], "release_to": ["vn.*"], "not_to": []}},
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Empty, but for its directory."""
    return Place(tmp_path)


@pytest.mark.parametrize("theirs", THEIRS)
@pytest.mark.parametrize("ask", OF_ALERTS)
async def test_an_alert_of_others_costs_what_none_costs(place: Place, ask: str, theirs: str) -> None:
    """The same calls on the store, and the same refusal, whatever the alert is and whatever it references."""
    subscribed = await place.stages.subscribe(making.PROVINCE)
    await place.stages.accepted(making.label(making.id_of(making.DYKE, 7)), making.label(OTHERS, **THEIRS[theirs]))
    assert subscribed
    assert await place.asked(OF_ALERTS[ask], OTHERS) == await place.asked(OF_ALERTS[ask], NEVER)


@pytest.mark.parametrize("ask", OF_ALERTS)
async def test_its_fate_costs_nothing_more(place: Place, ask: str) -> None:
    """The same, once it was recalled, updated, consented to for somebody else, and given to many."""
    await place.stages.accepted(making.label(OTHERS))
    at = "2026-11-22T01:00:00.000Z"
    update = making.id_of(making.DYKE, 8)
    await place.stages.store.dossiers.note(
        OTHERS,
        Stood("recalled", making.id_of(making.DYKE, 7), making.DYKE, at),
        Stood("superseded", update, making.DYKE, at),
        Consented(making.id_of(making.DYKE, 6), (making.PROVINCE,), granted=True),
        *(Given(f"vn.a{n}", "sub_1", at) for n in range(100)),
    )
    assert await place.asked(OF_ALERTS[ask], OTHERS) == await place.asked(OF_ALERTS[ask], NEVER)


@pytest.mark.parametrize("ask", OF_ALERTS)
async def test_its_size_costs_nothing(place: Place, ask: str) -> None:
    """No refusal reads the parts of what it refuses."""
    known = making.label(OTHERS).model_copy(update={"directory": place.stages.snapshot.digest})
    await place.stages.store.log.append(StoredAlert(known, "e30.e30.AA", BIG, receipt="e30.e30.AA"))
    calls, _ = await place.asked(OF_ALERTS[ask], OTHERS)
    assert "log.find" not in calls
    assert "log.label" in calls


@pytest.mark.parametrize("ask", OF_SUBSCRIPTIONS)
async def test_a_subscription_of_others_costs_what_none_costs(place: Place, ask: str) -> None:
    """The same calls on the store, and the same refusal, for every call on a subscription."""
    theirs = await place.stages.subscribe(making.PROVINCE)
    seen = await place.asked(OF_SUBSCRIPTIONS[ask], theirs)
    assert seen == await place.asked(OF_SUBSCRIPTIONS[ask], "sub_never")
    assert seen[0] == ["subscriptions.get"]
