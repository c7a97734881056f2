"""Signed versions as one process of a hub takes them: from its folder, or after another process, one after the other.

What is taken is kept in the store, and noted there as the highest, before it is in force. So a process that starts
begins where the hub stands, whatever its folder holds, and none goes back. What another process took is verified here
too, version by version.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from broker.clock import Clock
from broker.errors import Broken
from broker.trust.advancing import FirstTrust, advance, begin, check_own, still_good
from broker.trust.directory import DirectoryHistory, Highest
from broker.trust.published import NotTaken, Published, open_published
from broker.trust.versions import read_version, versions_in

LONGEST_CHAIN: Final = 100_000
"""So many versions another process may be ahead."""


@dataclass(frozen=True, slots=True)
class Walked:
    """Versions that follow one another, each verified; and why the one after them was refused, if there is one."""

    passed: tuple[Published, ...]
    refused: NotTaken | None


class Taking:
    """The version that is trusted, and the way to the next."""

    def __init__(self, folder: Path, history: DirectoryHistory, first: FirstTrust | None, clock: Clock) -> None:
        self._folder = folder
        self._history = history
        self._first = first
        self._clock = clock
        self._trusted: Published | None = None
        self.refused: NotTaken | None = None
        """Why what lies in the folder beyond `trusted` is not taken."""

    @property
    def trusted(self) -> Published:
        """The last one that was taken."""
        if self._trusted is None:
            raise Broken("The directory was asked before it was opened.")
        return self._trusted

    async def begin(self) -> Published:
        """Where the hub stands by its store, or, for a new hub, where its operator's word and the folder lead.

        NotTaken when there is no such version. It may have expired, if it was taken before.
        """
        highest = await self._history.highest()
        if highest is not None and not await asyncio.to_thread(self._vouched_for_anew, highest):
            self._trusted = await self._kept(highest.digest)
            check_own(self._trusted)
            await self.from_folder()
            return self._trusted
        start = await asyncio.to_thread(self._first_version)
        walked = await asyncio.to_thread(self._walk, start)
        await self._take(Walked((start, *walked.passed), walked.refused))
        return self.trusted

    async def from_folder(self) -> bool:
        """Takes the folder's newer versions, as far as each follows the one before: whether there was one.

        What is refused is in `refused`.
        """
        try:
            return await self._take(await asyncio.to_thread(self._walk, self.trusted))
        except NotTaken as why:
            self.refused = why
            return False

    async def from_others(self) -> bool:
        """Takes what another process of the hub has taken since: whether there was something."""
        highest = await self._history.highest()
        if highest is None or highest.version <= self.trusted.version:
            return False
        following = [each async for each in self._back_from(highest)]
        for new in reversed(following):
            await asyncio.to_thread(advance, self.trusted, new, self._clock())
            self._trusted = new
        return True

    def _walk(self, start: Published) -> Walked:
        """From a trusted version through the folder's newer ones."""
        passed = [start]
        try:
            for new in _after(start, self._folder):
                advance(passed[-1], new, self._clock())
                passed.append(new)
        except NotTaken as why:
            return Walked(tuple(passed[1:]), why)
        return Walked(tuple(passed[1:]), None)

    async def _take(self, walked: Walked) -> bool:
        """The last that has not expired, with those before it: kept, noted, and only then trusted."""
        self.refused = walked.refused
        good = _until_last_good(walked.passed, self._clock())
        if walked.passed and not good:
            still_good(walked.passed[-1].snapshot, self._clock())
        if len(good) < len(walked.passed):
            last = walked.passed[-1]
            self.refused = NotTaken("expired", f"version {last.version} expired {last.snapshot.expires}")
        if not good:
            return False
        for each in good:
            await self._history.keep(each.digest, each.text)
        return await self._note(good[-1])

    async def _note(self, last: Published) -> bool:
        highest = await self._history.take(last.version, last.digest)
        if highest == (last.version, last.digest):
            self._trusted = last
            return True
        if highest.version == last.version:
            self.refused = NotTaken("fork", f"version {highest.version} was taken as {highest.digest}")
        if self._trusted is None:  # another process began with another one at the same moment
            self._trusted = await self._kept(highest.digest)
            return True
        return await self.from_others()

    def _vouched_for_anew(self, highest: Highest) -> bool:
        """The operator names a later version that follows nothing: the way on once registrars have lost their keys."""
        if self._first is None or self._first.digest is None or self._first.digest == highest.digest:
            return False
        later = [path for version, path in versions_in(self._folder).items() if version > highest.version]
        return any(each.digest == self._first.digest and each.claims.previous is None for each in _readable(later))

    def _first_version(self) -> Published:
        """The lowest in the folder for which the operator's word stands."""
        found = versions_in(self._folder)
        if self._first is None:
            told = "give the operator's word for the first version: --directory-trust (BROKER_DIRECTORY_TRUST)"
            raise NotTaken("no-first-trust", told)
        if not found:
            raise NotTaken("unsigned", f"{self._folder} holds no signed version, and one is asked for")
        refused: list[NotTaken] = []
        for path in found.values():
            try:
                new = read_version(path)
                begin(self._first, new, self._clock())
            except NotTaken as why:
                refused.append(why)
            else:
                return new
        raise refused[0]

    async def _back_from(self, highest: Highest) -> AsyncIterator[Published]:
        digest: str | None = highest.digest
        for _ in range(LONGEST_CHAIN):
            if digest == self.trusted.digest:
                return
            published = None if digest is None else await self._kept(digest)
            if published is None or published.version <= self.trusted.version:
                break
            yield published
            digest = published.claims.previous
        raise NotTaken("chain", f"version {highest.version} of the store does not follow {self.trusted.version}")

    async def _kept(self, digest: str) -> Published:
        text = await self._history.document(digest)
        if text is None:
            raise Broken(f"The signed directory {digest} was taken here once, but its text is gone.")
        return open_published(text)


def _after(start: Published, folder: Path) -> Iterator[Published]:
    """The folder's versions after that one. NotTaken where it holds less, or another text for the same number."""
    found = versions_in(folder)
    if found and max(found) < start.version:
        raise NotTaken("rollback", f"the folder ends with version {max(found)}, and {start.version} was taken")
    for version, path in found.items():
        if version == start.version and (same := read_version(path)).digest != start.digest:
            raise NotTaken("fork", f"{path.name} has the digest {same.digest}, and {start.digest} was taken")
        if version > start.version:
            yield read_version(path)


def _until_last_good(passed: Sequence[Published], now: datetime) -> Sequence[Published]:
    """Without those at the end that have expired: a way to a newer one is not yet a place to stay."""
    for length in range(len(passed), 0, -1):
        try:
            still_good(passed[length - 1].snapshot, now)
        except NotTaken:
            continue
        return passed[:length]
    return ()


def _readable(paths: Sequence[Path]) -> Iterator[Published]:
    for path in paths:
        try:
            yield read_version(path)
        except NotTaken:
            continue
