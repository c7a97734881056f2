"""Whether the machine and the options of one process are such that a hub can run: files, disk, issuer, certificates."""

import ctypes
import os
import ssl
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from shutil import disk_usage
from urllib.parse import urlsplit

from cryptography import x509

from broker.cli.findings import SOON, Finding, Grade, now
from broker.settings import Settings
from broker.store.address import FORMS, address_of

LITTLE_DISK = 2 * 1024**3
TIMEX_BYTES = 512
"""More than struct timex has; all zero, nothing is changed (adjtimex(2))."""
TIME_ERROR = 5
NO_DISK = 256 * 1024**2


def look_at_settings(settings: Settings) -> Iterator[Finding]:
    """What can be told from the options alone; with an error among them, `broker serve` does not begin."""
    yield from _data(settings)
    yield _issuer(settings)
    yield from _redis_url(settings)
    yield from _tls(settings)
    yield from _outgoing(settings)


def look_at_disk(settings: Settings) -> Finding:
    """Whether there is room where the hub writes."""
    place = _nearest(settings.data)
    return disk(disk_usage(place).free, place)


def disk(free: int, place: Path) -> Finding:
    """`free` bytes at `place`. A private server takes nothing more below 128 MiB, a full disk ends in 503."""
    found = f"{free / 1024**3:.1f} GiB free at {place}"
    if free >= LITTLE_DISK:
        return Finding("disk", Grade.OK, found)
    grade = Grade.ERROR if free < NO_DISK else Grade.WARNING
    return Finding("disk", grade, found, "make room, or move the data folder")


def look_at_clock() -> Iterator[Finding]:
    """Whether something keeps this machine's clock in step, as far as its kernel tells."""
    ask = getattr(ctypes.CDLL(None), "adjtimex", None)
    if ask is not None and ask(ctypes.create_string_buffer(TIMEX_BYTES)) == TIME_ERROR:
        found = "the kernel says that nothing keeps it in step; statements are taken within 300 s"
        yield Finding("clock", Grade.WARNING, found, "run an NTP client: chrony or systemd-timesyncd")


def _nearest(folder: Path) -> Path:
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())


def _data(settings: Settings) -> Iterator[Finding]:
    place = _nearest(settings.data)
    if not place.is_dir():
        yield Finding("data", Grade.ERROR, f"{place} is no folder", "give a folder with --data")
    elif not os.access(place, os.W_OK | os.X_OK):
        mend = f"give it to the hub's user: chown {os.getuid()} {place}"
        yield Finding("data", Grade.ERROR, f"{place} cannot be written to", mend)


def _issuer(settings: Settings) -> Finding:
    """Whether the URL that clients sign for is one that they can use."""
    url = settings.origin()
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        mend = "give scheme, host and port alone: --issuer https://hub.example"
        return Finding("issuer", Grade.ERROR, f"{url} is no origin", mend)
    if parts.hostname in {"0.0.0.0", "::"}:  # noqa: S104 - recognised, not bound
        mend = "give --issuer, the hub's URL as others see it"
        return Finding("issuer", Grade.ERROR, f"{url} is no address that others can reach", mend)
    if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        mend = "give --tls-cert and --tls-key, or a proxy with TLS and --issuer https://…"
        return Finding("issuer", Grade.WARNING, f"{url} is not https", mend)
    return Finding("issuer", Grade.OK, url)


def _redis_url(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url is None:
        return
    try:
        address_of(settings.redis_url)
    except ValueError:  # its message may repeat the password
        yield Finding("store", Grade.ERROR, "REDIS_URL (--redis-url) is no URL of a Redis", FORMS)


def _tls(settings: Settings) -> Iterator[Finding]:
    """Whether certificate and key load, belong together, and are in date."""
    if settings.tls_cert is None or settings.tls_key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.tls_cert, settings.tls_key)
        certificate = x509.load_pem_x509_certificates(settings.tls_cert.read_bytes())[0]
    except (OSError, ValueError) as why:
        mend = f"check {settings.tls_cert} and {settings.tls_key}: PEM, the key of that certificate"
        yield Finding("TLS", Grade.ERROR, f"certificate and key cannot be used ({_why(why)})", mend)
        return
    yield certificate_until(certificate.not_valid_after_utc)


def certificate_until(ends: datetime) -> Finding:
    """By when the hub's own certificate has to be renewed."""
    if ends > now() + SOON:
        return Finding("TLS", Grade.OK, f"valid until {ends.date().isoformat()}")
    grade, word = (Grade.ERROR, "ended") if ends <= now() else (Grade.WARNING, "ends")
    return Finding("TLS", grade, f"the certificate {word} {ends.isoformat()}", "renew it, and start the hub again")


def _outgoing(settings: Settings) -> Iterator[Finding]:
    if settings.outgoing_ca is None:
        return
    try:
        ssl.create_default_context(cafile=settings.outgoing_ca)
    except OSError as why:
        mend = "give a file of certificates (PEM)"
        yield Finding("outgoing TLS", Grade.ERROR, f"{settings.outgoing_ca} cannot be used ({_why(why)})", mend)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
