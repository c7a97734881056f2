"""The demo's processes: a hub, two webhook receivers, two stream readers. Each is started, and ended, here."""

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from broker.demo.certificate import HOST
from broker.demo.world import Partner, World

START_S = 60.0
STOP_S = 20.0
USUAL_PORT = 8080
NOT_THEIRS = frozenset(
    {"REDIS_URL", "BROKER_ROLE", "BROKER_ISSUER", "BROKER_TLS_CERT", "BROKER_TLS_KEY", "BROKER_TRUSTED_PROXY"}
)
"""Settings of some other hub that may stand in the environment."""


class CastError(Exception):
    """A process did not do what it was started for; the message says which, and the end of its log."""


@dataclass
class System:
    """A partner system: one process for the agencies that it serves."""

    name: str
    partners: list[Partner]
    process: Process
    arrivals: Path
    log: Path
    ports: Mapping[str, int] = field(default_factory=dict)

    async def hear(self) -> dict[str, Any]:
        """Its next line."""
        assert self.process.stdout is not None  # noqa: S101 - it was started with a pipe
        return await _line(self.process.stdout, self.name, self.log)

    def tell(self, **value: Any) -> None:
        assert self.process.stdin is not None  # noqa: S101 - it was started with a pipe
        self.process.stdin.write(json.dumps(value).encode() + b"\n")


@dataclass
class Cast:
    """All of them, in one folder."""

    world: World
    systems: list[System] = field(default_factory=list)
    hub: Process | None = None
    url: str = ""
    subscriptions: dict[str, str] = field(default_factory=dict)
    """By the agency's short name."""

    async def start_systems(self) -> None:
        """They listen; the hub is not there yet."""
        for place in ("systems", "logs"):
            (self.world.folder / place).mkdir()
        by_name: dict[str, list[Partner]] = {}
        for partner in self.world.partners:
            by_name.setdefault(partner.system, []).append(partner)
        for name, partners in by_name.items():
            self.systems.append(await self._start_system(name, partners))
        for system in self.systems:
            system.ports = (await system.hear())["listening"]

    @property
    def http_origins(self) -> dict[str, str]:
        """Of the endpoints without TLS, by short name."""
        return {
            partner.short: f"http://{HOST}:{system.ports['http']}"
            for system in self.systems
            for partner in system.partners
            if partner.way == "http"
        }

    async def start_hub(self, *, usual_port: bool) -> None:
        """`broker serve` with a private server of its own; it is ready when this returns."""
        folder = self.world.folder
        port = USUAL_PORT if usual_port and _is_free(USUAL_PORT) else 0
        arguments = ["serve", "--json", "--host", HOST, "--port", str(port), "--data", str(folder / "data")]
        arguments += ["--directory", str(self.world.directory), "--hub-keys", str(folder / "hub-keys")]
        arguments += ["--outgoing-ca", str(self.world.certificates / "ca.pem")]
        log = folder / "logs" / "hub.log"
        self.hub = await _start("broker", arguments, log)
        assert self.hub.stdout is not None  # noqa: S101 - it was started with a pipe
        said = await _line(self.hub.stdout, "the hub", log)
        if "issuer" not in said:
            raise CastError(f"the hub did not start: {said.get('detail', said)}")
        self.url = said["issuer"]

    async def introduce(self) -> None:
        """The systems are told the hub, and subscribe."""
        for system in self.systems:
            system.tell(hub=self.url)
        shorts = {id_: short for short, id_ in self.world.ids.items()}
        for system in self.systems:
            made = (await system.hear())["subscriptions"]
            self.subscriptions.update({shorts[agency]: id_ for agency, id_ in made.items()})

    def dead(self) -> list[str]:
        """Which have ended by themselves."""
        named = [(system.name, system.process) for system in self.systems] + (
            [("the hub", self.hub)] if self.hub else []
        )
        return [name for name, process in named if process.returncode is not None]

    async def stop(self) -> list[str]:
        """Ends them all, readers first; which of them did not end well."""
        unclean = self.dead()
        for system in self.systems:
            if system.process.stdin is not None:
                system.process.stdin.close()
        ended = [await _ended(system.process, ask=False) for system in self.systems]
        unclean += [system.name for system, well in zip(self.systems, ended, strict=True) if not well]
        if self.hub is not None and not await _ended(self.hub, ask=True):
            unclean.append("the hub")
        return list(dict.fromkeys(unclean))

    async def _start_system(self, name: str, partners: list[Partner]) -> System:
        plain, folder = name.replace(" ", "-"), self.world.folder
        arrivals, log = folder / "systems" / f"{plain}.arrivals.jsonl", folder / "logs" / f"{plain}.log"
        arrivals.touch()
        told = folder / "systems" / f"{plain}.json"
        told.write_text(json.dumps(self._told(partners, arrivals), ensure_ascii=False, indent=1), "utf-8")
        kind = "reader" if partners[0].way == "stream" else "receiver"
        return System(name, partners, await _start(f"broker.demo.{kind}", [str(told)], log), arrivals, log)

    def _told(self, partners: list[Partner], arrivals: Path) -> dict[str, Any]:
        desks = [
            {
                "agency": partner.id,
                "auth_key": str(self.world.key_path(partner.short, "auth")),
                "subscription": partner.subscription,
                "way": partner.way,
            }
            for partner in partners
        ]
        return {
            "desks": desks,
            "directory": str(self.world.directory),
            "arrivals": str(arrivals),
            "certificates": str(self.world.certificates),
        }


async def _start(module: str, arguments: list[str], log: Path) -> Process:
    """In a session of its own: Ctrl-C reaches the demo alone, which ends the others in their turn."""
    environment = {name: value for name, value in os.environ.items() if name not in NOT_THEIRS}
    with log.open("ab") as errors:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            env=environment,
            start_new_session=True,
        )


async def _line(stream: asyncio.StreamReader, name: str, log: Path) -> dict[str, Any]:
    try:
        async with asyncio.timeout(START_S):
            line = await stream.readline()
        value: dict[str, Any] = json.loads(line)
    except (TimeoutError, ValueError):
        raise CastError(f"{name} did not answer:\n{_end_of(log)}") from None
    return value


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


async def _ended(process: Process, *, ask: bool) -> bool:
    """Whether it ends by itself, with 0; `ask` by SIGTERM. One that does not is killed."""
    if ask and process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            return await process.wait() == 0
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
