"""Who may do what alone."""

from typing import Protocol


class Leases(Protocol):
    """One holder at a time for a named thing, until it lapses by the store's clock. Tokens only grow (fencing)."""

    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        """The token; the same holder gets its own again, prolonged. None while another holds it."""
        ...

    async def release(self, name: str, holder: str) -> None: ...

    async def present(self, group: str, member: str, seconds: float) -> int:
        """Says that `member` is there for so long (0: that it leaves). How many are, by the store's clock."""
        ...
