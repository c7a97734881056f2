"""`broker directory enrol`: keys whose holders have proven that they can use them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.directory.places import refusing, snapshot_at
from broker.cli.options import DEFAULT_DIRECTORY, AsJson, Directory, example
from broker.cli.output import failed, show_json

if TYPE_CHECKING:
    from schemas.directory import AgencyKey

EXAMPLE = example(
    "broker directory enrol keys/vn.example.proof --agency vn.example --directory directory",
    where="the proof is what `broker keygen --network …` wrote at the agency",
)


def register(group: typer.Typer) -> None:
    """Adds the command."""
    group.command(epilog=EXAMPLE)(enrol)


def enrol(
    proofs: Annotated[list[Path], typer.Argument(help="The files with the proofs.", exists=True, dir_okay=False)],
    agency: Annotated[str, typer.Option(help="Who handed them over, as you have made sure of.")],
    directory: Directory = DEFAULT_DIRECTORY,
    as_json: AsJson = False,
) -> None:
    """Checks proofs of possession, and prints the records for the directory. It writes nothing.

    Refused: a proof that is for another agency or network, is older than seven days or is not the key's own, a weak
    key, and one that the directory has already.
    """
    from broker.clock import system_clock
    from broker.trust.possession import NotProven, check_proofs, read_proof

    with refusing(as_json=as_json):
        snapshot = snapshot_at(directory)
        try:
            read = [read_proof(path.read_text("utf-8", errors="replace")) for path in proofs]
            keys = check_proofs(read, agency, snapshot, system_clock())
        except NotProven as why:
            raise failed(why.reason, f"Nothing is enrolled: {why}.", as_json=as_json) from None
    records = [_record(key) for key in keys]
    if as_json:
        show_json({"agency": agency, "keys": records})
        return
    import yaml

    print(f"# for the directory: under the agency {agency}")
    print(yaml.safe_dump({"keys": records}, sort_keys=False), end="")


def _record(key: "AgencyKey") -> dict[str, Any]:
    return key.model_dump(mode="json", exclude_none=True)
