"""`broker demo`: the main job, on this machine."""

from typing import Annotated

import typer

from broker.cli.options import AsJson

EXAMPLE = "Example: broker demo --once"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLE)(demo)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after the table, with exit 0 if it is as expected.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Shows the main job: nine agencies, a broker, readers, signed alerts, and one table of what became of them.

    Without --once it stays up and goes on posting, so that you can subscribe and look around.
    """
    from broker.demo import run

    raise typer.Exit(run(once=once, as_json=as_json))
