"""`broker serve`: a hub, or one role of it."""

from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli import options
from broker.cli.options import (
    DEFAULT_CALLS_PER_S,
    DEFAULT_DATA,
    DEFAULT_DIRECTORY,
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_POSTS_PER_S,
    DEFAULT_REFUSALS_PER_S,
    example,
)
from broker.cli.output import telling, used_wrongly
from broker.cli.roles import Role

if TYPE_CHECKING:
    from broker.settings import Settings

EXAMPLE = example("broker serve --directory directory --data broker-data")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLE)(serve)


def serve(
    role: Annotated[Role, typer.Option(envvar="BROKER_ROLE", help="Which part of the hub.")] = Role.ALL,
    host: options.Host = DEFAULT_HOST,
    port: options.Port = None,
    data: options.Data = DEFAULT_DATA,
    directory: options.Directory = DEFAULT_DIRECTORY,
    directory_trust: options.DirectoryTrust = None,
    hub_keys: options.HubKeysFolder = None,
    issuer: options.Issuer = None,
    tls_cert: options.TlsCert = None,
    tls_key: options.TlsKey = None,
    outgoing_ca: options.OutgoingCa = None,
    redis_url: options.RedisUrl = None,
    replicas: options.Replicas = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(envvar="BROKER_TRUSTED_PROXY", help="A network whose X-Forwarded-* are believed; repeat it."),
    ] = None,
    refusals_per_s: options.RefusalsPerS = DEFAULT_REFUSALS_PER_S,
    posts_per_s: options.PostsPerS = DEFAULT_POSTS_PER_S,
    calls_per_s: options.CallsPerS = DEFAULT_CALLS_PER_S,
    as_json: options.AsJson = False,
) -> None:
    """Runs a hub until SIGTERM or SIGINT; then it takes nothing new, finishes what is under way, and ends with 0.

    One line on standard output says where it listens. Log lines are JSON on standard error.
    """
    from broker.settings import Limits, Settings

    try:
        proxies = tuple(ip_network(each) for each in trusted_proxy or ())
    except ValueError as why:
        raise used_wrongly(f"--trusted-proxy: {why}") from None
    if (tls_cert is None) is not (tls_key is None):
        raise used_wrongly("--tls-cert and --tls-key go together")
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
        trusted_proxies=proxies,
        outgoing_ca=outgoing_ca,
        limits=Limits(refusals_per_s=refusals_per_s, posts_per_s=posts_per_s, calls_per_s=calls_per_s),
    )
    with telling(as_json=as_json):
        _check(settings)
        raise typer.Exit(_run(settings, role, listens=port is not None, as_json=as_json))


def _check(settings: "Settings") -> None:
    """Broken, in the words of `broker doctor`, where the options alone say that it cannot work."""
    from broker.cli.findings import Grade
    from broker.cli.looking_at_machine import look_at_settings
    from broker.errors import Broken

    for each in look_at_settings(settings):
        if each.grade is Grade.ERROR:
            raise Broken(f"{each.about}: {each.found}; to mend it: {each.mend}")


def _run(settings: "Settings", role: Role, *, listens: bool, as_json: bool) -> int:
    import asyncio

    import uvloop

    from broker import logs
    from broker.cli.serving import run

    logs.configure()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run(settings, role, listens=listens, as_json=as_json))
