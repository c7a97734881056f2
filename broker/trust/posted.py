"""What came in, by form A, B or D (protocol §4): a token and the bytes of its parts. Nothing is verified yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from broker.errors import Fault, Refused
from broker.trust import jws
from broker.trust.strict_json import NotStrict, read_object
from schemas.envelope import Envelope, SaltedPart
from schemas.faults import faults

SALT_BYTES = 32
MAIN = "main"
MOST_COMMAS = 4_096
"""Of an envelope, which needs a few for each part: what a stranger sends must cost little before it is refused."""


@dataclass(frozen=True, slots=True)
class PostedPart:
    """One piece of content: as bytes, and as the text that is kept and passed on."""

    salt: bytes
    data: bytes
    kept: SaltedPart


@dataclass(frozen=True, slots=True)
class Posted:
    """A token with its parts. `stated_type` is the media type that form A states in its header."""

    token: str
    parts: Mapping[str, PostedPart] = field(default_factory=dict)
    cosignatures: tuple[str, ...] = ()
    stated_type: str | None = None


def posted_with_header(statement: str, salt: str | None, type_: str, body: bytes) -> Posted:
    """Form A: the statement in a header, the body the one part `main`."""
    if salt is None:
        raise Refused("malformed", "The header Alert-Salt is missing.", (_salt_fault("/Alert-Salt"),))
    salt_bytes = _salt(salt, "/Alert-Salt")
    part = PostedPart(salt_bytes, body, SaltedPart(salt=salt, data=jws.encode(body)))
    return Posted(statement, {MAIN: part}, stated_type=type_)


def posted_alone(body: bytes) -> Posted:
    """Form B: the statement is the body."""
    try:
        return Posted(body.decode("ascii"))
    except UnicodeDecodeError:
        raise jws.malformed("a token is ASCII") from None


def posted_envelope(body: bytes, most: int) -> Posted:
    """Form D: one envelope, each part of at most `most` bytes."""
    try:
        envelope = Envelope.model_validate(read_object(body, MOST_COMMAS))
    except NotStrict as why:
        raise Refused("malformed", f"The envelope cannot be read: {why}.") from None
    except ValidationError as error:
        found = tuple(Fault(path, expected) for path, expected in faults(error))
        raise Refused("malformed", "The envelope is not as the protocol has it.", found) from None
    parts = {id_: _part(id_, part, most) for id_, part in envelope.parts.items()}
    return Posted(envelope.statement, parts, envelope.cosignatures)


def _part(id_: str, part: SaltedPart, most: int) -> PostedPart:
    if len(part.data) * 3 // 4 > most:
        fault = Fault(f"/parts/{id_}/data", f"at most {most} bytes")
        raise Refused("too-large", "A part is larger than this hub takes.", (fault,))
    try:
        data = jws.decode(part.data)
    except NotStrict as why:
        raise Refused("malformed", "A part cannot be read.", (Fault(f"/parts/{id_}/data", str(why)),)) from None
    return PostedPart(_salt(part.salt, f"/parts/{id_}/salt"), data, part)


def _salt(text: str, path: str) -> bytes:
    try:
        salt = jws.decode(text)
    except NotStrict:
        salt = b""
    if len(salt) != SALT_BYTES:
        raise Refused("malformed", "A salt is not as the protocol has it.", (_salt_fault(path),))
    return salt


def _salt_fault(path: str) -> Fault:
    return Fault(path, f"{SALT_BYTES} bytes in base64url without padding")
