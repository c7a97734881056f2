"""Who asks: what a token proved, before anything is answered (protocol §6)."""

from dataclasses import dataclass

from broker.errors import Refused
from broker.policy.ways import Way


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, proven by a token: its agency, what it may do, by which way an answer reaches it."""

    agency: str
    client: str
    scopes: frozenset[str]
    way: Way
    subscription: str | None = None
    """An API token serves one subscription alone."""
    api_token: str | None = None
    """The hash of the API token, where it is one that proved it."""

    @property
    def name(self) -> str:
        """As its assertion has it, and histories too; an API token's name stands for a client."""
        return f"{self.agency}#{self.client}"

    def need(self, scope: str) -> None:
        """Refuses with `insufficient-scope` unless the token has it."""
        if scope not in self.scopes:
            raise Refused("insufficient-scope", f"This call needs a token with the scope '{scope}'.")
