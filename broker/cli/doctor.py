"""`broker doctor`: what is wrong with this hub, and how to mend it."""

import asyncio
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from broker.cli import options
from broker.cli.options import DEFAULT_DATA, DEFAULT_DIRECTORY, DEFAULT_HOST, DEFAULT_PORT, example
from broker.cli.output import FAILED, show_json

if TYPE_CHECKING:
    from broker.cli.findings import Finding
    from broker.settings import Settings

EXAMPLE = example("broker doctor --directory directory --data broker-data")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLE)(doctor)


def doctor(
    data: options.Data = DEFAULT_DATA,
    directory: options.Directory = DEFAULT_DIRECTORY,
    directory_trust: options.DirectoryTrust = None,
    hub_keys: options.HubKeysFolder = None,
    host: options.Host = DEFAULT_HOST,
    port: options.Port = None,
    issuer: options.Issuer = None,
    tls_cert: options.TlsCert = None,
    tls_key: options.TlsKey = None,
    outgoing_ca: options.OutgoingCa = None,
    redis_url: options.RedisUrl = None,
    replicas: options.Replicas = None,
    as_json: options.AsJson = False,
) -> None:
    """Looks at directory, keys, store, disk, clock, issuer and TLS of a hub with these settings; changes nothing.

    Ends with 1 if something keeps the hub from working.
    """
    from broker import logs
    from broker.cli.findings import Grade, show_findings
    from broker.settings import Settings

    logs.configure(logging.WARNING)  # standard output is the command's
    settings = Settings(
        data=data,
        directory=directory,
        directory_trust=directory_trust,
        hub_keys=hub_keys,
        redis_url=redis_url,
        replicas=replicas,
        host=host,
        port=DEFAULT_PORT if port is None else port,
        issuer=issuer,
        tls_cert=tls_cert,
        tls_key=tls_key,
        outgoing_ca=outgoing_ca,
    )
    found = asyncio.run(_look(settings))
    if as_json:
        show_json([asdict(each) for each in found])
    else:
        show_findings(found)
    if any(each.grade is Grade.ERROR for each in found):
        raise typer.Exit(FAILED)


async def _look(settings: "Settings") -> "list[Finding]":
    """All of it, in the order in which to mend it."""
    from broker.cli.looking_at_directory import look_at_directory, look_at_hub_keys
    from broker.cli.looking_at_machine import look_at_clock, look_at_disk, look_at_settings
    from broker.cli.looking_at_store import look_at_store

    found, snapshot = look_at_directory(settings)
    if snapshot is not None:
        found += look_at_hub_keys(settings, snapshot)
    found += await look_at_store(settings)
    return [*found, *look_at_clock(), look_at_disk(settings), *look_at_settings(settings)]
