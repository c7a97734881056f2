"""The page that begins with nothing, run as it stands."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "first-hub.md"


def test_the_page_works_as_it_stands(tmp_path: Path) -> None:
    """Keys, a directory, a hub, a subscription, an alert: what arrives, and why, is shown at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 5
    script = "\n".join(["set -euo pipefail", "trap 'kill $(jobs -p); wait' EXIT", *blocks])
    environment = {**os.environ, "BROKER_PORT": port, "BROKER_HUB": f"http://127.0.0.1:{port}", "COLUMNS": "120"}
    shell = subprocess.Popen(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        told, _ = shell.communicate(timeout=100)
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0, told
    assert "Lũ trên sông Tiên Yên vượt báo động 3" in told or "Tien Yen river above alarm level 3" in told
    assert "chuyển toàn bộ" in told
