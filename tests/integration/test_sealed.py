"""Sealed parts over HTTP: by the form that has no envelope, and to whom keys are told."""

import os

from broker.client import open_sealed, seal
from broker.trust import jws, sealing_keys
from tests.integration.agencies import DYKE, HEALTH, LAO_POLICE, Json, Part, World, alert, claims
from tests.integration.asking import form_a, sign_in
from tests.integration.processes import Hub, serving, until
from tests.unit.trust.sealed import record

INSIDE = "Hồ sơ ba nạn nhân".encode()


def test_form_a_has_the_type_of_what_is_inside(hub: Hub, world: World) -> None:
    """The body is the JWE, `Content-Type` and the statement's type are those of the content; it is opened as posted."""
    key = sealing_keys.generate()
    jwe = seal(INSIDE, [record(key, valid_from="2026-01-01T00:00:00Z")])
    part = Part(jwe, "text/plain", "main", os.urandom(32))
    said = claims(alert(HEALTH, parts=[part.described(sealed=True)]))
    answer = form_a(world.signed(said), part).send(hub)
    assert answer.status_code == 202, answer.text
    read = sign_in(hub, world, HEALTH).call("GET", f"/v1/alerts/{said['jti']}?purpose=prevention").json()
    assert open_sealed(jws.decode(read["parts"]["main"]["data"]), [key]) == INSIDE


def test_keys_that_may_not_be_sealed_for_are_not_told(own_world: World) -> None:
    """A revoked key, any to who has no terms with the agency or asks without a token, and none of another use."""
    with serving(own_world) as hub:
        dyke = sign_in(hub, own_world, DYKE)
        path = f"/v1/directory/keys?agency={HEALTH}&use=seal"
        assert [key["use"] for key in dyke.call("GET", path).json()["keys"]] == ["seal"]
        assert hub.http.get(path).json()["code"] == "unauthenticated"
        assert sign_in(hub, own_world, LAO_POLICE).call("GET", path).json() == {"keys": []}
        for other in (path.replace("seal", "statement"), path.replace("&use=seal", "")):
            assert dyke.call("GET", other).json()["code"] == "invalid-request"

        def revoke(document: Json) -> None:
            for agency in document["agencies"]:
                for key in agency["keys"]:
                    if agency["id"] == HEALTH and key["use"] == "seal":
                        key["revoked"] = {"at": "2026-11-01T00:00:00Z"}

        own_world.edit(revoke)
        until(lambda: dyke.call("GET", path).json()["keys"] == [])
