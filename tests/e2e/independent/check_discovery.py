"""What a stranger learns before it begins (protocol §6, RFC 8414)."""

import base64
import hashlib
import re

from independent.checking import answered, check, equal, holds, problem
from independent.desk import Desk
from independent.jose import public, thumbprint, unb64

_LIMITS = {
    "statement": 16384,
    "statement_header": 7000,
    "part": 1048576,
    "envelope": 4194304,
    "lines": 1000,
    "batch": 8388608,
    "headers": 32768,
}


@check
def discovery_names_hub_and_network(desk: Desk) -> None:
    """§6: hub, network, issuer, versions, algorithms, the directory's version and digest."""
    about = desk.hub.about
    for member in ("hub", "network", "issuer", "token_endpoint"):
        holds(member, isinstance(about.get(member), str) and bool(about[member]), "a text", about.get(member))
    holds("versions", 1 in about["versions"], "1 among them", about["versions"])
    equal("algorithms", {"Ed25519", "ES256", "ML-DSA-65"}, set(about["algorithms"]))
    holds("directory.version", isinstance(about["directory"]["version"], int), "an integer", about["directory"])
    digest = about["directory"]["digest"]
    holds("directory.digest", bool(re.fullmatch(r"sha256:[0-9a-f]{64}", digest)), "sha256:…", digest)


@check
def discovery_states_its_limits(desk: Desk) -> None:
    """§6, §4: the limits by default."""
    equal("limits", _LIMITS, {name: desk.hub.about["limits"].get(name) for name in _LIMITS})


@check
def hub_keys_are_what_they_are_called(desk: Desk) -> None:
    """§6, §2: key records with thumbprints for names, public members alone, one use each."""
    records = desk.hub.about["keys"]
    uses = {record["use"] for record in records}
    holds("uses of the hub's keys", {"statement", "receipt", "webhook"} <= uses, "statement, receipt, webhook", uses)
    for record in records:
        equal("kid", thumbprint(record["jwk"]), record["kid"])
        equal("agency", desk.hub.id, record["agency"])
        equal("members of the jwk", public(record["jwk"]), record["jwk"])
        equal("the record by itself", record, desk.hub.key(record["kid"]))


@check
def agencies_keys_are_in_the_directory(desk: Desk) -> None:
    """§6: `GET /v1/directory/keys/{kid}` has every key that signs here."""
    for agency, keys in desk.keys.items():
        for use in ("statement", "auth"):
            record = desk.hub.key(desk.key(agency, use).kid)
            equal(f"{agency}'s {use} key", (agency, use), (record["agency"], record["use"]))
            equal("jwk", public(keys[use]), record["jwk"])
            members = {"kid", "jwk", "alg", "use", "agency", "valid_from", "valid_until", "revoked"}
            equal("members of a key record", members, set(record))


@check
def an_unknown_key_is_not_found(desk: Desk) -> None:
    """§6, §4: a thumbprint that the directory does not have."""
    problem(desk.hub.http.get(f"/v1/directory/keys/{'A' * 43}"), "not-found")


@check
def the_log_is_a_verifier_key(desk: Desk) -> None:
    """§6, C2SP signed notes: `<name>+<hash>+<key>`, Ed25519, its hash being that of name and key."""
    name, told, encoded = desk.hub.about["log"].split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    equal("algorithm byte and length of the key", (1, 33), (key[0], len(key)))
    equal("key hash", hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex(), told)
    logs = [unb64(record["jwk"]["x"]) for record in desk.hub.about["keys"] if record["use"] == "log"]
    holds("log key among the hub's keys", not logs or key[1:] in logs, logs, key[1:])


@check
def the_token_endpoint_describes_itself(desk: Desk) -> None:
    """§6, RFC 8414, RFC 9449 §5.1: the metadata."""
    about = answered(desk.hub.http.get("/.well-known/oauth-authorization-server"), 200)
    equal("issuer", desk.hub.issuer, about["issuer"])
    equal("token_endpoint", desk.hub.about["token_endpoint"], about["token_endpoint"])
    methods = about["token_endpoint_auth_methods_supported"]
    holds("authentication", "private_key_jwt" in methods, "private_key_jwt", methods)
    grants = about["grant_types_supported"]
    holds("grants", "client_credentials" in grants, "client_credentials", grants)
    algorithms = about["dpop_signing_alg_values_supported"]
    holds("DPoP algorithms", "ES256" in algorithms, "ES256 among them", algorithms)


@check
def it_is_alive_and_ready(desk: Desk) -> None:
    """§6: operations."""
    equal("/healthz", 200, desk.hub.http.get("/healthz").status_code)
    equal("/readyz", 200, desk.hub.http.get("/readyz").status_code)
