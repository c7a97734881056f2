"""What the rules refuse: outside-mandate, terms, neutrality, no-legal-basis (protocol §2.1, §3)."""

import httpx2

from independent.alerts import addressed, alert, direct, handling, later, new_id, personal, update
from independent.checking import refused
from independent.desk import AHA, DYKE, HEALTH, LAO_POLICE, POLICE, Desk
from independent.jose import Json

outside_mandate = refused("outside-mandate")
terms = refused("terms")


@outside_mandate
def an_agency_without_mandates(desk: Desk) -> httpx2.Response:
    """§1: empty means no."""
    return desk.post(alert(), LAO_POLICE)


@outside_mandate
def another_domain(desk: Desk) -> httpx2.Response:
    """§1: a mandate is about domains."""
    return desk.post(alert(domain="maritime.piracy"))


@outside_mandate
def on_behalf_without_a_delegation(desk: Desk) -> httpx2.Response:
    """§2: a delegation in the directory must allow it."""
    return desk.post(alert(POLICE, on_behalf_of=HEALTH))


@outside_mandate
def an_update_of_an_unknown_alert(desk: Desk) -> httpx2.Response:
    """§2.1: a reference to an unknown alert."""
    return desk.post(update(new_id(DYKE)))


@outside_mandate
def an_update_by_another(desk: Desk) -> httpx2.Response:
    """§2.1: by the issuer of each referenced alert, or a mandate `override` for it."""
    return desk.post(update(desk.accepted(alert(HEALTH)).id, POLICE), HEALTH)


@outside_mandate
def a_cancel_by_another(desk: Desk) -> httpx2.Response:
    """§2.1: as update."""
    return desk.post(direct("cancel", desk.accepted(alert(HEALTH)).id), HEALTH)


@outside_mandate
def an_ack_of_an_unknown_alert(desk: Desk) -> httpx2.Response:
    """§2.1: unknown and not to be known are refused alike."""
    return desk.post(direct("ack", new_id(DYKE), outcome="read"), HEALTH)


@outside_mandate
def an_ack_by_one_who_was_not_given_it(desk: Desk) -> httpx2.Response:
    """§2.1: who may acknowledge is who was given it."""
    return desk.post(direct("ack", desk.accepted(alert(HEALTH)).id, outcome="read"), AHA)


@outside_mandate
def a_recall_by_another(desk: Desk) -> httpx2.Response:
    """§2.1: by its issuer."""
    return desk.post(direct("recall", desk.accepted(alert(HEALTH)).id), POLICE)


# §3: the terms


@terms
def red_to_a_community(desk: Desk) -> httpx2.Response:
    """§3: `red` with a community."""
    return desk.post(alert("@asean.disaster", handling=handling("red")))


@terms
def red_to_descendants(desk: Desk) -> httpx2.Response:
    """§3: `red` with `a.*`."""
    return desk.post(alert("vn.*", handling=handling("red")))


@terms
def red_with_release_to(desk: Desk) -> httpx2.Response:
    """§3: `red` with `release_to`."""
    return desk.post(_to(addressed(HEALTH, release_to=(POLICE,)), handling("red")))


@terms
def amber_strict_with_release_to(desk: Desk) -> httpx2.Response:
    """§3: `amber+strict` with `release_to`."""
    return desk.post(_to(addressed(HEALTH, release_to=(POLICE,)), handling("amber+strict")))


@terms
def clear_with_not_to(desk: Desk) -> httpx2.Response:
    """§3: `clear` with `not_to`."""
    return desk.post(_to(addressed(HEALTH, not_to=(POLICE,)), handling("clear")))


@terms
def the_public_in_not_to(desk: Desk) -> httpx2.Response:
    """§3: `@public` in `not_to`."""
    return desk.post(_to(addressed(HEALTH, not_to=("@public",)), handling()))


@terms
def free_onward_above_green(desk: Desk) -> httpx2.Response:
    """§3: `onward: free` above green."""
    return desk.post(alert(handling=handling("amber", onward="free")))


@terms
def the_public_above_clear(desk: Desk) -> httpx2.Response:
    """§3: `@public` unless clear."""
    return desk.post(alert("@public", handling=handling("green", purpose=["public-warning"])))


@terms
def the_public_in_release_to_above_clear(desk: Desk) -> httpx2.Response:
    """§3: `@public` unless clear, wherever it is addressed."""
    return desk.post(_to(addressed(HEALTH, release_to=("@public",)), handling()))


@terms
def the_public_with_personal_data(desk: Desk) -> httpx2.Response:
    """§3: `@public` unless without personal data."""
    return desk.post(alert("@public", handling=personal(tlp="clear", purpose=["public-warning"])))


@terms
def the_public_in_an_exercise(desk: Desk) -> httpx2.Response:
    """§3: `@public` unless actual."""
    return desk.post(alert("@public", status="exercise", handling=handling("clear", purpose=["public-warning"])))


@terms
def a_request_with_personal_data_to_a_community(desk: Desk) -> httpx2.Response:
    """§3, §2.1: a `request` with personal data to more than exact ids."""
    request = {"kind": "request", "product": None, "wants": ["record-check"], "respond_by": later(3600)}
    return desk.post(alert("@vn.fincrime", domain="crime", handling=personal(), **request), POLICE)


@terms
def a_cancel_to_more_than_before(desk: Desk) -> httpx2.Response:
    """§2.1: what a cancel states may only narrow: `to` is a subset."""
    first = desk.accepted(alert(HEALTH))
    return desk.post(direct("cancel", first.id, addressing=addressed(HEALTH, POLICE)))


@terms
def a_cancel_at_a_lower_tlp(desk: Desk) -> httpx2.Response:
    """§2.1: what a cancel states may only narrow: TLP not lower."""
    first = desk.accepted(alert(HEALTH, handling=handling("amber")))
    return desk.post(direct("cancel", first.id, handling=handling("green")))


def _to(addressing: Json, terms_: Json) -> Json:
    return alert(addressing=addressing, handling=terms_)


# §3: what personal data asks for


@refused("neutrality")
def personal_data_without_a_declaration(desk: Desk) -> httpx2.Response:
    """§3: a missing declaration."""
    return desk.post(alert(handling=personal(person=None)))


@refused("no-legal-basis")
def personal_data_without_a_basis(desk: Desk) -> httpx2.Response:
    """§3: a missing basis."""
    return desk.post(alert(handling=personal(legal_basis=None)))


@refused("no-legal-basis")
def personal_data_without_an_erasure_date(desk: Desk) -> httpx2.Response:
    """§3: a missing date."""
    return desk.post(alert(handling=personal(erase_after=None)))
