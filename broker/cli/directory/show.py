"""`broker directory show`: what a version is, and who signed it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.directory.places import published_at, refusing
from broker.cli.options import AsJson, example
from broker.cli.output import plain, show_json

if TYPE_CHECKING:
    from broker.trust.directory import Snapshot
    from broker.trust.published import Published

EXAMPLE = example("broker directory show published")


def register(group: typer.Typer) -> None:
    """Adds the command."""
    group.command(epilog=EXAMPLE)(show)


def show(
    place: Annotated[Path, typer.Argument(help="A folder of YAML or of signed versions, or one file.", exists=True)],
    as_json: AsJson = False,
) -> None:
    """Tells version, digest, end, and whose signatures hold; `--json` also the whole document.

    Signatures are checked against the version's own registrars: whether it may follow another is for `import`.
    """
    from broker.trust.folder import read_folder

    with refusing(as_json=as_json):
        signed = published_at(place)
        snapshot = read_folder(place) if signed is None else signed.snapshot
        told = _told(snapshot, signed)
    if as_json:
        document = snapshot.document.model_dump(mode="json", by_alias=True, exclude_none=True)
        show_json(told | {"directory": document})
        return
    for name, value in told.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        print(plain(f"{name.replace('_', ' ')}: {'—' if shown in (None, '') else shown}"))


def _told(snapshot: "Snapshot", signed: "Published | None") -> dict[str, Any]:
    from broker.trust.advancing import tally

    document = snapshot.document
    registrars = document.registrars
    told: dict[str, Any] = {
        "network": snapshot.network,
        "version": snapshot.version,
        "digest": snapshot.digest,
        "expires": snapshot.expires,
        "agencies": len(document.agencies),
        "communities": len(document.communities),
        "agreements": len(document.agreements),
        "registrars": list(registrars.keys) if registrars else [],
        "threshold": registrars.threshold if registrars else None,
    }
    if signed is None:
        return told | {"signed": False}
    kids = registrars.keys if registrars else ()
    counted, others = tally(signed, snapshot, kids)
    return told | {
        "signed": True,
        "previous": signed.claims.previous,
        "signed_by": sorted(counted),
        "not_counted": [f"{kid} ({why})" for kid, why in others.items()],
    }
