"""The group of commands. `revoke`, for the day on which a key is stolen, will stand beside `publish`."""

import typer

from broker.cli.directory import check, comparing, publishing, show, signing

EXAMPLE = check.EXAMPLE


def register(app: typer.Typer) -> None:
    """Adds the group."""
    group = typer.Typer(help="The directory: check, compare, sign and publish it.", no_args_is_help=True)
    for each in (check, comparing, signing, publishing, show):
        each.register(group)
    app.add_typer(group, name="directory", epilog=EXAMPLE)
