"""`broker demo`: the main job, on this machine."""

from pathlib import Path
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
    expected: Annotated[
        Path | None,
        typer.Option(
            envvar="BROKER_DEMO_EXPECTED",
            help="What must come of it, cell by cell; without it, the file that comes with the demo.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Shows the main job: twelve agencies, a hub, readers, signed alerts, and one table of what became of them.

    Without --once it stays up and goes on posting, so that you can subscribe and look around.
    """
    from broker.demo.running import run

    raise typer.Exit(run(once=once, as_json=as_json, expected=expected))
