"""What the demo is doing, beside what it prints: lines on standard error, or one that changes on a terminal."""

import time

from rich.console import Console
from rich.status import Status
from rich.text import Text


class Progress:
    """Steps stay; what happens within a step is shown while it does."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._began = time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status("")
            self._status.start()

    def step(self, words: str) -> None:
        """What begins now; it is left standing with its time."""
        self._console.print(Text(f"{time.monotonic() - self._began:5.1f} s  {words}"))
        if self._status is not None:
            self._status.update(Text(words))

    def detail(self, words: str) -> None:
        """One thing within the step."""
        if self._status is not None:
            self._status.update(Text(words))
        else:
            self._console.print(Text(f"         {words}", style="dim"))

    def wrong(self, words: str) -> None:
        self._console.print(Text(words, style="bold red"))

    def close(self) -> None:
        """Nothing changes any more."""
        if self._status is not None:
            self._status.stop()
            self._status = None
