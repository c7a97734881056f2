"""Sealed and withheld parts (protocol §2, §9 rule 12, §5)."""

import json

import httpx2

from independent.alerts import Part, alert, text_part
from independent.checking import answered, check, equal, holds, refused
from independent.desk import AHA, DYKE, HEALTH, POLICE, THAI_POLICE, Desk
from independent.jose import Json, public, thumbprint, unb64
from independent.reading import read
from independent.sealing import kids, opened, seal

_INSIDE = "Tên và hộ chiếu của ba nạn nhân được giải cứu".encode()
_TYPE = "text/plain"


def _keys(desk: Desk, asker: str, agency: str) -> list[Json]:
    answer = desk.caller(asker).get("/v1/directory/keys", agency=agency, use="seal")
    return list(answered(answer, 200)["keys"])


def _sealed(data: bytes, id_: str = "list") -> Part:
    return Part(id_, _TYPE, data)


@check
def keys_to_seal_with_are_told_to_partners(desk: Desk) -> None:
    """ADR 9: an agency's keys of use seal, to who has terms with it; to others as of one that does not exist."""
    [record] = _keys(desk, DYKE, HEALTH)
    equal("kid", thumbprint(desk.key(HEALTH, "seal").jwk), record["kid"])
    equal("its own thumbprint", thumbprint(record["jwk"]), record["kid"])
    equal("use, alg and agency", ("seal", "ECDH-ES+A256KW", HEALTH), (record["use"], record["alg"], record["agency"]))
    equal(
        "of one without terms, and of nobody", ([], []), (_keys(desk, POLICE, HEALTH), _keys(desk, DYKE, "xx.nobody"))
    )


@check
def a_sealed_part_goes_unread_to_whom_it_is_for(desk: Desk) -> None:
    """§2: sealed for two on two curves, each opens it; the bytes are those that were posted, kids and all."""
    recipients = [_keys(desk, DYKE, agency)[0]["jwk"] for agency in (HEALTH, THAI_POLICE)]
    for with_each in (False, True):
        jwe = seal(_INSIDE, *recipients, alg_with_each=with_each)
        main, sealed = text_part("for all"), _sealed(jwe)
        parts = [main.described(), sealed.described(sealed=True)]
        posted = desk.accepted(alert("@asean.disaster", parts=parts), main, sealed)
        for agency in (HEALTH, THAI_POLICE):
            answer = desk.caller(agency).get(f"/v1/alerts/{posted.id}", purpose="prevention")
            answered(answer, 200)
            reading = read(desk.hub, answer.text)
            equal("the sealed bytes", jwe, reading.parts["list"])
            equal("what is inside", _INSIDE, opened(reading.parts["list"], desk.key(agency, "seal").jwk))
            equal("whom it is for", 2, len(kids(jwe)))


@check
def others_get_it_and_cannot_open_it(desk: Desk) -> None:
    """§2: release decides who gets a sealed part; the seal decides who reads it."""
    jwe = seal(_INSIDE, public(desk.key(HEALTH, "seal").jwk))
    sealed = _sealed(jwe)
    posted = desk.accepted(alert("@asean.disaster", parts=[sealed.described(sealed=True)]), sealed)
    answer = desk.caller(AHA).get(f"/v1/alerts/{posted.id}", purpose="prevention")
    answered(answer, 200)
    equal("the sealed bytes", jwe, read(desk.hub, answer.text).parts["list"])
    holds("the content", _INSIDE not in answer.content, "not in the answer", answer.text)


@check
def a_sealed_part_goes_one_row_higher(desk: Desk) -> None:
    """§9 rule 12: by an unbound token green, and what is sealed up to amber, not up to amber+strict."""
    jwe = seal(_INSIDE, public(desk.key(HEALTH, "seal").jwk))
    main, amber, strict = text_part("for all"), _sealed(jwe, "amber"), _sealed(jwe, "strict")
    parts = [
        main.described(),
        amber.described(sealed=True, handling={"tlp": "amber"}),
        strict.described(sealed=True, handling={"tlp": "amber+strict"}),
    ]
    posted = desk.accepted(alert(HEALTH, parts=parts), main, amber, strict)
    for bound, expected in ((False, {"main", "amber"}), (True, {"main", "amber", "strict"})):
        answer = desk.caller(HEALTH, bound=bound).get(f"/v1/alerts/{posted.id}", purpose="prevention")
        answered(answer, 200)
        equal(f"parts, bound: {bound}", expected, read(desk.hub, answer.text).parts.keys())


@check
def a_withheld_part_leaves_its_digest_alone(desk: Desk) -> None:
    """§2, §5: neither salt nor bytes of a withheld part come; the statement that lists its digest still verifies."""
    main, photo = text_part("text"), text_part("Ảnh hiện trường, số 7219834", "photo")
    parts = [main.described(), photo.described(handling={"caveats": ["H1"]})]
    posted = desk.accepted(alert(HEALTH, POLICE, parts=parts), main, photo)
    for agency, expected in ((HEALTH, {"main"}), (POLICE, {"main", "photo"})):
        answer = desk.caller(agency).get(f"/v1/alerts/{posted.id}", purpose="prevention")
        answered(answer, 200)
        reading = read(desk.hub, answer.text)
        equal("parts that came", expected, json.loads(answer.text)["parts"].keys())
        equal("parts that are listed", ["main", "photo"], [part["id"] for part in reading.event["parts"]])
        if agency == HEALTH:
            carried = photo.carried()
            holds("salt", carried["salt"] not in answer.text, "not in the envelope", answer.text)
            holds("bytes", carried["data"] not in answer.text, "not in the envelope", answer.text)
            holds("its salt", len(unb64(carried["salt"])) == 32, "32 bytes", carried["salt"])


@refused("invalid-part")
def plain_content_marked_as_sealed(desk: Desk) -> httpx2.Response:
    """ADR 9: a mistake does not pass as sealed."""
    part = _sealed(b"plain")
    return desk.post_parts(alert(HEALTH, parts=[part.described(sealed=True)]), part)


@refused("invalid-part")
def sealed_by_a_weaker_algorithm(desk: Desk) -> httpx2.Response:
    """ADR 9: one algorithm, and no other."""
    part = _sealed(seal(_INSIDE, public(desk.key(HEALTH, "seal").jwk), enc="A128GCM"))
    return desk.post_parts(alert(HEALTH, parts=[part.described(sealed=True)]), part)


@refused("invalid-part")
def with_a_member_beside_the_ciphertext(desk: Desk) -> httpx2.Response:
    """ADR 9: exactly the members of the general serialization that it names."""
    jwe = json.loads(seal(_INSIDE, public(desk.key(HEALTH, "seal").jwk)))
    part = _sealed(json.dumps(jwe | {"unprotected": {"zip": "DEF"}}).encode())
    return desk.post_parts(alert(HEALTH, parts=[part.described(sealed=True)]), part)
