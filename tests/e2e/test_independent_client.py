"""A stranger's client against a real hub, each a process of its own."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
_BUILD = _HERE.parents[1] / "build"
_BROKER = Path(sys.executable).parent / "broker"
_READY_WITHIN_S = 40
_RUN_WITHIN_S = 150


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_a_client_written_from_the_contract_alone_interoperates(tmp_path: Path) -> None:
    """A program that knows only the contract and the RFCs, without our packages, finds every promise kept."""
    python, (port, other) = _own_python(), _free_ports()
    receiver = f"http://127.0.0.1:{other}"
    subprocess.run([sys.executable, _HERE / "world.py", tmp_path, "--webhook-origin", receiver], check=True)
    hub = f"http://127.0.0.1:{port}"
    client: list[str | Path] = [python, "-E", "-X", "utf8", _HERE / "independent_client.py", "--hub", hub]
    client += ["--keys", tmp_path / "keys.json", "--webhook-origin", receiver]
    with _serving(tmp_path, port):
        run = subprocess.run(client, capture_output=True, text=True, timeout=_RUN_WITHIN_S, check=False)
    wrong = [line for line in run.stdout.splitlines() if not line.startswith("ok ")]
    assert run.returncode == 0, "\n".join([*wrong, run.stderr, _end_of(tmp_path / "hub.log")])


def _own_python() -> Path:
    """The interpreter of a virtual environment that holds nothing but what a stranger needs; kept between runs."""
    python = _BUILD / "independent-venv" / "bin" / "python"
    probe: list[str | Path] = [python, "-c", "import cryptography, httpx2"]
    if not python.exists() or subprocess.run(probe, check=False).returncode:
        subprocess.run([sys.executable, "-m", "venv", "--clear", python.parents[1]], check=True)
        install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "cryptography>=50", "httpx2>=2.16"], check=True)
    return python


def _free_ports() -> tuple[int, int]:
    """Two ports that nobody has, and that differ."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@contextmanager
def _serving(folder: Path, port: int) -> Iterator[None]:
    """A hub with its embedded server, from ready to stopped."""
    command: list[str | Path] = [
        _BROKER,
        "serve",
        "--directory",
        folder / "directory",
        "--hub-keys",
        folder / "hub-keys",
    ]
    command += ["--data", folder / "data", "--port", str(port)]
    with (folder / "hub.log").open("wb") as log:
        hub = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_ready(hub, port, folder / "hub.log")
        yield
    finally:
        hub.terminate()
        try:
            hub.wait(timeout=30)
        except subprocess.TimeoutExpired:
            hub.kill()
            hub.wait()


def _wait_until_ready(hub: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    give_up = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < give_up and hub.poll() is None:
        if _is_ready(port):
            return
        time.sleep(0.1)
    pytest.fail(f"the hub was not ready within {_READY_WITHIN_S} s:\n{_end_of(log)}")


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:  # http is meant
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _end_of(log: Path, characters: int = 4000) -> str:
    return log.read_text(errors="replace")[-characters:]
