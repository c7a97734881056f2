"""`broker directory publish` and `import`: a signed version into the folder that hubs watch."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.directory.places import published_at, refusing
from broker.cli.directory.signing import Proposal
from broker.cli.options import AsJson, DirectoryTrust, example
from broker.cli.output import failed, say, show_json, used_wrongly

if TYPE_CHECKING:
    from broker.trust.advancing import FirstTrust
    from broker.trust.published import Published

EXAMPLE_PUBLISH = example(
    "broker directory publish version-2.proposal version-2.*.signature --to published",
)
EXAMPLE_IMPORT = example("broker directory import version-000002.signed --to published")
To = Annotated[Path, typer.Option("--to", help="The folder that hubs watch: it grows by one file.", file_okay=False)]


def register(group: typer.Typer) -> None:
    """Adds both commands."""
    group.command(epilog=EXAMPLE_PUBLISH)(publish)
    group.command("import", epilog=EXAMPLE_IMPORT)(import_)


def publish(
    proposal: Proposal,
    signatures: Annotated[list[Path], typer.Argument(help="What `sign` wrote.", exists=True, dir_okay=False)],
    to: To,
    directory_trust: DirectoryTrust = None,
    as_json: AsJson = False,
) -> None:
    """Puts the signatures together, checks them as a hub would, and adds the version to the folder.

    Killed at any moment, it leaves the version before or the new one, never a part of one.
    """
    from broker.trust.published import open_published, put_together

    with refusing(as_json=as_json):
        stated = [path.read_text("utf-8", errors="replace") for path in signatures]
        new = open_published(put_together(proposal.read_text("utf-8", errors="replace"), stated))
        _add(new, to, _first(directory_trust), must_know=False, as_json=as_json)


def import_(
    file: Annotated[Path, typer.Argument(help="A published version, from elsewhere.", exists=True, dir_okay=False)],
    to: To,
    directory_trust: DirectoryTrust = None,
    as_json: AsJson = False,
) -> None:
    """Adds a version that was published elsewhere, if it follows what is there.

    The first one into an empty folder needs the operator's word: --directory-trust.
    """
    from broker.trust.published import open_published

    with refusing(as_json=as_json):
        new = open_published(file.read_text("utf-8", errors="replace"))
        _add(new, to, _first(directory_trust), must_know=True, as_json=as_json)


def _first(stated: str | None) -> "FirstTrust | None":
    from broker.trust.advancing import FirstTrust

    try:
        return FirstTrust.read(stated) if stated else None
    except ValueError as why:
        raise used_wrongly(f"--directory-trust: expected {why}") from None


def _add(new: "Published", to: Path, first: "FirstTrust | None", *, must_know: bool, as_json: bool) -> None:
    from broker.trust.versions import name_of, write_version

    before = published_at(to)
    if before is not None and before.digest == new.digest:
        _tell(new, to / name_of(new.version), "was there already", as_json=as_json)
        return
    _check(new, before, first, must_know=must_know)
    try:
        path = write_version(to, new)
    except FileExistsError:
        detail = f"{to} got a version {new.version} meanwhile: nothing was written."
        raise failed("exists", detail, as_json=as_json) from None
    _tell(new, path, "published", as_json=as_json)


def _check(new: "Published", before: "Published | None", first: "FirstTrust | None", *, must_know: bool) -> None:
    """As a hub checks it; the first version is checked by itself where its publisher asks nothing more."""
    from broker.trust.advancing import FirstTrust, advance, begin, still_good
    from broker.trust.published import NotTaken

    now = datetime.now(UTC)
    if before is not None:
        advance(before, new, now)
    elif first is None and must_know:
        raise NotTaken("no-first-trust", "the folder is empty: give --directory-trust, as your authority told it")
    else:
        begin(first or FirstTrust(digest=new.digest), new, now)
    still_good(new.snapshot, now)


def _tell(new: "Published", path: Path, how: str, *, as_json: bool) -> None:
    from broker.trust.advancing import tally

    registrars = new.snapshot.document.registrars
    assert registrars is not None  # noqa: S101 - it was checked
    signed = sorted(tally(new, new.snapshot, registrars.keys)[0])
    if as_json:
        show_json({"version": new.version, "digest": new.digest, "signed": signed, "file": str(path)})
        return
    print(f"version {new.version} {how}, {new.digest}")
    say(f"signed by {len(signed)} of {len(registrars.keys)} registrars ({registrars.threshold} are needed)")
    if new.claims.previous is None:
        say(f"for hubs that begin with it: --directory-trust {registrars.threshold}:{','.join(registrars.keys)}")
