"""What is refused by its size or its type: too-large, header-too-large, unsupported-media-type (protocol §4)."""

import gzip

import httpx2

from independent.alerts import Part, alert, as_json, envelope, text_part
from independent.checking import check, equal, problem, refused
from independent.desk import DYKE, Desk
from independent.hub import ENVELOPE, STATEMENT
from independent.jose import b64

too_large = refused("too-large")
header_too_large = refused("header-too-large")
unsupported = refused("unsupported-media-type")

_MIB = 1 << 20


def _blob(size: int, part_id: str = "main") -> Part:
    return Part(part_id, "application/octet-stream", bytes(size))


@too_large
def a_statement_too_long(desk: Desk) -> httpx2.Response:
    """§2: a statement has at most 16,384 characters."""
    return desk.hub.post_b(desk.sign(desk.claims(alert(ext={"https://x.example/pad": "x" * 13000}))))


@too_large
def a_part_too_large_by_form_a(desk: Desk) -> httpx2.Response:
    """§4: a part has at most 1 MiB."""
    part = _blob(_MIB + 1)
    statement = desk.sign(desk.claims(alert(parts=[part.described()])))
    return desk.hub.post_a(statement, b64(part.salt), part.data, part.type)


@too_large
def a_part_too_large_by_form_d(desk: Desk) -> httpx2.Response:
    """§4: a part has at most 1 MiB, although the envelope has less than 4."""
    return desk.post_parts(alert(), _blob(_MIB + 1))


@too_large
def an_envelope_too_large(desk: Desk) -> httpx2.Response:
    """§4: an envelope has at most 4 MiB, although each part has less than one."""
    return desk.post_parts(alert(), *(_blob(_MIB - 1, f"part-{n}") for n in range(4)))


@check
def too_much_closes_the_connection(desk: Desk) -> None:
    """§4: a request beyond the limits is answered with `Connection: close`."""
    response = desk.hub.post_d(bytes(4 * _MIB + 1))
    problem(response, "too-large")
    equal("Connection", "close", response.headers.get("connection"))


@header_too_large
def a_statement_too_long_for_a_header(desk: Desk) -> httpx2.Response:
    """§4 form A: `Alert-Statement` has at most 7,000 bytes."""
    part = text_part("text")
    described = alert(parts=[part.described()], ext={"https://x.example/pad": "x" * 5000})
    return desk.hub.post_a(desk.sign(desk.claims(described)), b64(part.salt), part.data, part.type)


@header_too_large
def headers_too_large(desk: Desk) -> httpx2.Response:
    """§4: all headers together have at most 32 KiB."""
    pads = {f"X_Pad_{n}": "x" * 4000 for n in range(9)}
    return desk.hub.post_b(desk.sign(desk.claims(alert())), **pads)


def _typed(desk: Desk, media_type: str) -> httpx2.Response:
    return desk.hub.http.post(
        "/v1/alerts", content=desk.sign(desk.claims(alert())), headers={"Content-Type": media_type}
    )


@unsupported
def plain_text(desk: Desk) -> httpx2.Response:
    """§4: a type that is none of the forms'."""
    return _typed(desk, "text/plain")


@unsupported
def plain_json(desk: Desk) -> httpx2.Response:
    """§4: an envelope has a type of its own."""
    return _typed(desk, "application/json")


@unsupported
def no_type(desk: Desk) -> httpx2.Response:
    """§4: the type tells the form."""
    return desk.hub.http.post("/v1/alerts", content=desk.sign(desk.claims(alert())))


@unsupported
def a_content_encoding_by_form_a(desk: Desk) -> httpx2.Response:
    """§4: a `Content-Encoding` is 415."""
    part = text_part("text")
    statement = desk.sign(desk.claims(alert(parts=[part.described()])))
    body = gzip.compress(part.data)
    return desk.hub.post_a(statement, b64(part.salt), body, part.type, Content_Encoding="gzip")


@unsupported
def a_content_encoding_by_form_b(desk: Desk) -> httpx2.Response:
    """§4: a `Content-Encoding` is 415."""
    body = gzip.compress(desk.sign(desk.claims(alert())).encode())
    return desk.hub.post_b(body, Content_Encoding="gzip")


@unsupported
def a_content_encoding_by_form_d(desk: Desk) -> httpx2.Response:
    """§4: a `Content-Encoding` is 415."""
    body = gzip.compress(as_json(envelope(desk.sign(desk.claims(alert(), DYKE)))))
    return desk.hub.post_d(body, Content_Encoding="gzip")


@check
def a_media_type_is_not_case_sensitive(desk: Desk) -> None:
    """RFC 9110 §8.3.1: types are compared without regard to case."""
    for media_type, body in ((STATEMENT, b""), (ENVELOPE, b"{")):
        response = desk.hub.http.post("/v1/alerts", content=body, headers={"Content-Type": media_type.upper()})
        problem(response, "malformed")
