"""`broker directory check`: what people get wrong."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from broker.cli.options import AsJson, example
from broker.cli.output import FAILED, show_json

EXAMPLE = example("broker directory check directory")


def register(group: typer.Typer) -> None:
    """Adds the command."""
    group.command(epilog=EXAMPLE)(check)


def check(
    place: Annotated[Path, typer.Argument(help="A folder of YAML, or of signed versions.", exists=True)],
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 for a warning too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Looks for what people get wrong: names that nothing stands behind, terms that cover nothing, keys that end.

    Ends with 1 if it cannot be used, or could not be signed.
    """
    from broker.cli.findings import Grade, show_findings
    from broker.cli.looking_at_directory import look_at_place

    found, _ = look_at_place(place)
    if as_json:
        show_json([asdict(each) for each in found])
    else:
        show_findings(found)
    bad = {Grade.ERROR, Grade.WARNING} if strict else {Grade.ERROR}
    if any(each.grade in bad for each in found):
        raise typer.Exit(FAILED)
