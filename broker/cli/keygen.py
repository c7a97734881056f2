"""`broker keygen`: key pairs for an agency, and the records for the directory."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.keys import load, passphrase_for_new
from broker.cli.options import AsJson, PassphraseFile, example
from broker.cli.output import failed, say, show_json, telling, used_wrongly

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.trust.keys import PrivateKey
    from broker.trust.sealing_keys import OpeningKey

EXAMPLE = example("broker keygen --agency vn.example --out keys")


class Use(StrEnum):
    """What a key is for; each has one use (protocol §2)."""

    STATEMENT = "statement"
    AUTH = "auth"
    RECEIPT = "receipt"
    WEBHOOK = "webhook"
    LOG = "log"
    REGISTRAR = "registrar"
    SEAL = "seal"


class SealingCurve(StrEnum):
    """Where a key of use seal lies."""

    X25519 = "X25519"
    P_256 = "P-256"


class Algorithm(StrEnum):
    """Of signatures."""

    ED25519 = "Ed25519"
    ES256 = "ES256"
    ML_DSA_65 = "ML-DSA-65"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLE)(keygen)


def keygen(
    agency: Annotated[str, typer.Option(help="The agency whose keys these are.")],
    use: Annotated[list[Use], typer.Option(help="What for; repeat it for several.")] = [Use.STATEMENT, Use.AUTH],  # noqa: B006 - typer copies it
    alg: Annotated[Algorithm, typer.Option(help="The algorithm of keys that sign.")] = Algorithm.ED25519,
    seal_curve: Annotated[
        SealingCurve, typer.Option(help="The curve of keys of use seal; smart cards know P-256.")
    ] = SealingCurve.X25519,
    out: Annotated[Path, typer.Option(help="The folder for the private keys.", file_okay=False)] = Path(),
    days: Annotated[int, typer.Option(help="How long the records are valid.", min=1, max=3660)] = 730,
    network: Annotated[
        str | None, typer.Option(help="The network's URI: proofs of possession for its registrars are made, too.")
    ] = None,
    statement_key: Annotated[
        Path | None,
        typer.Option(help="The agency's statement key, to prove a key of use seal with where none is made now."),
    ] = None,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Ask for a passphrase.")] = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Makes key pairs, and prints the records that the directory's entry of the agency needs.

    Private keys are new files that only you can read (mode 600), encrypted where a passphrase is given; they are
    never overwritten. Give the printed records to the directory's registrars; with --network, give them the proofs,
    which `broker directory enrol` checks.
    """
    _check_agency(agency)
    with telling(as_json=as_json):
        passphrase = passphrase_for_new(passphrase_file, ask=encrypt, as_json=as_json)
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_new([out / _name(agency, each) for each in use], as_json=as_json)
        vouches = None
        if statement_key is not None:
            vouches = load(statement_key, passphrase_file, what="statement", as_json=as_json)
        new = {each: _new(each, alg, seal_curve) for each in dict.fromkeys(use)}
        signers = {each: _signer(each, new, vouches) for each in new} if network else {}
        if None in signers.values():
            raise used_wrongly("a key of use seal cannot sign: give --statement-key, or --use statement beside it")
        made = [
            (path := out / _name(agency, each), _kept(path, each, key, days, passphrase)) for each, key in new.items()
        ]
        proofs = [
            _prove(path, record, agency, network or "", signer)
            for (path, record), signer in zip(made, signers.values(), strict=False)
        ]
    if as_json:
        told = {"proofs": [str(path) for path in proofs]} if proofs else {}
        keys = [{"file": str(path), "record": record} for path, record in made]
        show_json({"agency": agency, "keys": keys} | told)
        return
    _show_yaml(agency, [record for _, record in made])
    for path, _ in made:
        say(f"private key: {path} ({'encrypted' if passphrase else 'not encrypted'}, mode 600)")
    for path in proofs:
        say(f"proof for the registrars, for seven days: {path}")


def _name(agency: str, use: Use) -> str:
    """The key that signs alerts has the agency's plain name."""
    return f"{agency}.pem" if use is Use.STATEMENT else f"{agency}.{use}.pem"


def _check_agency(agency: str) -> None:
    from pydantic import TypeAdapter, ValidationError

    from schemas.base import AgencyId
    from schemas.faults import faults

    try:
        TypeAdapter(AgencyId).validate_python(agency)
    except ValidationError as error:
        raise used_wrongly(f"--agency {agency}: expected {faults(error)[0][1]}") from None


def _check_new(paths: list[Path], *, as_json: bool) -> None:
    """Before the first is made: a key without its record would be of no use."""
    for path in paths:
        if path.exists():
            detail = f"{path} exists, and keys are never overwritten: give another folder with --out."
            raise failed("exists", detail, as_json=as_json)


def _new(use: Use, alg: Algorithm, curve: SealingCurve) -> "PrivateKey | OpeningKey":
    from broker.trust import keys, sealing_keys

    return sealing_keys.generate(sealing_keys.Curve(curve)) if use is Use.SEAL else keys.generate(alg)


def _kept(path: Path, use: Use, key: "PrivateKey | OpeningKey", days: int, passphrase: str | None) -> dict[str, Any]:
    """Writes the key; its record."""
    from broker.trust.keys import save_file

    save_file(path, key, passphrase)
    now = datetime.now(UTC).replace(microsecond=0)
    return {
        "kid": key.kid,
        "jwk": key.jwk,
        "alg": key.alg,
        "use": use.value,
        "valid_from": now.isoformat(),
        "valid_until": (now + timedelta(days=days)).isoformat(),
    }


def _signer(
    use: Use, new: "Mapping[Use, PrivateKey | OpeningKey]", vouches: "PrivateKey | None"
) -> "PrivateKey | None":
    """The key itself; for one that cannot sign the statement key made beside it, or the one of before."""
    from broker.trust.keys import PrivateKey

    key = new[use] if use is not Use.SEAL else new.get(Use.STATEMENT, vouches)
    return key if isinstance(key, PrivateKey) else None


def _prove(path: Path, record: dict[str, Any], agency: str, network: str, signer: "PrivateKey | None") -> Path:
    """Writes the proof beside the key."""
    from broker.trust.possession import prove

    assert signer is not None  # noqa: S101 - it was asked before
    proof = path.with_suffix(".proof")
    proof.write_text(prove(record, agency, network, signer, datetime.now(UTC)) + "\n", "utf-8")
    return proof


def _show_yaml(agency: str, records: list[dict[str, Any]]) -> None:
    import yaml

    print(f"# for the directory: under the agency {agency}")
    print(yaml.safe_dump({"keys": records}, sort_keys=False), end="")
