"""The append-only file of a server, as a power cut leaves it."""

from pathlib import Path

from tests.integration.processes import Engine


def file_of(store: Engine) -> Path:
    """Where it appends."""
    (file,) = (store.folder / "appendonlydir").glob("*.incr.aof")
    return file


def length(store: Engine) -> int:
    """Of that file, in bytes."""
    return file_of(store).stat().st_size


def cut(store: Engine, at: int) -> None:
    """What stood from that byte on never reached the disk."""
    with file_of(store).open("rb+") as opened:
        opened.truncate(at)
