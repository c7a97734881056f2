"""What happens in the demo, in its order."""

import asyncio
import time
from dataclasses import dataclass, field

from broker.demo.cast import Cast
from broker.demo.post import Posted, Posters
from broker.demo.progress import Progress
from broker.demo.settling import PATIENCE_S, Settling

REFUSED = (
    "forged",
    "stranger",
    "other-agency",
    "other-use",
    "cosigned",
    "retry",
    "conflict",
    "outside-mandate",
    "not-given",
    "not-its-own",
    "others-recall",
    "nothing-waits",
    "no-reviewer",
    "no-delegation",
    "wrong-digest",
    "cap-disagrees",
    "no-legal-basis",
    "no-neutrality",
    "red-to-many",
    "wider-cancel",
    "no-file-number",
    "no-handling",
    "stale",
    "other-network",
    "old-key",
    "not-framed",
)
"""None of them may reach anybody, nor may the retry a second time."""


@dataclass
class Story:
    """Tells it step by step; `posted` are the rows of the table, in the order of posting."""

    cast: Cast
    posters: Posters
    settling: Settling
    progress: Progress
    posted: list[Posted] = field(default_factory=list)
    _unsettled: set[str] = field(default_factory=set)

    async def tell(self) -> None:
        """All of it."""
        self.progress.step("the coast guard's system is down for maintenance: its subscription is paused")
        await self._pause("coast")
        await self._post("fisherman-missing", "flood-warning", "phishing-indicators", "ransomware", "wanted-notice")
        await self._post("bird-flu", "trafficking", "thai-tip", "typology", "insider")
        await self._settle()
        self.progress.step("what follows from what was delivered: an acknowledgement, an update, a summary")
        await self._post("flood-ack", "flood-update", "scam-summary", "medicine-raid", "drug-evidence")
        await self._settle()
        self.progress.step("what must not get in")
        await self._post(*REFUSED)
        await self._settle()
        await self._until_erased("fisherman-missing")
        self.progress.step("the coast guard is back")
        await self._resume("coast")
        await self._post("piracy", "flood-exercise", "storm-delegated")
        await self._settle()
        await self._post("flood-cancel", "all-clear")
        await self._settle()
        self.progress.step("the directory's registrars suspend the bank: a new version of the directory")
        await self._suspend("bank")
        await self._post("fraud-warning")
        await self._settle()

    async def _post(self, *names: str) -> None:
        for name in names:
            posted = await self.posters.post(name)
            self.posted.append(posted)
            self._unsettled.add(posted.text.issuer)
            self.progress.detail(f"{posted.status or '---'} {posted.answer}: {posted.text.label.lstrip('↳ ')}")

    async def _settle(self) -> None:
        self.progress.detail("waiting until everything is decided and delivered")
        await self.settling.settle(self._unsettled)
        self._unsettled.clear()

    async def _pause(self, agency: str) -> None:
        await self.posters.client(agency).patch(self.cast.subscriptions[agency], state="paused")
        self.settling.absent.add(agency)

    async def _resume(self, agency: str) -> None:
        await self.posters.client(agency).patch(self.cast.subscriptions[agency], state="active")
        self.settling.absent.discard(agency)

    async def _until_erased(self, name: str) -> None:
        """Until its personal data may no longer be kept."""
        erase_after = self.posters.erase_after(name)
        wait = erase_after.timestamp() - time.time()
        if wait > 0:
            self.progress.detail(f"waiting {wait:.0f} s until the fisherman's data may no longer be given")
            await asyncio.sleep(wait + 0.01)

    async def _suspend(self, agency: str) -> None:
        """The hub takes the new version by itself; discovery says when it has."""
        version = self.cast.world.suspend(agency, self.cast.http_origins)
        self.settling.absent.add(agency)
        until = time.monotonic() + PATIENCE_S
        while await self.posters.directory_version() != version:
            if time.monotonic() >= until:
                self.settling.late.append("the hub did not take the new directory")
                return
            await asyncio.sleep(0.05)
