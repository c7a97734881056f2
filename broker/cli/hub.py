"""Which hub a command talks to, and whose keys it uses there."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from broker.cli.keys import load
from broker.cli.output import failed

if TYPE_CHECKING:
    from broker.client import Client, Draft, Signed
    from broker.trust.keys import PrivateKey


PATIENCE = 4
"""Tries, where a person waits: a few seconds."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the options say: a hub, an agency, and a file with one of its keys."""

    hub: str
    agency: str | None
    key: Path | None
    passphrase_file: Path | None
    ca: Path | None
    as_json: bool

    def reader(self, scope: str = "read subscribe") -> "Client":
        """A client that asks for tokens with the key (use `auth`)."""
        from broker.client import Client, Options, Retries

        key = self._load("auth")
        options = Options(ca=self.ca, client="cli", scope=scope, retries=Retries(most=PATIENCE))
        return Client(self.hub, self._agency_of(key), None, key, options=options)

    def poster(self) -> "Client":
        """A client that needs no credential."""
        from broker.client import Client, Options, Retries

        return Client(self.hub, options=Options(ca=self.ca, retries=Retries(most=PATIENCE)))

    def sign(self, draft: "Draft", network: str | None = None) -> "Signed":
        """Signs with the key (use `statement`); asks the hub for what was not said."""
        from broker.client import sign

        key = self._load("statement")
        return sign(key, self._agency_of(key), network or self._network(), draft)

    def _load(self, use: str) -> "PrivateKey":
        return load(self.key, self.passphrase_file, what=use, as_json=self.as_json)

    def _network(self) -> str:
        with self.poster() as client:
            return client.discover().network

    def _agency_of(self, key: "PrivateKey") -> str:
        """The agency that was named, or that the hub's directory gives the key to."""
        from broker.client import ProblemError

        if self.agency is not None:
            return self.agency
        with self.poster() as client:
            try:
                return client.key_record(key.kid).agency
            except ProblemError as why:
                if why.code != "not-found":
                    raise
        detail = f"The hub's directory does not list this key ({key.kid}): have its record added, or name another file."
        raise failed("untrusted", detail, as_json=self.as_json)
