"""What `broker doctor` looks at: each check says what it found, and how to mend what is wrong."""

import shutil
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from broker.cli.store import running_url
from broker.errors import Broken
from broker.settings import Settings
from broker.store.in_redis import DURABLE
from broker.store.server import program
from broker.trust.directory import DirectoryFault, Snapshot
from broker.trust.folder import read_folder
from broker.trust.hubkeys import USES, held_keys
from schemas.base import instant
from schemas.directory import KeyRecord

SOON = timedelta(days=30)
LITTLE_DISK = 2 * 1024**3
NO_DISK = 256 * 1024**2
CLOCKS_APART_S = 2.0
FAR_APART_S = 60.0


class Grade(StrEnum):
    """How bad it is; an error keeps the hub from working."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing; `mend` is empty where nothing is wrong."""

    about: str
    grade: Grade
    found: str
    mend: str = ""


def examine_directory(settings: Settings) -> tuple[list[Finding], Snapshot | None]:
    """Whether it loads, is in force, and knows its own hub."""
    try:
        snapshot = read_folder(settings.directory)
    except DirectoryFault as why:
        mend = "give the folder with --directory; correct the entry that is named"
        return [Finding("directory", Grade.ERROR, str(why), mend)], None
    found = [Finding("directory", Grade.OK, f"version {snapshot.version}, {snapshot.digest}")]
    if snapshot.expires is not None and instant(snapshot.expires) <= _now() + SOON:
        over = instant(snapshot.expires) <= _now()
        grade = Grade.ERROR if over else Grade.WARNING
        found.append(Finding("directory", grade, f"expires {snapshot.expires}", "publish a version with a later date"))
    if snapshot.agency(snapshot.hub) is None:
        mend = "add an agency with that id, and the hub's keys"
        found.append(Finding("directory", Grade.WARNING, f"has no entry for its hub {snapshot.hub}", mend))
    return found, snapshot


def examine_keys(settings: Settings, snapshot: Snapshot) -> Iterator[Finding]:
    """Whether the hub holds, for each use, a key that the directory gives it."""
    folder = settings.hub_keys or settings.data / "hub-keys"
    held = {key.kid for key in held_keys(folder)} if folder.is_dir() else set()
    records = snapshot.keys_of(snapshot.hub)
    for use in USES:
        about = f"hub key {use}"
        usable = [record for record in records if record.use is use and record.kid in held and _in_force(record)]
        if not usable:
            found = "none that the directory lists is held: the hub makes one, which no other directory knows"
            yield Finding(
                about, Grade.WARNING, found, f"put the private key into {folder}, and its record into the directory"
            )
        elif all(instant(record.valid_until) <= _now() + SOON for record in usable):
            last = max(record.valid_until for record in usable)
            yield Finding(about, Grade.WARNING, f"ends {last}", "make the next one: broker keygen --use " + use)
        else:
            yield Finding(about, Grade.OK, usable[0].kid)
    if folder.is_dir() and folder.stat().st_mode & 0o077:
        yield Finding("hub keys", Grade.WARNING, f"others can look into {folder}", f"chmod 700 {folder}")


async def examine_store(settings: Settings) -> list[Finding]:
    """Whether it answers, keeps what it acknowledges, and tells the same time."""
    url = settings.redis_url or await running_url(settings.data)
    if url is None:
        return [_private_server(settings)]
    try:
        async with Redis.from_url(url, decode_responses=True, socket_timeout=5, socket_connect_timeout=5) as client:
            return [finding async for finding in _ask(client)]
    except (RedisError, OSError, ValueError) as why:
        found = f"does not answer: {type(why).__name__}"  # the message may hold a URL with its password
        return [Finding("store", Grade.ERROR, found, "start it, or correct REDIS_URL")]


async def _ask(client: "Redis") -> AsyncIterator[Finding]:
    server: dict[str, Any] = await client.info("server")
    yield Finding("store", Grade.OK, f"{server.get('server_name', 'redis')} {server.get('redis_version')}")
    persistence: dict[str, Any] = await client.info("persistence")
    if persistence.get("aof_last_write_status", "ok") != "ok":
        yield Finding("store", Grade.ERROR, "the last write to its file failed", "look at its disk and its log")
    try:
        stated = await client.config_get(*DURABLE)
    except ResponseError:
        told = "does not tell its settings: " + ", ".join(f"{name} {value}" for name, value in DURABLE.items())
        yield Finding("durability", Grade.WARNING, told, "make sure of them with whoever runs it")
    else:
        yield _durability(stated)
    before = time.time()
    seconds, microseconds = await client.time()
    yield _clock(seconds + microseconds / 1e6 - (before + time.time()) / 2)


def _durability(stated: Mapping[Any, Any]) -> Finding:
    wrong = [f"{name} {value}" for name, value in DURABLE.items() if stated.get(name) != value]
    if not wrong:
        return Finding("durability", Grade.OK, ", ".join(f"{name} {value}" for name, value in DURABLE.items()))
    found = "it could lose what it acknowledged"
    return Finding("durability", Grade.ERROR, found, "set in its configuration: " + ", ".join(wrong))


def _clock(apart: float) -> Finding:
    if abs(apart) <= CLOCKS_APART_S:
        return Finding("clock", Grade.OK, f"{abs(apart):.3f} s from the store's")
    grade = Grade.ERROR if abs(apart) > FAR_APART_S else Grade.WARNING
    found = f"{abs(apart):.1f} s {'behind' if apart > 0 else 'ahead of'} the store's; statements are taken within 300 s"
    return Finding("clock", grade, found, "let both machines keep time by NTP")


def _private_server(settings: Settings) -> Finding:
    try:
        found = f"a private server, not running now; it would be {program()}"
    except Broken as why:
        return Finding("store", Grade.ERROR, str(why), "install one of these, or give REDIS_URL")
    return Finding("store", Grade.OK, f"{found}, in {settings.data / 'store'}")


def examine_disk(settings: Settings) -> Finding:
    """Whether there is room where the hub writes."""
    place = next(each for each in (settings.data.absolute(), *settings.data.absolute().parents) if each.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / 1024**3:.1f} GiB free at {place}"
    if free >= LITTLE_DISK:
        return Finding("disk", Grade.OK, found)
    grade = Grade.ERROR if free < NO_DISK else Grade.WARNING
    return Finding("disk", grade, found, "make room, or move the data folder")


def examine_issuer(settings: Settings) -> Finding:
    """Whether the URL that clients sign for is one that they can use."""
    url = settings.origin()
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        return Finding("issuer", Grade.ERROR, f"{url} is no origin", "scheme, host and port alone: https://hub.example")
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.hostname in {"0.0.0.0", "::"}:  # noqa: S104 - recognised, not bound
        return Finding("issuer", Grade.ERROR, f"{url} is no address that others can reach", "give --issuer")
    if parts.scheme == "http" and not local:
        return Finding(
            "issuer", Grade.WARNING, f"{url} is not https", "give --tls-cert and --tls-key, or a proxy with TLS"
        )
    return Finding("issuer", Grade.OK, url)


def examine_tls(settings: Settings) -> Iterator[Finding]:
    """Whether certificate and key load, belong together, are in date and name the issuer."""
    if settings.tls_cert is None or settings.tls_key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.tls_cert, settings.tls_key)
        certificate = x509.load_pem_x509_certificates(settings.tls_cert.read_bytes())[0]
    except (OSError, ValueError) as why:
        yield Finding("TLS", Grade.ERROR, f"certificate and key cannot be used: {why}", "check both files, as PEM")
        return
    ends = certificate.not_valid_after_utc
    if ends <= _now() + SOON:
        grade = Grade.ERROR if ends <= _now() else Grade.WARNING
        yield Finding("TLS", grade, f"the certificate ends {ends.isoformat()}", "renew it, and start the hub again")
        return
    yield Finding("TLS", Grade.OK, f"valid until {ends.date().isoformat()}")


async def examine(settings: Settings) -> list[Finding]:
    """All of it, in the order in which to mend it."""
    found, snapshot = examine_directory(settings)
    if snapshot is not None:
        found += examine_keys(settings, snapshot)
    found += await examine_store(settings)
    return [*found, examine_disk(settings), examine_issuer(settings), *examine_tls(settings)]


def _in_force(record: KeyRecord) -> bool:
    return record.revoked is None and instant(record.valid_from) <= _now() < instant(record.valid_until)


def _now() -> datetime:
    return datetime.now(UTC)
