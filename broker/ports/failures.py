"""How a store says that it cannot serve. Every method of every port may raise `Unavailable`."""

from typing import Literal


class Unavailable(Exception):  # noqa: N818 - a state of the store, told to posters as `busy`
    """The store cannot answer now. Whether a write that was under way took place is unknown: repeat it."""


class Full(Unavailable):
    """There is no room for more of `what`: nothing new is taken in, what was taken in goes on."""

    def __init__(self, what: Literal["disk", "memory"], why: str) -> None:
        super().__init__(why)
        self.what = what
