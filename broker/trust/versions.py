"""A folder of published versions: one file each, written whole or not at all, never changed afterwards."""

import os
import re
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from broker.trust.published import LARGEST, NotTaken, Published, open_published

SUFFIX = ".signed"
_NAME = re.compile(r"version-(\d{6,9})\.signed")


def name_of(version: int) -> str:
    """Names sort as versions do."""
    return f"version-{version:06d}{SUFFIX}"


def versions_in(folder: Path) -> Mapping[int, Path]:
    """By number, the lowest first. Other files, and what a killed `publish` left, are passed over."""
    if not folder.is_dir():
        return {}
    found = {int(named[1]): path for path in folder.iterdir() if (named := _NAME.fullmatch(path.name))}
    return dict(sorted(found.items()))


def read_version(path: Path) -> Published:
    """Opens one. NotTaken when it cannot be read, or is another version than its name says."""
    try:
        if not path.is_file():  # a pipe would be waited for, a device has no end
            raise NotTaken("malformed", f"{path.name} is no file")
        if path.stat().st_size > LARGEST:
            raise NotTaken("malformed", f"{path.name} has more than {LARGEST} bytes")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as why:
        raise NotTaken("malformed", f"{path.name}: {why}") from None
    try:
        published = open_published(text)
    except NotTaken as why:
        raise NotTaken(why.reason, f"{path.name}: {str(why).partition(': ')[2]}") from None
    if path.name != name_of(published.version):
        raise NotTaken("malformed", f"{path.name} holds version {published.version}")
    return published


def write_version(folder: Path, published: Published) -> Path:
    """Adds the file: after a kill or a power cut at any moment it is there whole, or not at all.

    FileExistsError rather than another text for a version that is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name_of(published.version)
    beside = folder / f".{path.name}.{uuid.uuid4().hex}"
    try:
        _write_through(beside, published.text.encode())
        os.link(beside, path)  # unlike a rename, it never replaces
    finally:
        with suppress(OSError):
            beside.unlink()
    _sync(folder)
    return path


def _write_through(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """So that the name outlives a power cut, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
