"""The compromise drill, step by step: look, revoke, wait until the hub knows, look again, mark, recall."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from broker.clock import system_clock, told
from broker.compromise import Affected, Compromise, affected
from broker.errors import Broken
from broker.ports.store import Store
from broker.trust.directory import Snapshot
from broker.trust.folder import canonical, snapshot_kept
from broker.trust.hubkeys import load_or_make
from broker.trust.revoking import revoked_record, write_revocation
from broker.trust.versions import versions_in
from schemas.directory import KeyRecord

IN_FORCE_WITHIN_S: Final = 3.0
LOOK_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done; `affected` as it stood before. `to_write`: for registrars, where the directory is signed."""

    done: bool
    affected: tuple[Affected, ...]
    written: tuple[Path, ...] = ()
    version: int | None = None
    in_force: bool = False
    to_write: Mapping[str, str] | None = None
    marked: int = 0
    recalled: int = 0


@dataclass(frozen=True, slots=True)
class Drill:
    """For one key of the directory in that folder, as it is `before`."""

    folder: Path
    hub_keys: Path
    before: Snapshot
    record: KeyRecord
    since: datetime
    recall: bool

    async def look(self, store: Store) -> Sequence[Affected]:
        """What would be marked; changes nothing."""
        return await affected(store, self.before.hub, self.record.kid, self.since)

    async def run(self, store: Store) -> Outcome:
        """Revokes the key first, so that nothing more comes; then finds all there is, and marks it."""
        if not self.hub_keys.is_dir():
            raise Broken(f"The hub's keys are not in {self.hub_keys}: give their folder with --hub-keys.")
        now = told(system_clock())
        to_write = revoked_record(self.before, self.record.kid, now, told(self.since))
        signed = bool(versions_in(self.folder))
        after, written = self.before, tuple[Path, ...]()
        if to_write is not None and not signed:
            after, written = write_revocation(self.folder, self.record.kid, to_write)
        in_force = await self._in_force(store, after, signed=signed)
        known = await _known(store, after)
        says = Compromise(store, load_or_make(self.hub_keys, after), known, self.record.kid, self.since, system_clock)
        found = await self.look(store)
        marked = [await says.mark(each.label) for each in found]
        recalled = [await says.recall(each.label) for each in found if not each.recalled] if self.recall else []
        return Outcome(
            done=True,
            affected=tuple(found),
            written=written,
            version=after.version,
            in_force=in_force and not (signed and to_write),
            to_write=to_write if signed else None,
            marked=sum(marked),
            recalled=sum(recalled),
        )

    async def _in_force(self, store: Store, version: Snapshot, *, signed: bool) -> bool:
        """Whether a hub took it: each version is kept before it is in force."""
        if signed:
            return True
        give_up = asyncio.get_running_loop().time() + IN_FORCE_WITHIN_S
        while await store.directories.document(version.digest) is None:
            if asyncio.get_running_loop().time() > give_up:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
        return True


async def _known(store: Store, version: Snapshot) -> Snapshot:
    """The version that what the hub says names as that of its acceptance: one that the store keeps for ever."""
    highest = await store.directories.highest()
    if highest is not None and (text := await store.directories.document(highest.digest)) is not None:
        return snapshot_kept(text, highest.digest)
    await store.directories.keep(version.digest, canonical(version.document))
    return version
