"""Options that several commands share, each with its variable of the environment."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
HubUrl = Annotated[
    str, typer.Option("--hub", envvar="BROKER_HUB", help="The hub's URL.", rich_help_panel="Hub and keys")
]
Agency = Annotated[
    str | None,
    typer.Option(
        "--agency",
        envvar="BROKER_AGENCY",
        help="The agency that speaks; without it, the one that the directory gives the key to.",
        rich_help_panel="Hub and keys",
    ),
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key", envvar="BROKER_KEY", help="The agency's key of use statement.", rich_help_panel="Hub and keys"
    ),
]
AuthKey = Annotated[
    Path | None,
    typer.Option(
        "--auth-key", envvar="BROKER_AUTH_KEY", help="The agency's key of use auth.", rich_help_panel="Hub and keys"
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help="Its first line is the key's passphrase; BROKER_PASSPHRASE may hold it instead, else it is asked for.",
        exists=True,
        dir_okay=False,
        rich_help_panel="Hub and keys",
    ),
]
Ca = Annotated[
    Path | None,
    typer.Option(
        "--ca",
        envvar="BROKER_CA",
        help="Certificates (PEM) to trust instead of the system's.",
        exists=True,
        dir_okay=False,
        rich_help_panel="Hub and keys",
    ),
]
Data = Annotated[
    Path, typer.Option("--data", envvar="BROKER_DATA", help="The hub's folder: its private server and its keys.")
]
Directory = Annotated[
    Path,
    typer.Option(
        "--directory",
        envvar="BROKER_DIRECTORY",
        help="The folder of the directory: of YAML, or of signed versions.",
    ),
]
DirectoryTrust = Annotated[
    str | None,
    typer.Option(
        "--directory-trust",
        envvar="BROKER_DIRECTORY_TRUST",
        help="By what the first signed directory is known: its digest, or k and kids (2:kid,kid,kid). None unsigned.",
    ),
]
HubKeysFolder = Annotated[
    Path | None,
    typer.Option("--hub-keys", envvar="BROKER_HUB_KEYS", help="The hub's private keys; hub-keys in the data folder."),
]
RedisUrl = Annotated[
    str | None,
    typer.Option("--redis-url", envvar="REDIS_URL", help="Without it, a private server in the data folder."),
]
Replicas = Annotated[
    int | None,
    typer.Option(
        "--replicas",
        envvar="BROKER_REPLICAS",
        help="How many replicas must have a write before it counts; 1 on a cluster or Sentinel, else 0.",
        min=0,
        max=16,
    ),
]
Host = Annotated[str, typer.Option("--host", envvar="BROKER_HOST", help="The address to listen on.")]
Port = Annotated[
    int | None,
    typer.Option(
        "--port", envvar="BROKER_PORT", help="The port to listen on; 8080. 0: any free one.", min=0, max=65535
    ),
]
Issuer = Annotated[
    str | None,
    typer.Option("--issuer", envvar="BROKER_ISSUER", help="The hub's URL as others see it, e.g. behind a proxy."),
]
TlsCert = Annotated[
    Path | None, typer.Option("--tls-cert", envvar="BROKER_TLS_CERT", help="Certificate chain (PEM): serve https.")
]
OutgoingCa = Annotated[
    Path | None,
    typer.Option(
        "--outgoing-ca", envvar="BROKER_OUTGOING_CA", help="More certificates (PEM) that webhook endpoints may show."
    ),
]
TlsKey = Annotated[Path | None, typer.Option("--tls-key", envvar="BROKER_TLS_KEY", help="Its private key (PEM).")]
RefusalsPerS = Annotated[
    float,
    typer.Option(
        "--refusals-per-s", envvar="BROKER_REFUSALS_PER_S", help="Of one address; 20 seconds' worth at once.", min=0
    ),
]
PostsPerS = Annotated[
    float,
    typer.Option("--posts-per-s", envvar="BROKER_POSTS_PER_S", help="New alerts of one agency, the same.", min=0),
]
CallsPerS = Annotated[
    float,
    typer.Option("--calls-per-s", envvar="BROKER_CALLS_PER_S", help="Calls of one agency, the same.", min=0),
]


def example(*commands: str, where: str = "") -> str:
    """The end of a command's help: what to type, as it is typed; `where` says what it takes for granted."""
    told = f" ({where})" if where else ""
    return "\n".join(["\b", f"Example{told}:", *(f"  {each}" for each in commands)])


WITH_SUBSCRIPTION = "SUBSCRIPTION is an id that `broker subscriptions` lists"
DEFAULT_HUB = "http://127.0.0.1:8080"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8080
DEFAULT_REFUSALS_PER_S = 100.0
DEFAULT_POSTS_PER_S = 500.0
DEFAULT_CALLS_PER_S = 500.0
DEFAULT_DATA = Path("broker-data")
DEFAULT_DIRECTORY = Path("directory")


class Language(StrEnum):
    """In which headings are shown."""

    EN = "en"
    VI = "vi"
