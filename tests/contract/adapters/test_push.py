"""What every push adapter promises (`adapters/base.py`), against a real receiver."""

import asyncio
from dataclasses import replace

import pytest

from adapters.allowance import Allowance
from adapters.base import Delivered, Refused, Unreachable
from adapters.outgoing import Outgoing
from adapters.registry import ADAPTERS
from tests.contract.adapters.conftest import PATIENCE_S, Delivering, Names, until
from tests.contract.adapters.counterparts import Manner, Taken
from tests.contract.adapters.entries import ENTRIES


def test_every_push_adapter_is_in_the_suite() -> None:
    """Whoever registers an adapter that pushes holds it to these promises."""
    assert {name for name, transport in ADAPTERS.items() if transport.push} <= {entry.name for entry in ENTRIES}


@pytest.mark.parametrize("size", [2, 70_000, 5_000_000])
async def test_text_arrives_as_it_is(deliver: Delivering, size: int) -> None:
    """The receiver gets exactly the parcel's bytes, small or large, and says so with its status."""
    parcel = deliver.parcel(text=bytes(range(32, 127)) * (size // 95) + "đã ký".encode())
    assert isinstance(await deliver(parcel), Delivered)
    assert deliver.counterpart.taken == [Taken(parcel.delivery, parcel.text)]


async def test_attempts_share_the_delivery(deliver: Delivering) -> None:
    """A receiver can tell a repeat: the delivery's id is equal over attempts, and differs between deliveries."""
    for attempt, delivery in ((1, "dlv_a"), (2, "dlv_a"), (1, "dlv_b")):
        await deliver(deliver.parcel(delivery=delivery, attempt=attempt, timestamp=1_795_309_200 + attempt))
    assert [taken.delivery for taken in deliver.counterpart.taken] == ["dlv_a", "dlv_a", "dlv_b"]


async def test_deliveries_side_by_side(deliver: Delivering) -> None:
    """Concurrent deliveries do not mix."""
    parcels = [deliver.parcel(delivery=f"dlv_{n}", text=f"{n}".encode() * 999) for n in range(40)]
    outcomes = await asyncio.gather(*(deliver(parcel) for parcel in parcels))
    assert all(isinstance(outcome, Delivered) for outcome in outcomes)
    taken = sorted(deliver.counterpart.taken, key=lambda each: int(each.delivery[4:]))
    assert taken == [Taken(parcel.delivery, parcel.text) for parcel in parcels]


async def test_connections_are_used_again(deliver: Delivering) -> None:
    """One delivery after the other needs one connection."""
    for _ in range(5):
        await deliver()
    assert deliver.counterpart.connected == 1


async def test_a_refusal_is_no_delivery(deliver: Delivering) -> None:
    """A receiver that answers and does not take it has refused."""
    deliver.counterpart.manner = Manner.REFUSES
    assert isinstance(await deliver(), Refused)


@pytest.mark.parametrize(
    "manner",
    [Manner.STALLS, Manner.DRIPS, Manner.CLOSES_MIDWAY, Manner.CLOSES_UNANSWERED, Manner.BABBLES],
    ids=lambda manner: manner.name.lower(),
)
async def test_no_answer_is_no_delivery(deliver: Delivering, manner: Manner) -> None:
    """Without a whole answer within the time-out the fault is the receiver's, and nothing stays open."""
    deliver.counterpart.manner = manner
    async with asyncio.timeout(PATIENCE_S):
        outcome = await deliver(deliver.parcel(text=b"0" * 3_000_000))
    assert isinstance(outcome, Unreachable)
    assert outcome.fault == "theirs"
    await until(lambda: deliver.counterpart.open_connections() == 0)


@pytest.mark.parametrize("manner", [Manner.TALKS_ON, Manner.TRICKLES], ids=lambda manner: manner.name.lower())
async def test_an_answer_without_end_is_cut_off(deliver: Delivering, manner: Manner) -> None:
    """Once the receiver said that it has it, what else it says is read for a moment, and no further."""
    deliver.counterpart.manner = manner
    async with asyncio.timeout(PATIENCE_S):
        outcome = await deliver()
    assert isinstance(outcome, Delivered)
    await until(lambda: deliver.counterpart.open_connections() == 0)


async def test_nobody_listens(deliver: Delivering, closed_port: int) -> None:
    """A closed port is told as the receiver's fault, by its cause."""
    deliver.counterpart.port = closed_port
    outcome = await deliver()
    assert isinstance(outcome, Unreachable)
    assert (outcome.error, outcome.fault) == ("connection refused", "theirs")


async def test_an_unknown_name(deliver: Delivering) -> None:
    """A name that does not resolve is told."""
    outcome = await deliver(deliver.parcel("nowhere.example"))
    assert isinstance(outcome, Unreachable)
    assert (outcome.error, outcome.fault) == ("the name does not resolve", "theirs")


async def test_a_certificate_that_nobody_vouches_for(deliver: Delivering, names: Names) -> None:
    """Nothing is said to a receiver whose certificate leads to no authority that is trusted."""
    async with Outgoing(lookup=names) as trusting_the_machine_alone:
        outcome = await deliver(means=replace(deliver.means, outgoing=trusting_the_machine_alone))
    assert isinstance(outcome, Unreachable)
    assert outcome.error.startswith("TLS: ")
    assert deliver.counterpart.taken == []


async def test_a_certificate_for_another_name(deliver: Delivering, names: Names) -> None:
    """Nothing is said to a receiver that shows a certificate for somebody else."""
    names.answers["other.example"] = [["127.0.0.1"]]
    outcome = await deliver(deliver.parcel("other.example"))
    assert isinstance(outcome, Unreachable)
    assert outcome.error.startswith("TLS: ")
    assert deliver.counterpart.taken == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "receiver.example", "[::ffff:127.0.0.1]", "127.1", "2130706433", "[::]"]
)
async def test_a_private_address_is_not_called(deliver: Delivering, names: Names, host: str) -> None:
    """Unless the directory opened it, no connection is made to an address that is not global, however it is written."""
    names.answers["localhost"] = [["127.0.0.1"]]
    outcome = await deliver(deliver.parcel(host), replace(deliver.means, allowance=Allowance()))
    assert isinstance(outcome, Unreachable)
    assert outcome.fault == "theirs"
    assert deliver.counterpart.connected == 0


async def test_one_bad_address_taints_a_name(deliver: Delivering) -> None:
    """A name with several addresses is called at none of them when one is forbidden."""
    assert isinstance(await deliver(deliver.parcel("mixed.example")), Unreachable)
    assert deliver.counterpart.connected == 0


async def test_the_checked_address_is_the_one_called(deliver: Delivering, names: Names) -> None:
    """A name is asked once a connection: what it answers later cannot change where the call goes."""
    assert isinstance(await deliver(deliver.parcel("moves.example")), Delivered)
    assert names.asked == ["moves.example"]


async def test_an_allowance_is_not_lent_on(deliver: Delivering) -> None:
    """A connection made under one agency's allowance is not used for another's call."""
    assert isinstance(await deliver(), Delivered)
    assert isinstance(await deliver(means=replace(deliver.means, allowance=Allowance())), Unreachable)
    assert len(deliver.counterpart.taken) == 1


async def test_without_tls_only_where_the_directory_says_so(deliver: Delivering) -> None:
    """Plain http is for origins that the directory lists; opening a network is not enough."""
    settings = {
        name: value.replace("https://", "http://") if isinstance(value, str) else value
        for name, value in deliver.parcel().settings.items()
    }
    outcome = await deliver(deliver.parcel(settings=settings))
    assert isinstance(outcome, Unreachable)
    assert deliver.counterpart.connected == 0


async def test_the_environment_has_no_say(deliver: Delivering, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment is not used: it would go where we may not."""
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert isinstance(await deliver(), Delivered)


async def test_cancelled_leaves_nothing(deliver: Delivering) -> None:
    """A cancelled delivery ends at once, and closes its connection; no task is left."""
    deliver.counterpart.manner = Manner.STALLS
    parcel = deliver.parcel()
    delivering = asyncio.create_task(deliver(parcel))
    await until(lambda: bool(deliver.counterpart.taken))
    delivering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivering
    await until(lambda: deliver.counterpart.open_connections() == 0)
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_a_failure_does_not_touch_others(deliver: Delivering) -> None:
    """After a delivery that failed in the middle, the next one goes through."""
    deliver.counterpart.manner = Manner.CLOSES_UNANSWERED
    assert isinstance(await deliver(), Unreachable)
    deliver.counterpart.manner = Manner.TAKES
    assert isinstance(await deliver(), Delivered)
