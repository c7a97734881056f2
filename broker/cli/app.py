"""All commands, put together."""

import typer

from broker.cli import (
    answer,
    audit,
    demo,
    doctor,
    explain,
    keygen,
    opening,
    post,
    reciprocity,
    serve,
    sign,
    subscribe,
    tail,
    tokens,
    whatif,
)
from broker.cli.directory import group as directory

app = typer.Typer(
    name="broker",
    help="Signed alerts between agencies: who owns information decides who gets it.",
    epilog="Begin with: broker demo",
    no_args_is_help=True,
    rich_markup_mode=None,  # its boxes break lines at 80 columns, and an example must stand as it is typed
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for each in (
    keygen,
    sign,
    whatif,
    post,
    answer,
    subscribe,
    tail,
    opening,
    explain,
    reciprocity,
    serve,
    doctor,
    directory,
    audit,
    tokens,
    demo,
):
    each.register(app)
