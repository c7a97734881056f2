"""`broker directory export` and `sign`: a version for registrars to sign, each where their key is."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.directory.places import published_at, refusing
from broker.cli.keys import load
from broker.cli.options import AsJson, PassphraseFile, example
from broker.cli.output import failed, say, show_json

if TYPE_CHECKING:
    from broker.trust.directory import Snapshot
    from broker.trust.published import Published
    from schemas.directory import KeyRecord

EXAMPLE_EXPORT = example("broker directory export directory --after published --out version-2.proposal")
EXAMPLE_SIGN = example(
    "broker directory sign version-2.proposal --key keys/vn.registry.registrar.pem \\",
    "    --out version-2.first.signature",
)
Proposal = Annotated[Path, typer.Argument(help="What `broker directory export` wrote.", exists=True, dir_okay=False)]


def register(group: typer.Typer) -> None:
    """Adds both commands."""
    group.command(epilog=EXAMPLE_EXPORT)(export)
    group.command(epilog=EXAMPLE_SIGN)(sign)


def export(
    folder: Annotated[Path, typer.Argument(help="The folder of YAML that was reviewed.", exists=True, file_okay=False)],
    after: Annotated[Path, typer.Option(help="The folder of the versions that are published already.")],
    out: Annotated[Path, typer.Option(help="The new file that the registrars sign.")],
    lead: Annotated[
        str | None, typer.Option(help="The kid of the registrar whose signature comes first; the first one listed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Writes the version that is to be signed, and tells its digest: read it out to whoever signs.

    The lead must sign, the others may. No key is needed here.
    """
    from broker.trust.folder import read_folder
    from broker.trust.published import open_proposal, propose

    with refusing(as_json=as_json):
        snapshot, before = read_folder(folder), published_at(after)
        _check_follows(snapshot, before)
        record = _lead(snapshot, before, lead, as_json=as_json)
        key = {"alg": record.alg.value, "kid": record.kid}
        now = datetime.now(UTC)
        proposal = propose(snapshot.document, before.digest if before else None, key, record.agency, now)
        digest = open_proposal(proposal)[1]
        _write_new(out, proposal, as_json=as_json)
    if as_json:
        show_json({"version": snapshot.version, "digest": digest, "lead": record.kid, "file": str(out)})
        return
    print(f"version {snapshot.version}, {digest}")
    say(f"to be signed by {record.kid} ({record.agency}) and others: {out}")


def sign(
    proposal: Proposal,
    out: Annotated[Path, typer.Option(help="The new file with the signature.")],
    key: Annotated[Path | None, typer.Option(help="The registrar's key (use registrar).")] = None,
    digest: Annotated[
        str | None, typer.Option(help="The digest that was read out; nothing else is signed then.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Signs a proposal with one registrar's key, on a machine that needs no network.

    Tells what is signed: compare the digest with the one that was read out, or give it.
    """
    from broker.trust.published import open_proposal, sign_apart

    with refusing(as_json=as_json):
        text = proposal.read_text("utf-8", errors="replace")
        claims, found = open_proposal(text)
        if digest is not None and digest != found:
            raise failed("other-digest", f"{proposal} has the digest {found}, not {digest}.", as_json=as_json)
        private = load(key, passphrase_file, what="registrar", as_json=as_json)
        _write_new(out, sign_apart(private, text), as_json=as_json)
    listed = claims.directory.registrars is not None and private.kid in claims.directory.registrars.keys
    if as_json:
        told = {"version": claims.directory.version, "digest": found, "kid": private.kid, "listed": listed}
        show_json(told | {"file": str(out)})
        return
    print(f"signed version {claims.directory.version} of {claims.directory.network}, {found}")
    if not listed:
        say(f"{private.kid} is no registrar of this version: it counts only if it is one of the version before")


def _check_follows(snapshot: "Snapshot", before: "Published | None") -> None:
    from broker.trust.advancing import still_good
    from broker.trust.directory import DirectoryFault
    from broker.trust.published import NotTaken

    if snapshot.document.registrars is None:
        raise DirectoryFault("/registrars: expected a threshold and the registrars' kids: nobody could sign it")
    still_good(snapshot, datetime.now(UTC))
    if before is not None and snapshot.version != before.version + 1:
        raise NotTaken("gap", f"the folder has version {snapshot.version}; {before.version + 1} is the next")
    if before is not None and snapshot.network != before.snapshot.network:
        raise NotTaken("other-network", f"it is for {snapshot.network}, not {before.snapshot.network}")


def _lead(snapshot: "Snapshot", before: "Published | None", kid: str | None, *, as_json: bool) -> "KeyRecord":
    registrars = snapshot.document.registrars
    assert registrars is not None  # noqa: S101 - _check_follows saw to it
    wanted = kid or registrars.keys[0]
    record = snapshot.key(wanted) or (before.snapshot.key(wanted) if before else None)
    if record is None or record.use != "registrar":
        raise failed("no-registrar", f"{wanted} is no registrar, here or in the version before.", as_json=as_json)
    return record


def _write_new(path: Path, text: str, *, as_json: bool) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise failed("exists", f"{path} exists; name another file.", as_json=as_json) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
