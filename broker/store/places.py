"""Where the private server keeps its files and its socket: folders that are this user's alone."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from broker.errors import Broken

LONGEST: Final = 100
"""Characters of a socket's path: systems allow 103 to 107."""


def socket_path(folder: Path) -> Path:
    """In the folder; where that path is too long, in one of the temporary folder that is named after it."""
    path = folder / "server.sock"
    if len(os.fsencode(path)) <= LONGEST:
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"iab-{os.getuid()}-{name}" / "server.sock"


def private_folder(folder: Path) -> None:
    """Makes it, for this user alone. `Broken` if it is somebody else's."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Broken(f"{folder} is not a folder of this user; move it away.")
    folder.chmod(0o700)
