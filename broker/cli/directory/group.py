"""The group of commands."""

import typer

from broker.cli.directory import check, comparing, enrolling, publishing, revoking, show, signing

EXAMPLE = check.EXAMPLE


def register(app: typer.Typer) -> None:
    """Adds the group."""
    group = typer.Typer(help="The directory: check, compare, sign and publish it.", no_args_is_help=True)
    for each in (check, comparing, signing, enrolling, publishing, revoking, show):
        each.register(group)
    app.add_typer(group, name="directory", epilog=EXAMPLE)
