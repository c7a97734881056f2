"""Writes into a folder of YAML that a key is revoked, and since when others may have had it.

The text stays as people wrote it, comments and order included: one member is added, and the version counted up.
"""

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from broker.trust.directory import DirectoryFault, Snapshot
from broker.trust.folder import pieces_in, read_folder
from schemas.base import instant

Edit = tuple[int, int, str]
"""From where to where in the text, and what stands there instead."""


def revoked_record(before: Snapshot, kid: str, at: str, since: str) -> Mapping[str, str] | None:
    """What the key's record is to say. None where it says that already, for this time or an earlier one.

    The first `at` stays: from then on the key signed nothing that counted.
    """
    record = before.key(kid)
    if record is None:
        raise DirectoryFault(f"{kid} is no key of this directory")
    told = record.revoked
    if told is not None and told.compromised_since is not None and instant(told.compromised_since) <= instant(since):
        return None
    return {"at": told.at if told is not None else at, "compromised_since": since}


def write_revocation(folder: Path, kid: str, revoked: Mapping[str, str]) -> tuple[Snapshot, tuple[Path, ...]]:
    """The directory with that member under the key, and the files that were changed.

    DirectoryFault when the key is in none of the files, or the change would leave a directory that cannot be used:
    then every file is as it was.
    """
    before = read_folder(folder)
    texts = {path: path.read_text("utf-8") for path in pieces_in(folder)}
    edits = {path: [*_revoking(text, kid, revoked), *_counting(text, before.version)] for path, text in texts.items()}
    if not any(kid in text and edits[path] for path, text in texts.items()):
        raise DirectoryFault(f"{kid} stands in no file of {folder}")
    changed = tuple(path for path in texts if edits[path])
    try:
        for path in changed:
            _replace(path, _edited(texts[path], edits[path]))
        return read_folder(folder), changed
    except DirectoryFault:
        for path in changed:
            _replace(path, texts[path])
        raise


def _revoking(text: str, kid: str, revoked: Mapping[str, str]) -> Iterator[Edit]:
    if kid not in text:
        return
    told = json.dumps(revoked)
    for node in _mappings(yaml.compose(text, Loader=yaml.SafeLoader)):
        members = {name.value: (name, value) for name, value in node.value if isinstance(name, yaml.ScalarNode)}
        if "jwk" in members and "kid" in members and members["kid"][1].value == kid:
            yield _under(node, members, told)


def _under(node: yaml.MappingNode, members: Mapping[str, tuple[yaml.Node, yaml.Node]], told: str) -> Edit:
    """The member itself, or right after the `kid`."""
    if "revoked" in members:
        value = members["revoked"][1]
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            raise DirectoryFault(f"a key is revoked already: write at line {value.start_mark.line + 1} revoked: {told}")
        return value.start_mark.index, value.end_mark.index, told if value.value else f" {told}"
    named, held = members["kid"]
    after = held.end_mark.index
    before = ', "revoked": ' if node.flow_style else f"\n{' ' * named.start_mark.column}revoked: "
    return after, after, before + told


def _counting(text: str, version: int) -> Iterator[Edit]:
    """Of the file that states the version."""
    if "version" not in text:
        return
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for name, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if name.value == "version" and isinstance(value, yaml.ScalarNode):
            yield value.start_mark.index, value.end_mark.index, str(version + 1)


def _mappings(node: Any) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _mappings(value)


def _edited(text: str, edits: list[Edit]) -> str:
    for begin, end, instead in sorted(edits, reverse=True):
        text = text[:begin] + instead + text[end:]
    return text


def _replace(path: Path, text: str) -> None:
    """A hub that reads meanwhile sees the old text or the new one."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, path.stat().st_mode & 0o777)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
