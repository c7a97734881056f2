"""A page followed as its reader would: all of its shell blocks, one after the other, in an empty folder."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path


def follow(page: Path, folder: Path, *, blocks: int, timeout_s: float) -> str:
    """What it shows. So many blocks must stand there, and all of them work; what they started ends with them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    found = re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert len(found) == blocks
    script = "\n".join(["set -euo pipefail", "trap 'kill $(jobs -p); wait' EXIT", *found])
    environment = {**os.environ, "BROKER_PORT": port, "BROKER_HUB": f"http://127.0.0.1:{port}", "COLUMNS": "120"}
    shell = subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        told, _ = shell.communicate(timeout=timeout_s)
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0, told
    return told
