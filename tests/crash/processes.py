"""The processes that are killed: a Redis-compatible server, an ingress, a router, a courier. Each is started again."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from broker.store.server import program

ROLES = ("redis", "ingress", "router", "courier")


@dataclass
class Processes:
    """Starts each by its command, and again whenever it is found dead."""

    folder: Path
    port: int
    directory: Path
    hub_keys: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def redis_url(self) -> str:
        return f"unix://{self.folder / 'redis.sock'}"

    def start_missing(self) -> None:
        for role in ROLES:
            process = self.running.get(role)
            if process is None or process.poll() is not None:
                self.running[role] = self._start(role)

    def kill(self, role: str) -> None:
        """SIGKILL: no warning, no clean-up."""
        process = self.running[role]
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        for role in reversed(ROLES):
            process = self.running.pop(role, None)
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{role}.log").open("ab")
        with log:
            return subprocess.Popen(
                self._command(role), stdout=log, stderr=log, env=self._environment(), cwd=self.folder
            )

    def _command(self, role: str) -> list[str]:
        if role == "redis":
            settings = ["--port", "0", "--unixsocket", str(self.folder / "redis.sock"), "--dir", str(self.folder)]
            durable = [
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                "--save",
                "",
                "--maxmemory-policy",
                "noeviction",
            ]
            return [str(program()), *settings, *durable]
        command = [sys.executable, "-m", "broker", "serve", "--role", role, "--data", str(self.folder / "data")]
        command += ["--directory", str(self.directory), "--hub-keys", str(self.hub_keys)]
        return [*command, "--port", str(self.port)] if role == "ingress" else command

    def _environment(self) -> dict[str, str]:
        issuer = f"http://127.0.0.1:{self.port}"
        return os.environ | {"REDIS_URL": self.redis_url, "BROKER_ISSUER": issuer}
