"""A world, statements to post, and processes to post them to."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from broker.client.signing import Draft, sign
from broker.trust.keys import PrivateKey, load_jwk
from tests.e2e import world

ISSUER = "vn.mae.dyke"
READER = "vn.moh"


class Setting:
    """One folder with a directory, keys, and statements."""

    def __init__(self, folder: Path, webhook_origin: str, more_origins: Sequence[str] = ()) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        world.write(folder, webhook_origin, datetime.now(UTC))
        self._list(more_origins)
        self.keys: dict[str, Any] = json.loads((folder / "keys.json").read_text())["agencies"]
        self.key: PrivateKey = load_jwk(self.keys[ISSUER]["statement"])

    def _list(self, origins: Sequence[str]) -> None:
        """Lets the reader's endpoints stand at these origins too."""
        file = self.folder / "directory" / "directory.json"
        document = json.loads(file.read_text())
        for agency in document["agencies"]:
            if agency["id"] == READER:
                agency["http_endpoints"] = [*agency.get("http_endpoints", ()), *origins]
        file.write_text(json.dumps(document))

    def statements(self, count: int) -> Path:
        """A file of fresh statements, one a line, signed now."""
        file = self.folder / "statements"
        file.write_text("\n".join(sign(self.key, ISSUER, world.NETWORK, Draft(EVENT)).statement for _ in range(count)))
        return file


EVENT: dict[str, Any] = {
    "kind": "alert",
    "product": "warning",
    "status": "actual",
    "domain": "disaster.flood",
    "urgency": "immediate",
    "severity": "severe",
    "certainty": "observed",
    "expires": (datetime.now(UTC) + timedelta(hours=6)).isoformat(timespec="seconds"),
    "areas": [{"iso": "VN-13"}],
    "headline": {"vi": "Lũ trên sông Hồng vượt báo động 3", "en": "Red River above alarm level 3"},
    "by": "officer-0412",
    "handling": {"tlp": "green", "onward": "none", "purpose": ["prevention"], "personal_data": "none"},
    "addressing": {"to": [READER]},
}


@contextlib.contextmanager
def running(command: Sequence[str], port: int | None, log: Path, **environment: str) -> Iterator[None]:
    """A process while the block runs; with a port, once it answers there."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | environment)
    try:
        if port is not None:
            _await_port(port, process)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def broker(*arguments: str) -> list[str]:
    """Without limits on how fast anybody posts: that is what is measured."""
    return [sys.executable, "-m", "broker", "serve", "--posts-per-s", "0", "--refusals-per-s", "0", *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on {port}")


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return bytes(answer.read())
