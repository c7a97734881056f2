"""After the table: the hub stays up, and something new is posted every few seconds."""

import asyncio
import itertools
import os
import sys
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from broker.demo.cast import Cast
from broker.demo.post import Posters
from broker.demo.table import Outcome

EVERY_S = 3.0
LIVE = ("river-level", "phishing-page", "dengue", "drifting-container", "scam-call")
"""Posted in turn; they stand in `alerts/live.yaml`."""


async def look_around(cast: Cast, posters: Posters, outcome: Outcome, enough: asyncio.Event) -> None:
    """Tells how to subscribe and ask, and posts until it is enough."""
    console = Console(stderr=True, highlight=False)
    for line in _how(cast, outcome):
        console.print(line, soft_wrap=True)
    for name in itertools.cycle(LIVE):
        with suppress(TimeoutError):
            await asyncio.wait_for(enough.wait(), EVERY_S)
        if enough.is_set():
            return
        posted = await posters.post(name)
        headline = posted.text.event["headline"]["vi"]
        issuer = posters.world.ids[posted.text.issuer]
        console.print(Text(f"{posted.status} {posted.answer}  {issuer}: {headline}", style="dim"))


def _how(cast: Cast, outcome: Outcome) -> list[Text]:
    world = cast.world
    health, ddm = (world.key_path(agency, "auth") for agency in ("health", "ddm"))
    warning = next((row.alert for row in outcome.posted if row.text.name == "flood-warning"), "ID")
    hub = f"--hub {cast.url}"
    broker = _as_typed(Path(sys.executable).with_name("broker"))
    commands = {
        "subscribe as the Ministry of Health; it prints the id of a stream": (
            f"{broker} subscribe {hub} --auth-key {health} --domain disaster --domain health"
        ),
        "read it, each delivery verified": f"{broker} tail {hub} --auth-key {health} sub_…",
        "read along with disaster management": f"{broker} tail {hub} --auth-key {ddm} {cast.subscriptions['ddm']}",
        "why somebody has the flood warning, or has it not": (
            f"{broker} explain {hub} --auth-key {ddm} {warning} --reader {world.ids['coast']}"
        ),
    }
    lines = [
        Text(
            f"\nThe hub stays up at {cast.url}, and something is posted every {EVERY_S:.0f} s. Ctrl-C ends it.", "bold"
        ),
        Text(f"  API documentation  {cast.url}/docs"),
        Text(f"  figures            {cast.url}/metrics"),
        Text(f"  keys, logs, YAML   {world.folder}"),
    ]
    for words, command in commands.items():
        lines += [Text(f"  # {words}", "dim"), Text(f"  {command}", "cyan")]
    return [*lines, Text("")]


def _as_typed(path: Path) -> str:
    """As short as it can be typed from here."""
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return os.fspath(path)
