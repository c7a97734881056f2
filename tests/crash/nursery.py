"""A warm parent: everything is imported once, and each life is a fork of it, so that a restart costs milliseconds.

It is a process of its own, without threads and without an event loop, so that forking it is sound.
"""

import asyncio
import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from broker.api.server import listen
from broker.store import link
from tests.crash.lives import Life, live

Ended = Callable[[str, int, int], None]
"""Slot, pid, exit code (negative: the signal that ended it)."""


class Nursery:
    """Forks, signals and buries lives, each in a named slot. Make it before any event loop or thread begins."""

    def __init__(self, bound: socket.socket, log: Path) -> None:
        self._here, there = socket.socketpair()
        self.pids: dict[str, int] = {}
        self.ended: Ended = lambda slot, pid, code: None
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._here.close()
            with suppress(BaseException):
                _serve(there, bound, log)
            os._exit(0)
        there.close()
        self._here.setblocking(False)

    async def listen(self) -> None:
        """Keeps `pids` and calls `ended`, for as long as it runs."""
        loop, rest = asyncio.get_running_loop(), b""
        while data := await loop.sock_recv(self._here, 65_536):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                told = json.loads(line)
                slot, pid, code = told["slot"], told["pid"], told["code"]
                if code is None:
                    self.pids[slot] = pid
                else:
                    if self.pids.get(slot) == pid:
                        del self.pids[slot]
                    self.ended(slot, pid, code)

    def start(self, slot: str, life: Life) -> None:
        self._tell({"start": slot, "life": asdict(life)})

    def signal(self, slot: str, number: int) -> None:
        """To whoever lives in the slot; nothing if it is empty."""
        self._tell({"signal": slot, "number": int(number)})

    def close(self) -> None:
        """Kills whoever is left."""
        self._here.close()
        os.waitpid(self.pid, 0)

    def _tell(self, what: object) -> None:
        self._here.sendall(json.dumps(what).encode() + b"\n")


@contextmanager
def warm_parent(log: Path) -> Iterator[tuple[Nursery, int]]:
    """The parent, and the port that all its ingresses share. To be entered before any event loop or thread begins.

    Whoever ends this program by SIGTERM or SIGINT ends everything that it started.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    bound = listen("127.0.0.1", 0)
    nursery = Nursery(bound, log)
    port = int(bound.getsockname()[1])
    bound.close()
    try:
        yield nursery, port
    finally:
        nursery.close()


def _serve(control: socket.socket, bound: socket.socket, log: Path) -> None:
    """The parent's whole life; it ends when its maker has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    ear.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    for script in (resources.files("broker.store") / "scripts").iterdir():  # so that all lives are of one version
        link._script(script.name.removesuffix(".lua"))
    gc.freeze()
    living: dict[str, int] = {}
    rest = b""
    try:
        while True:
            ready, _, _ = select.select([control, ear], [], [])
            if ear in ready:
                with suppress(BlockingIOError):
                    ear.recv(4_096)
            _bury(living, control)
            if control in ready:
                data = control.recv(65_536)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    _obey(json.loads(line), living, control, bound, log)
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for pid in living.values():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _bury(living: dict[str, int], control: socket.socket) -> None:
    for slot, pid in list(living.items()):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            del living[slot]
            _say(control, slot, pid, os.waitstatus_to_exitcode(status))


def _obey(told: dict, living: dict[str, int], control: socket.socket, bound: socket.socket, log: Path) -> None:  # type: ignore[type-arg]
    if "signal" in told:
        if pid := living.get(told["signal"]):
            os.kill(pid, told["number"])
        return
    slot = told["start"]
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        control.close()
        _become(Life(**told["life"]), bound, log)
    living[slot] = pid
    _say(control, slot, pid, None)


def _become(life: Life, bound: socket.socket, log: Path) -> None:
    code = 70
    try:
        to = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(to, 1)
        os.dup2(to, 2)
        code = live(life, bound)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _say(control: socket.socket, slot: str, pid: int, code: int | None) -> None:
    with suppress(OSError):
        control.sendall(json.dumps({"slot": slot, "pid": pid, "code": code}).encode() + b"\n")
