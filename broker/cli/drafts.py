"""What the user gives to be signed: an event as JSON, and files as its parts."""

import json
import mimetypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from broker.cli.output import failed, used_wrongly

if TYPE_CHECKING:
    from broker.cli.sealing import Sealing
    from broker.client import Content, Draft
    from schemas.directory import KeyRecord

TYPES = {".cap": "application/cap+xml", ".xml": "application/cap+xml", ".stix": "application/stix+json;version=2.1"}
"""What the endings mean here, where the system's table says less."""


def draft_of(
    event: dict[str, Any],
    parts: list[str],
    txn: str | None,
    *,
    hide_addressing: bool,
    as_json: bool,
    sealing: "Sealing | None" = None,
) -> "Draft":
    """What is to be signed."""
    from broker.client import Draft

    keys = sealing.keys() if sealing else ()
    return Draft(event, read_parts(parts, keys, as_json=as_json), txn, hide_addressing=hide_addressing)


def read_json(path: Path, *, as_json: bool) -> dict[str, Any]:
    """The object in a file; `-` is standard input."""
    return object_in(read_bytes(path, as_json=as_json), path, as_json=as_json)


def object_in(data: bytes, path: Path, *, as_json: bool) -> dict[str, Any]:
    """The JSON object that a file's bytes hold."""
    try:
        value = json.loads(data)
    except ValueError as why:
        raise failed("malformed", f"{path} is no JSON: {why}.", as_json=as_json) from None
    if not isinstance(value, dict):
        raise failed("malformed", f"{path} holds no JSON object.", as_json=as_json)
    return value


def read_bytes(path: Path, *, as_json: bool) -> bytes:
    """What a file holds; `-` is standard input."""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as why:
        raise failed("no-file", f"{path} cannot be read: {why.strerror}.", as_json=as_json) from None


def read_parts(stated: list[str], keys: tuple["KeyRecord", ...] = (), *, as_json: bool) -> dict[str, "Content"]:
    """`FILE` or `ID=FILE`, followed by `,type=…,language=…` where its ending does not say it; the first is `main`.

    Where there are keys, each part is sealed for them, but for those with `,seal=no`.
    """
    from broker.client import Content

    parts: dict[str, Content] = {}
    for each in stated:
        where, *members = each.split(",")
        id_, _, name = where.rpartition("=")
        id_ = id_ or ("main" if not parts else f"part-{len(parts) + 1}")
        named = dict(member.partition("=")[::2] for member in members)
        if id_ in parts or not named.keys() <= {"type", "language", "seal"}:
            raise used_wrongly(f"--part {each}: ID=FILE,type=TYPE,language=TAG,seal=no, each id once")
        if named.get("seal", "no") != "no":
            raise used_wrongly(f"--part {each}: seal=no leaves it open; --seal-for seals the others")
        path = Path(name)
        type_ = named.get("type") or TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        if type_ is None:
            raise used_wrongly(f"--part {each}: say its media type, as in {name},type=application/cap+xml")
        seal_for = () if "seal" in named else keys
        parts[id_] = Content(read_bytes(path, as_json=as_json), type_, named.get("language"), seal_for=seal_for)
    return parts
