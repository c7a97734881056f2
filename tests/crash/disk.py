"""Small disks that a test may fill: a tmpfs each, where whoever runs it may mount one."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FILLER = "filler"
PAGE = 4096


class NoDiskError(Exception):
    """No tmpfs can be mounted here; says what `mount` said."""


@contextmanager
def small_disk(place: Path, mib: int, *, keep: bool = False) -> Iterator[Path]:
    """The folder `place` is a disk of so many MiB while the block runs, and is unmounted however the block ends.

    `keep`: what lies on it then stays in the folder, without filler and sockets. Raises `NoDiskError`.
    """
    place.mkdir(mode=0o700, exist_ok=True)
    try:
        _mount(place, mib)
        yield place
    finally:
        if place.is_mount():  # asked, since a signal may end `_mount` when it has mounted
            copy = place.with_name(f"{place.name}-kept")
            try:
                if keep:
                    shutil.copytree(place, copy, ignore=shutil.ignore_patterns(FILLER, "*.sock"))
            finally:
                subprocess.run(["umount", "--lazy", place], check=True)
            if keep:
                place.rmdir()
                copy.rename(place)


def why_none() -> str:
    """Why no small disk can be had here; "" where one can."""
    with tempfile.TemporaryDirectory(prefix="disk-") as made:
        try:
            with small_disk(Path(made) / "disk", 1):
                return ""
        except NoDiskError as why:
            return str(why)


def fill(place: Path) -> None:
    """Not a byte is left on the small disk `place`; may be called again, when something was freed."""
    if not place.is_mount():
        raise NoDiskError(f"{place} is no disk of its own")
    with (place / FILLER).open("ab") as file, suppress(OSError):
        if free := shutil.disk_usage(place).free:
            os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free)
        while True:  # whatever else is written meanwhile
            os.pwrite(file.fileno(), bytes(PAGE), file.seek(0, os.SEEK_END))


def empty(place: Path) -> None:
    """What `fill` took is free again."""
    (place / FILLER).unlink(missing_ok=True)


def _mount(place: Path, mib: int) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=700", "tmpfs", place]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as why:
        raise NoDiskError(str(why)) from why
    if made.returncode != 0:
        raise NoDiskError(made.stderr.strip() or f"mount ended with {made.returncode}")
