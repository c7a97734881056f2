"""The directory as a folder that is read again when it changes: of signed versions, or of YAML that people review.

Of YAML: every `*.yaml`, `*.yml` and `*.json` in it is a piece: lists of one name are joined, maps are merged, single
values must agree. YAML holds JSON, so a directory that came as JSON lies there as it is.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Hashable
from pathlib import Path
from typing import Any

import structlog
import yaml
from pydantic import ValidationError

from broker.clock import Clock, system_clock
from broker.errors import Broken
from broker.trust import jws
from broker.trust.advancing import FirstTrust
from broker.trust.directory import DirectoryFault, DirectoryHistory, Snapshot
from broker.trust.hubkeys import HubKeys, load_or_make
from broker.trust.published import NotTaken, open_published
from broker.trust.taking import Taking
from broker.trust.versions import versions_in
from schemas.base import instant
from schemas.directory import DirectoryDocument
from schemas.faults import faults

SUFFIXES = frozenset({".yaml", ".yml", ".json"})
LARGEST_FOLDER = 64 * 1024 * 1024
LOOK_EVERY_S = 0.25
MOST_PAST = 64
"""Versions of the past that are held in memory; the others are read again."""

log_line = structlog.get_logger("directory")

Seen = tuple[tuple[str, int, int, int], ...]


class DirectoryFolder:
    """The `Directory` port over a folder: of YAML, or of signed versions (`versions.py`).

    A broken edit, and a version that may not be taken, is told in the log, and the last good one stays. `first` is
    the operator's word for the first signed version; with it, or once the hub has taken a signed version, nothing
    unsigned is taken any more.
    """

    def __init__(
        self,
        folder: Path,
        history: DirectoryHistory,
        first: FirstTrust | None = None,
        clock: Clock = system_clock,
        enter: Callable[[Snapshot], Awaitable[None]] | None = None,
    ) -> None:
        """`enter`: writes each version into the ledger, before it is in force."""
        self._folder = folder
        self._enter = enter
        self._history = history
        self._taking = Taking(folder, history, first, clock)
        self._must_be_signed = first is not None
        self._current: Snapshot | None = None
        self._seen: Seen = ()
        self._keys: HubKeys | None = None
        self._watch: asyncio.Task[None] | None = None
        self._past: dict[str, Snapshot] = {}
        self._clock = clock
        self._told = ""
        self._told_expired = ""

    async def open(self, hub_keys: Path) -> HubKeys:
        """Reads the folder and the hub's keys, and watches for changes. Broken when it cannot be used at all."""
        try:
            self._seen = _look(self._folder)
            snapshot = await self._begin()
        except DirectoryFault as why:
            raise Broken(f"The directory cannot be used: {why}") from None
        self._keys = load_or_make(hub_keys, snapshot)
        await self._use(snapshot)
        self._tell_expired()
        self._watch = asyncio.create_task(self._look_again())
        return self._keys

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch

    def current(self) -> Snapshot:
        if self._current is None:
            raise Broken("The directory was asked before it was opened.")
        return self._current

    async def at(self, digest: str) -> Snapshot:
        if digest not in self._past:
            document = await self._history.document(digest)
            if document is None:
                raise Broken(f"The directory {digest} was in force here once, but its text is gone.")
            while len(self._past) >= MOST_PAST:
                del self._past[next(iter(self._past))]
            self._past[digest] = snapshot_kept(document, digest)
        return self._past[digest]

    async def _begin(self) -> Snapshot:
        """Signed, if the operator, the folder or the hub's own past says so; else the pieces that people write."""
        past = await self._history.highest()
        self._must_be_signed |= past is not None or bool(versions_in(self._folder))
        if not self._must_be_signed:
            log_line.warning("the directory is not signed", folder=str(self._folder))
            return read_folder(self._folder)
        _check_no_pieces(self._folder)
        snapshot = (await self._taking.begin()).snapshot
        self._tell_refused(self._taking.refused)
        return snapshot

    async def _use(self, snapshot: Snapshot) -> None:
        """Kept before it is in force, so that no alert is accepted under a version that is lost later."""
        assert self._keys is not None  # noqa: S101 - open() set it
        if not self._must_be_signed:  # Taking keeps what is signed, signatures and all
            await self._history.keep(snapshot.digest, canonical(snapshot.document))
        if self._enter is not None:
            await self._enter(snapshot)
        self._current = self._past[snapshot.digest] = snapshot.with_hub_keys(self._keys.records)
        log_line.info(
            "directory in force", version=snapshot.version, digest=snapshot.digest, signed=self._must_be_signed
        )

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await (self._reload_signed() if self._must_be_signed else self._reload())
            except Exception as why:  # whatever is wrong with the edit, the last good version stays
                self._tell_refused(why)
            self._tell_expired()

    async def _reload(self) -> None:
        seen = await asyncio.to_thread(_look, self._folder)
        if seen == self._seen:
            return
        self._told = ""
        try:
            snapshot = await asyncio.to_thread(read_folder, self._folder)
        except DirectoryFault:
            self._seen = seen  # it stays wrong until it is changed
            raise
        if snapshot.digest != self.current().digest:
            await self._use(snapshot)
        self._seen = seen  # only now: with the store away, it is tried again

    async def _reload_signed(self) -> None:
        """What another process has taken, then what is new in the folder."""
        await self._taking.from_others()
        await self._use_taken()
        seen = await asyncio.to_thread(_look, self._folder)
        if seen == self._seen:
            return
        self._told = ""
        await self._taking.from_folder()
        await self._use_taken()
        self._seen = seen
        self._tell_refused(self._taking.refused)
        _check_no_pieces(self._folder)

    async def _use_taken(self) -> None:
        taken = self._taking.trusted.snapshot
        if taken.digest != self.current().digest:
            await self._use(taken)

    def _tell_expired(self) -> None:
        """Once for each version: rule 1 withholds everything from now on."""
        current = self.current()
        over = current.expires is not None and instant(current.expires) <= self._clock()
        if over and self._told_expired != current.digest:
            self._told_expired = current.digest
            log_line.error("the directory has expired", version=current.version, expires=current.expires)

    def _tell_refused(self, why: Exception | None) -> None:
        """Once for each thing that is wrong."""
        if why is None or str(why) == self._told:
            return
        self._told = str(why)
        reason = why.reason if isinstance(why, NotTaken) else None
        log_line.error("the directory's change was not taken", why=str(why), reason=reason)


def _check_no_pieces(folder: Path) -> None:
    """A signed hub's folder holds nothing unsigned: whoever edits a file there must not believe that it counts."""
    if pieces := [path.name for path in pieces_in(folder)] if folder.is_dir() else []:
        told = f"{pieces[0]} lies in {folder}, and this hub goes by signed versions alone"
        raise NotTaken("unsigned", told)


def snapshot_kept(text: str, digest: str) -> Snapshot:
    """A version as the history has it: the signed file, or the canonical text of an unsigned one."""
    whole = json.loads(text)
    if "statement" in whole:
        return open_published(text).snapshot
    return Snapshot(snapshot_of(whole).document, digest)


def read_folder(folder: Path) -> Snapshot:
    """The directory that the folder's files make together. DirectoryFault names the file, or the path in the whole."""
    paths = pieces_in(folder)
    if not paths:
        raise DirectoryFault(f"{folder} holds no .yaml, .yml or .json file")
    if sum(path.stat().st_size for path in paths) > LARGEST_FOLDER:
        raise DirectoryFault(f"{folder} holds more than {LARGEST_FOLDER} bytes")
    whole: dict[str, Any] = {}
    for path in paths:
        _join(whole, _read_file(path), path)
    return snapshot_of(whole)


def snapshot_of(whole: dict[str, Any]) -> Snapshot:
    """Checks and indexes a whole directory."""
    try:
        document = DirectoryDocument.model_validate(whole)
    except ValidationError as error:
        told = "; ".join(f"{path}: expected {expected}" for path, expected in faults(error)[:5])
        raise DirectoryFault(told) from None
    return Snapshot(document, digest_of(document))


def canonical(document: DirectoryDocument) -> str:
    """One text for one content: sorted members, no white space."""
    value = document.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_of(document: DirectoryDocument) -> str:
    """Of the canonical text of an unsigned one; a signed one's is that of its statement."""
    return jws.digest_of(canonical(document).encode())


def pieces_in(folder: Path) -> list[Path]:
    """The files that make the directory. DirectoryFault without a folder."""
    if not folder.is_dir():
        raise DirectoryFault(f"{folder} is no folder")
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )


def _look(folder: Path) -> Seen:
    """What tells a change: names, sizes, times and inodes."""
    stats = [(path, path.stat()) for path in (*pieces_in(folder), *versions_in(folder).values())]
    return tuple((path.name, stat.st_size, stat.st_mtime_ns, stat.st_ino) for path, stat in stats)


class _OnceLoader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]  # a base chosen at run time
    """A safe loader that refuses a member that stands twice, and leaves times as text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(names)) != len(names):
            raise yaml.constructor.ConstructorError(None, None, "a member stands twice", node.start_mark)
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]  # untyped base


_OnceLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _read_file(path: Path) -> dict[str, Any]:
    try:
        value = yaml.load(path.read_text("utf-8"), Loader=_OnceLoader)  # noqa: S506 - it derives from the safe loader
    except (yaml.YAMLError, UnicodeDecodeError, OSError, RecursionError) as why:
        raise DirectoryFault(f"{path.name}: {' '.join(str(why).split())}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DirectoryFault(f"{path.name}: expected members such as agencies, communities, agreements")
    return value


def _join(whole: dict[str, Any], piece: dict[str, Any], path: Path) -> None:
    for name, value in piece.items():
        before = whole.get(name)
        if before is None:
            whole[name] = value
        elif isinstance(before, list) and isinstance(value, list):
            whole[name] = [*before, *value]
        elif isinstance(before, dict) and isinstance(value, dict) and not before.keys() & value.keys():
            whole[name] = before | value
        elif before != value:
            raise DirectoryFault(f"{path.name}: {name} says something else than another file")
