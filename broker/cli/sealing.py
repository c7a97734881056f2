"""For whom the parts of an alert are sealed, and where their keys come from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.hub import Account
from broker.cli.output import failed, say

if TYPE_CHECKING:
    from schemas.directory import KeyRecord

SealFor = Annotated[
    str | None,
    typer.Option(
        "--seal-for",
        help="Agencies, with commas, that alone can open the parts: not the hub either. ,seal=no leaves a part open.",
    ),
]
SealFrom = Annotated[
    Path | None,
    typer.Option(
        "--seal-from",
        help="The folder with your own copy of the directory, for their keys; else the hub tells them (--auth-key).",
        exists=True,
        file_okay=False,
    ),
]


@dataclass(frozen=True, slots=True)
class Sealing:
    """What the options say. `asking` is who asks the hub."""

    agencies: str | None
    directory: Path | None
    asking: Account

    def keys(self) -> tuple["KeyRecord", ...]:
        """Those that are valid now, of each agency at least one; none where nothing is to be sealed."""
        if self.agencies is None:
            return ()
        named = [agency.strip() for agency in self.agencies.split(",")]
        found = self._own(named) if self.directory is not None else self._told(named)
        for record in found:
            say(f"sealed for {record.agency}: key {record.kid}")
        return found

    def _own(self, named: list[str]) -> tuple["KeyRecord", ...]:
        from broker.client.sealing import usable
        from broker.trust.directory import DirectoryFault
        from broker.trust.folder import read_folder

        assert self.directory is not None  # noqa: S101 - who calls has looked
        try:
            snapshot = read_folder(self.directory)
        except DirectoryFault as why:
            raise failed("no-directory", str(why), as_json=self.asking.as_json) from None
        found = {agency: usable(snapshot.keys_of(agency), agency) for agency in named}
        for agency, records in found.items():
            if not records:
                detail = f"{self.directory} lists no key of use seal of {agency} that is valid now."
                raise failed("not-found", detail, as_json=self.asking.as_json)
        return tuple(record for records in found.values() for record in records)

    def _told(self, named: list[str]) -> tuple["KeyRecord", ...]:
        with self.asking.reader("read") as client:
            found = client.seal_keys(*named)
        say("their keys are what the hub told: compare them with your own copy of the directory (--seal-from)")
        return found
