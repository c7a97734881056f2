"""The directory as a folder of YAML that people review, reloaded when it changes.

Every `*.yaml`, `*.yml` and `*.json` in it is a piece: lists of one name are joined, maps are merged, single values must
agree. YAML holds JSON, so a directory that came as JSON lies there as it is.
"""

import asyncio
import contextlib
import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import structlog
import yaml
from pydantic import ValidationError

from broker.errors import Broken
from broker.trust import jws
from broker.trust.directory import DirectoryFault, DirectoryHistory, Snapshot
from broker.trust.hubkeys import HubKeys, load_or_make
from schemas.directory import DirectoryDocument
from schemas.faults import faults

SUFFIXES = frozenset({".yaml", ".yml", ".json"})
LARGEST_FOLDER = 64 * 1024 * 1024
LOOK_EVERY_S = 0.5

log_line = structlog.get_logger("directory")

Seen = tuple[tuple[str, int, int, int], ...]


class DirectoryFolder:
    """The `Directory` port over a folder. A broken edit is told in the log, and the last good version stays."""

    def __init__(self, folder: Path, history: DirectoryHistory) -> None:
        self._folder = folder
        self._history = history
        self._current: Snapshot | None = None
        self._seen: Seen = ()
        self._keys: HubKeys | None = None
        self._watch: asyncio.Task[None] | None = None
        self._past: dict[str, Snapshot] = {}

    async def open(self, hub_keys: Path) -> HubKeys:
        """Reads the folder and the hub's keys, and watches for changes. Broken when it cannot be used at all."""
        try:
            self._seen = _look(self._folder)
            snapshot = read_folder(self._folder)
        except DirectoryFault as why:
            raise Broken(f"The directory cannot be used: {why}") from None
        self._keys = load_or_make(hub_keys, snapshot)
        await self._use(snapshot)
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
            self._past[digest] = snapshot_of(json.loads(document))
        return self._past[digest]

    async def _use(self, snapshot: Snapshot) -> None:
        """Kept before it is in force, so that no alert is accepted under a version that is lost later."""
        assert self._keys is not None  # noqa: S101 - open() set it
        await self._history.keep(snapshot.digest, canonical(snapshot.document))
        self._current = self._past[snapshot.digest] = snapshot.with_hub_keys(self._keys.records)
        log_line.info("directory in force", version=snapshot.version, digest=snapshot.digest)

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._reload()
            except Exception as why:  # whatever is wrong with the edit, the last good version stays
                log_line.error("the directory's change was not taken", why=str(why))

    async def _reload(self) -> None:
        seen = await asyncio.to_thread(_look, self._folder)
        if seen == self._seen:
            return
        self._seen = seen
        snapshot = await asyncio.to_thread(read_folder, self._folder)
        if self._current is None or snapshot.digest != self._current.digest:
            await self._use(snapshot)


def read_folder(folder: Path) -> Snapshot:
    """The directory that the folder's files make together. DirectoryFault names the file, or the path in the whole."""
    paths = _paths(folder)
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
    """Of the canonical text, for as long as directories are not signed."""
    return jws.digest_of(canonical(document).encode())


def _paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DirectoryFault(f"{folder} is no folder")
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )


def _look(folder: Path) -> Seen:
    """What tells a change: names, sizes, times and inodes."""
    stats = [(path, path.stat()) for path in _paths(folder)]
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
