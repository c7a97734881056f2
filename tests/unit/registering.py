"""Three registrars of the small network (`making.py`), and versions of the directory that they sign."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from broker.trust.folder import snapshot_of
from broker.trust.keys import PrivateKey
from broker.trust.published import Published, open_published, propose, put_together, sign_apart
from tests.unit import making
from tests.unit.making import DYKE, HUB, NOW, PARENT, POLICE, PROVINCE

ONE, TWO, THREE, NEXT = (making.key(agency, "registrar") for agency in (PARENT, PROVINCE, POLICE, DYKE))
HELD = {PARENT: ONE, PROVINCE: TWO, POLICE: THREE, DYKE: NEXT}
EXPIRES = "2027-06-01T00:00:00Z"


def agencies(**changes: Any) -> dict[str, Any]:
    """Entries in which each of the four lists its registrar's key; `changes` to the records by agency."""
    return {
        agency: {
            "keys": [
                making.key_entry(making.key(agency)),
                making.key_entry(making.key(agency, "auth"), "auth"),
                making.key_entry(key, "registrar", **changes.get(agency, {})),
            ]
        }
        for agency, key in HELD.items()
    }


def document(
    version: int, registrars: Sequence[PrivateKey] = (ONE, TWO, THREE), threshold: int = 2, **changes: Any
) -> dict[str, Any]:
    """A version that those may follow up, two of three."""
    stated = {"threshold": threshold, "keys": [key.kid for key in registrars]}
    members = {"version": version, "expires": EXPIRES, "registrars": stated, "agencies": agencies()}
    return making.document(**{**members, **changes})


def proposal(
    whole: dict[str, Any], previous: Published | str | None, lead: PrivateKey = ONE, now: datetime = NOW
) -> str:
    """What is to be signed, first by `lead`."""
    digest = previous.digest if isinstance(previous, Published) else previous
    iss = next((agency for agency, key in HELD.items() if key.kid == lead.kid), HUB)
    return propose(snapshot_of(whole).document, digest, {"alg": lead.alg, "kid": lead.kid}, iss, now)


def signed(
    whole: dict[str, Any],
    previous: Published | str | None,
    by: Sequence[PrivateKey] = (ONE, TWO),
    now: datetime | None = None,
) -> Published:
    """A version that these sign, the first of them as the lead, a minute later than the one before unless told."""
    moment = now or (NOW + timedelta(minutes=whole["version"]))
    text = proposal(whole, previous, by[0], moment)
    return open_published(put_together(text, [sign_apart(key, text) for key in by]))


def chain(last: int, **changes: Any) -> list[Published]:
    """Versions 1 to `last`, each on the one before."""
    made: list[Published] = []
    for version in range(1, last + 1):
        made.append(signed(document(version, **changes), made[-1] if made else None))
    return made


def changed(published: Published, **members: Any) -> Published:
    """The file with other members."""
    return open_published(json.dumps({**json.loads(published.text), **members}))
