"""How a process of a hub takes signed versions: from its folder, after others, and after a restart."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from broker.errors import Broken
from broker.store.in_memory import MemoryDirectories
from broker.trust.advancing import FirstTrust
from broker.trust.folder import DirectoryFolder
from broker.trust.published import NotTaken, Published
from broker.trust.taking import Taking
from broker.trust.versions import name_of, write_version
from tests.unit import making
from tests.unit.making import NOW
from tests.unit.registering import NEXT, ONE, THREE, TWO, chain, document, signed

TRUST = FirstTrust(threshold=2, kids=frozenset(key.kid for key in (ONE, TWO, THREE)))
DEADLINE_S = 20


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.now = NOW + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now


def publish(folder: Path, *versions: Published) -> Path:
    """Files of these."""
    for each in versions:
        write_version(folder, each)
    return folder


async def begun(
    folder: Path, history: MemoryDirectories, first: FirstTrust | None = TRUST, clock: Clock | None = None
) -> Taking:
    """A process that has started."""
    taking = Taking(folder, history, first, clock or Clock())
    await taking.begin()
    return taking


class TestBeginning:
    """A hub begins where it stood, or where its operator's word leads."""

    async def test_a_new_hub_goes_through_the_chain(self, tmp_path: Path) -> None:
        """From the first version that its operator vouches for to the last that follows."""
        versions = chain(4)
        history = MemoryDirectories()
        taking = await begun(publish(tmp_path, *versions), history)
        assert taking.trusted.digest == versions[3].digest
        assert await history.highest() == (4, versions[3].digest)
        by_digest = await begun(tmp_path, MemoryDirectories(), FirstTrust(digest=versions[2].digest))
        assert by_digest.trusted.version == 4

    async def test_nothing_vouches(self, tmp_path: Path) -> None:
        """Without the operator's word no version is the first, and an empty folder is none."""
        publish(tmp_path / "full", *chain(1))
        (tmp_path / "empty").mkdir()
        for folder, first, reason in (
            ("full", None, "no-first-trust"),
            ("full", FirstTrust(digest="sha256:" + "0" * 64), "first-trust"),
            ("full", FirstTrust(threshold=1, kids=frozenset({NEXT.kid})), "first-trust"),
            ("empty", TRUST, "unsigned"),
        ):
            with pytest.raises(NotTaken) as why:
                await begun(tmp_path / folder, MemoryDirectories(), first)
            assert why.value.reason == reason

    async def test_a_new_hub_does_not_begin_with_what_has_expired(self, tmp_path: Path) -> None:
        """Freeze: kept from all newer versions, a new hub does not start at all."""
        clock = Clock()
        clock.now = datetime.fromisoformat("2027-06-02T00:00:00+00:00")
        with pytest.raises(NotTaken) as why:
            await begun(publish(tmp_path, *chain(2)), MemoryDirectories(), clock=clock)
        assert why.value.reason == "expired"

    async def test_through_expired_ones_to_one_that_is_not(self, tmp_path: Path) -> None:
        """Versions between may have expired; the last must not."""
        one = signed(document(1, expires="2026-11-22T01:05:00Z"), None)
        two = signed(document(2, expires="2026-11-22T01:06:00Z"), one)
        three = signed(document(3), two)
        taking = await begun(publish(tmp_path, one, two, three), MemoryDirectories())
        assert taking.trusted.version == 3

    async def test_a_restart_is_not_rolled_back(self, tmp_path: Path) -> None:
        """A folder that was put back to older versions, or emptied, does not take a hub back; it says so."""
        versions = chain(3)
        history = MemoryDirectories()
        await begun(publish(tmp_path / "new", *versions), history)
        old = await begun(publish(tmp_path / "old", versions[0]), history)
        assert old.trusted.version == 3
        assert old.refused is not None
        assert old.refused.reason == "rollback"
        assert (await begun(tmp_path / "missing", history)).trusted.version == 3

    async def test_a_restart_with_an_expired_version(self, tmp_path: Path) -> None:
        """It was taken in its time: the hub starts with it, withholds, and takes the next one."""
        versions = chain(2)
        history, clock = MemoryDirectories(), Clock()
        await begun(publish(tmp_path, versions[0]), history, clock=clock)
        clock.now = datetime.fromisoformat("2027-06-02T00:00:00+00:00")
        taking = await begun(tmp_path, history, clock=clock)
        assert taking.trusted.version == 1
        publish(tmp_path, versions[1], signed(document(3, expires="2028-01-01T00:00:00Z"), versions[1]))
        assert await taking.from_folder()
        assert taking.trusted.version == 3

    async def test_another_beginning_needs_the_operators_word(self, tmp_path: Path) -> None:
        """With too many registrars' keys lost nothing can follow: the operator names a new beginning by digest."""
        history = MemoryDirectories()
        versions = chain(2)
        await begun(publish(tmp_path / "old", *versions), history)
        anew = signed(document(3, (NEXT,), 1), None, (NEXT,))
        folder = publish(tmp_path / "new", anew)
        assert (await begun(folder, history)).trusted.version == 2
        assert (await begun(folder, history, FirstTrust(digest=anew.digest))).trusted.version == 3
        older = signed(document(2, (NEXT,), 1), None, (NEXT,))
        back = await begun(publish(tmp_path / "back", older), history, FirstTrust(digest=older.digest))
        assert back.trusted.version == 3

    async def test_a_lost_text_is_told(self, tmp_path: Path) -> None:
        """A hub that knows that it took a version, and has lost it, does not begin with another."""
        history = MemoryDirectories()
        await history.take(5, "sha256:" + "5" * 64)
        with pytest.raises(Broken, match="is gone"):
            await begun(publish(tmp_path, *chain(1)), history)


class TestFollowing:
    """While it runs."""

    async def test_as_far_as_each_follows(self, tmp_path: Path) -> None:
        """What follows is taken up to the first that does not; that one is told, and a mend goes on from there."""
        versions = chain(3)
        taking = await begun(publish(tmp_path, versions[0]), MemoryDirectories())
        bad = signed(document(3, profiles={}), versions[1], (ONE,))
        publish(tmp_path, versions[1], bad)
        assert await taking.from_folder()
        assert taking.trusted.version == 2
        assert taking.refused is not None
        assert taking.refused.reason == "threshold-before"
        assert not await taking.from_folder()
        (tmp_path / name_of(3)).unlink()
        publish(tmp_path, versions[2])
        assert await taking.from_folder()
        assert (taking.trusted.version, taking.refused) == (3, None)

    async def test_what_has_expired_is_not_taken(self, tmp_path: Path) -> None:
        """Freeze: an expired version is refused, and the one before stays."""
        (one,) = chain(1)
        taking = await begun(publish(tmp_path, one), MemoryDirectories())
        publish(tmp_path, signed(document(2, expires="2026-11-22T01:05:00Z"), one))
        assert not await taking.from_folder()
        assert taking.trusted.version == 1
        assert taking.refused is not None
        assert taking.refused.reason == "expired"

    async def test_what_another_process_took(self, tmp_path: Path) -> None:
        """A process whose folder lags takes the version from the store, verified one by one."""
        versions = chain(4)
        history = MemoryDirectories()
        lagging = await begun(publish(tmp_path / "slow", versions[0]), history)
        assert not await lagging.from_others()
        await begun(publish(tmp_path / "fast", *versions), history)
        assert await lagging.from_others()
        assert lagging.trusted.digest == versions[3].digest

    async def test_a_forged_store(self, tmp_path: Path) -> None:
        """A running process does not believe the store: what stands there must follow what it trusts."""
        history = MemoryDirectories()
        (one,) = chain(1)
        taking = await begun(publish(tmp_path, one), history)
        forged = signed(document(2, (NEXT,), 1), one, (NEXT,))
        strange = signed(document(9, (NEXT,), 1), None, (NEXT,))
        for each in (forged, strange):
            await history.keep(each.digest, each.text)
            await history.take(each.version, each.digest)
            with pytest.raises(NotTaken):
                await taking.from_others()
            assert taking.trusted.digest == one.digest

    async def test_of_two_texts_for_one_number_the_first_is_everybodys(self, tmp_path: Path) -> None:
        """Two processes that are shown different texts at the same moment end with the same one."""
        (one,) = chain(1)
        history = MemoryDirectories()
        forks = [signed(document(2, profiles={}), one), signed(document(2), one)]
        both = [await begun(publish(tmp_path / str(number), one), history) for number in (0, 1)]
        for number, fork in enumerate(forks):
            publish(tmp_path / str(number), fork)
        await asyncio.gather(*(each.from_folder() for each in both))
        (digest,) = {each.trusted.digest for each in both}
        assert digest in {fork.digest for fork in forks}
        assert [each.refused.reason for each in both if each.refused is not None] == ["fork"]


async def until(look: Callable[[], bool]) -> None:
    """Waits until that holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not look():
            await asyncio.sleep(0.02)


class TestFolder:
    """The `Directory` port over signed versions."""

    async def test_a_new_version_is_in_force(self, tmp_path: Path) -> None:
        """It is taken while the process runs, under the digest of its statement; old ones are found with theirs."""
        versions = chain(2)
        folder, history = publish(tmp_path / "published", versions[0]), MemoryDirectories()
        directory = DirectoryFolder(folder, history, TRUST, Clock())
        await directory.open(tmp_path / "keys")
        try:
            assert directory.current().digest == versions[0].digest
            publish(folder, versions[1])
            await until(lambda: directory.current().digest == versions[1].digest)
            assert (await directory.at(versions[0].digest)).version == 1
        finally:
            await directory.close()
        later = DirectoryFolder(folder, history, TRUST, Clock())
        await later.open(tmp_path / "keys")
        try:
            assert (await later.at(versions[0].digest)).digest == versions[0].digest
        finally:
            await later.close()

    async def test_once_signed_never_unsigned(self, tmp_path: Path) -> None:
        """A hub that has taken a signed version, or was told to expect one, takes no unsigned one."""
        history = MemoryDirectories()
        await begun(publish(tmp_path / "published", *chain(1)), history)
        plain = tmp_path / "plain"
        plain.mkdir()
        (plain / "a.json").write_text(making_text())
        for stands, first in ((history, None), (MemoryDirectories(), TRUST)):
            with pytest.raises(Broken, match="unsigned"):
                await DirectoryFolder(plain, stands, first, Clock()).open(tmp_path / "keys")

    async def test_pieces_beside_signed_versions_do_not_count(self, tmp_path: Path) -> None:
        """A folder of both is refused at the start; later, pieces change nothing."""
        folder = publish(tmp_path / "published", *chain(1))
        (folder / "a.yaml").write_text("agencies: []")
        with pytest.raises(Broken, match=r"a\.yaml"):
            await DirectoryFolder(folder, MemoryDirectories(), TRUST, Clock()).open(tmp_path / "keys")


def making_text() -> str:
    """An unsigned directory."""
    import json

    return json.dumps(making.document(version=9))
