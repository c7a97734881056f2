"""Who may say what: step 10, kind by kind of protocol §2.1, and mandates with their four sides."""

from collections.abc import Mapping
from typing import Any

import pytest

from broker.errors import Refused
from broker.policy.mandate import Known
from tests.unit import making
from tests.unit.making import DYKE, EVENT, HUB, PARENT, POLICE, PROVINCE, REVIEWER

THEIRS = making.label()
"""The dyke agency's warning."""


def refusal(*args: Any, **kwargs: Any) -> tuple[str, str]:
    """The code and the path, without the event's own, of a refused post."""
    with pytest.raises(Refused) as refused:
        making.authorised(*args, **kwargs)
    return refused.value.code, refused.value.faults[0].path.removeprefix(EVENT)


def test_within_the_mandate() -> None:
    """What lies within domain, areas, statuses and severity of a mandate may be said."""
    for allowed in (
        {},
        {"domain": "disaster.flood.river"},
        {"status": "exercise"},
        {"severity": "minor"},
        {"areas": [{"iso": "VN-13"}, {"iso": "VN-HN"}]},
    ):
        assert making.authorised(**allowed).label.issuer == DYKE


@pytest.mark.parametrize(
    "event",
    [
        {"domain": "disaster"},
        {"domain": "disaster.earthquake"},
        {"severity": "extreme"},
        {"severity": "unknown"},
        {"status": "test"},
        {"areas": [{"iso": "VN"}]},
        {"areas": [{"iso": "VN-13"}, {"iso": "VN-14"}]},
        {"areas": [{"circle": [20.9, 106.9, 25.0]}]},
        {"areas": ...},
    ],
    ids=str,
)
def test_outside_the_mandate(event: dict[str, Any]) -> None:
    """Another domain or area, a status or a severity beyond, and `unknown` that may be extreme, are refused."""
    assert refusal(**event) == ("outside-mandate", "/domain")
    assert refusal("request", **event) == ("outside-mandate", "/domain")


def test_no_mandate_is_no_right() -> None:
    """An agency without mandates may say nothing, and several mandates are not added up."""
    assert refusal(iss="vn.idle") == ("outside-mandate", "/domain")
    split = {"mandates": [making.mandate("disaster", severity="minor"), making.mandate("crime", severity="extreme")]}
    assert refusal(world=making.directory(agencies={DYKE: split})) == ("outside-mandate", "/domain")


def test_a_country_covers_its_subdivisions() -> None:
    """A mandate for a country covers `VN-13`; one for `VN-1` does not."""
    for area, covered in (("VN", True), ("VN-13", True), ("VN-1", False), ("TH", False)):
        world = making.directory(agencies={DYKE: {"mandates": [making.mandate("disaster", areas=[area])]}})
        if covered:
            assert making.authorised(world=world)
        else:
            assert refusal(world=world) == ("outside-mandate", "/domain")


@pytest.mark.parametrize(
    ("dates", "holds"),
    [
        ({"valid_from": "2026-11-22T01:00:00Z"}, True),
        ({"valid_from": "2026-11-22T01:00:01Z"}, False),
        ({"valid_until": "2026-11-22T01:00:01Z"}, True),
        ({"valid_until": "2026-11-22T01:00:00Z"}, False),
    ],
    ids=str,
)
def test_mandates_have_their_time(dates: dict[str, str], holds: bool) -> None:
    """A mandate holds from the moment it begins, and no longer at the moment it ends; so does a delegation."""
    world = making.directory(agencies={DYKE: {"mandates": [making.mandate("disaster", **dates)]}})
    lent = making.directory(delegations=[making.DELEGATIONS[0] | dates])
    if holds:
        assert making.authorised(world=world)
        assert making.authorised(world=lent, on_behalf_of=PROVINCE)
    else:
        assert refusal(world=world) == ("outside-mandate", "/domain")
        assert refusal(world=lent, on_behalf_of=PROVINCE) == ("outside-mandate", "/on_behalf_of")


def test_system_is_the_hubs_own() -> None:
    """Status `system` is refused for everybody but the hub, whatever the mandate says."""
    everywhere = [making.mandate("disaster", statuses=["actual", "exercise", "test", "system"])]
    world = making.directory(agencies={DYKE: {"mandates": everywhere}, HUB: {"mandates": everywhere}})
    assert refusal(world=world, status="system") == ("outside-mandate", "/status")
    assert making.authorised(iss=HUB, world=world, status="system")
    for kind in ("ack", "recall"):
        mine = making.known(making.label(status="system"), given=(DYKE,))
        assert refusal(kind, knows=mine, world=world, status="system") == ("outside-mandate", "/status")


class TestOnBehalfOf:
    """Protocol §1: the mandates of both must hold, and a delegation in the directory must allow it."""

    def test_both_mandates_and_a_delegation(self) -> None:
        """With a delegation for the domain and two mandates it is the province that speaks."""
        assert making.authorised(on_behalf_of=PROVINCE).label.issuer == PROVINCE
        assert making.authorised(on_behalf_of=PROVINCE).label.iss == DYKE

    def test_no_delegation(self) -> None:
        """Without one, with one the other way, for others or another domain, nobody speaks for another."""
        [lent] = making.DELEGATIONS
        for stated in (
            [],
            [lent | {"from": DYKE, "to": PROVINCE}],
            [lent | {"to": PARENT}],
            [lent | {"domains": ["disaster.storm"]}],
            [lent | {"domains": []}],
        ):
            world = making.directory(delegations=stated)
            assert refusal(world=world, on_behalf_of=PROVINCE) == ("outside-mandate", "/on_behalf_of")

    def test_nobody_speaks_for_an_agency_that_is_no_more(self) -> None:
        """A delegation does not outlive who gave it: not when it is inactive, nor outside its dates."""
        for state in ({"active": False}, {"valid_until": "2026-11-22T01:00:00Z"}):
            world = making.directory(agencies={PROVINCE: state})
            assert refusal(world=world, on_behalf_of=PROVINCE) == ("outside-mandate", "/on_behalf_of")

    def test_the_signers_mandate(self) -> None:
        """What the signer itself may not say it may not say for another either."""
        wide = {"mandates": [making.mandate("disaster")]}
        narrow = {"mandates": [making.mandate("disaster", severity="minor")]}
        world = making.directory(agencies={PROVINCE: wide, DYKE: narrow})
        assert refusal(world=world, on_behalf_of=PROVINCE) == ("outside-mandate", "/domain")

    def test_the_mandate_of_whom_it_is_said_for(self) -> None:
        """What the other may not say cannot be said in its name."""
        narrow = {"mandates": [making.mandate("disaster", severity="minor")]}
        world = making.directory(agencies={PROVINCE: narrow})
        assert refusal(world=world, on_behalf_of=PROVINCE) == ("outside-mandate", "/domain")

    @pytest.mark.parametrize("kind", ["cancel", "ack", "recall"])
    def test_the_signers_mandate_covers_what_it_is_about(self, kind: str) -> None:
        """A delegation lends the other's voice alone: who may not speak of an alert may not cancel it for another."""
        theirs = making.known(making.label(iss=PROVINCE, issuer=PROVINCE), given=(PROVINCE,))
        assert making.authorised(kind, knows=theirs, on_behalf_of=PROVINCE).label.issuer == PROVINCE
        for mandates in ([], [making.mandate("disaster", severity="minor")]):
            world = making.directory(agencies={DYKE: {"mandates": mandates}})
            told = refusal(kind, knows=theirs, world=world, on_behalf_of=PROVINCE)
            assert told == ("outside-mandate", "/references/0")

    @pytest.mark.parametrize(("kind", "right"), [("cancel", "override"), ("challenge", "review")])
    def test_special_mandates_of_both(self, kind: str, right: str) -> None:
        """To override or to review for another, the signer must hold that right itself."""
        lent = [{"from": REVIEWER, "to": PROVINCE, "domains": ["disaster"]}]
        holds, holds_not = [making.mandate("disaster", **{right: [DYKE]})], [making.mandate("disaster")]
        for signer, principal in ((holds, holds), (holds, holds_not), (holds_not, holds)):
            agencies = {PROVINCE: {"mandates": signer}, REVIEWER: {"mandates": principal}}
            world = making.directory(agencies=agencies, delegations=lent)
            post: dict[str, Any] = {"knows": making.known(THEIRS), "world": world, "on_behalf_of": REVIEWER}
            if signer is principal:
                assert making.authorised(kind, PROVINCE, **post).label.issuer == REVIEWER
            else:
                assert refusal(kind, PROVINCE, **post) == ("outside-mandate", "/references/0")

    def test_answers_need_a_delegation_too(self) -> None:
        """An answer in another's name needs a delegation for the domain of what it answers."""
        flood = making.known(THEIRS, given=(PROVINCE,))
        assert making.authorised("ack", knows=flood, on_behalf_of=PROVINCE).label.issuer == PROVINCE
        crime = making.known(making.label(domain="crime.fraud"), given=(PROVINCE,))
        assert refusal("ack", knows=crime, on_behalf_of=PROVINCE) == ("outside-mandate", "/references/0")


def test_a_delegation_is_for_its_domains() -> None:
    """In another's name an answer is about what that one delegates, whatever the signer's own mandate covers."""
    world = making.directory(agencies={DYKE: {"mandates": [making.mandate("disaster"), making.mandate("crime")]}})
    crime = making.known(making.label(domain="crime.fraud"), given=(PROVINCE,))
    assert refusal("ack", knows=crime, world=world, on_behalf_of=PROVINCE) == ("outside-mandate", "/references/0")
    flood = making.known(THEIRS, given=(PROVINCE,))
    assert making.authorised("ack", knows=flood, world=world, on_behalf_of=PROVINCE).label.issuer == PROVINCE


def test_without_a_delegation_nothing_is_told_of_references() -> None:
    """Who may not speak for another hears the same whether that one was given the alert, was not, or it is unknown."""
    bare = making.directory(delegations=[])
    said = {
        refusal("ack", knows=knows, world=bare, on_behalf_of=PROVINCE, references=[THEIRS.id])
        for knows in (making.known(THEIRS, given=(PROVINCE,)), making.known(THEIRS), {})
    }
    assert said == {("outside-mandate", "/on_behalf_of")}


def test_nobody_speaks_for_an_agency_that_is_not_there() -> None:
    """An answer in the name of an unknown agency is refused, though the signer was given what it answers."""
    given = making.known(THEIRS, given=(DYKE,))
    assert refusal("ack", knows=given, on_behalf_of="vn.nobody") == ("outside-mandate", "/on_behalf_of")


REQUEST = making.label(kind="request", wants=["information"])
RECALL = making.label(kind="recall")
"""The dyke agency's, too."""
ONWARD = {"wants": ["onward"], "onward_to": [POLICE]}
ASKED = making.label(
    making.id_of(PROVINCE, 8), kind="request", iss=PROVINCE, issuer=PROVINCE, wants=("onward",), onward_to=(POLICE,)
)
"""The province asks whether the police may have the dyke agency's warning."""

MAY: Mapping[str, tuple[str, str, Mapping[str, Known], dict[str, Any]]] = {
    "update by its issuer": ("update", DYKE, making.known(THEIRS), {}),
    "update by an override": ("update", PARENT, making.known(THEIRS), {}),
    "cancel by its issuer": ("cancel", DYKE, making.known(THEIRS), {}),
    "cancel by an override": ("cancel", PARENT, making.known(THEIRS), {}),
    "onward by who was given it": ("request", PROVINCE, making.known(THEIRS, given=(PROVINCE,)), ONWARD),
    "ack by who was given it": ("ack", PROVINCE, making.known(THEIRS, given=(PROVINCE,)), {}),
    "error by who was given it": ("error", PROVINCE, making.known(THEIRS, given=(PROVINCE,)), {}),
    "reply by who was given it": ("reply", PROVINCE, making.known(REQUEST, given=(PROVINCE,)), {}),
    "erased by who was given it": ("erased", PROVINCE, making.known(RECALL, given=(PROVINCE,)), {}),
    "ack of a request": ("ack", PROVINCE, making.known(REQUEST, given=(PROVINCE,)), {}),
    "error of a recall": ("error", PROVINCE, making.known(RECALL, given=(PROVINCE,)), {}),
    "consent by whom it was asked": ("consent", DYKE, making.known(ASKED, about=THEIRS), {}),
    "recall by its issuer": ("recall", DYKE, making.known(THEIRS), {}),
    "challenge by a reviewer": ("challenge", REVIEWER, making.known(THEIRS), {}),
}
MAY_NOT: Mapping[str, tuple[str, str, Mapping[str, Known], dict[str, Any]]] = {
    "update by another with a mandate": ("update", PROVINCE, making.known(THEIRS, given=(PROVINCE,)), {}),
    "cancel by another with a mandate": ("cancel", PROVINCE, making.known(THEIRS, given=(PROVINCE,)), {}),
    "cancel by an override for others": ("cancel", PARENT, making.known(making.label(issuer=PROVINCE)), {}),
    "cancel by an override for other domains": ("cancel", PARENT, making.known(making.label(domain="crime.fraud")), {}),
    "onward by who was not given it": ("request", PROVINCE, making.known(THEIRS, given=(POLICE,)), ONWARD),
    "ack by who was not given it": ("ack", PROVINCE, making.known(THEIRS, given=(POLICE,)), {}),
    "ack by its issuer": ("ack", DYKE, making.known(THEIRS, given=(PROVINCE,)), {}),
    "error by who was not given it": ("error", PROVINCE, making.known(THEIRS), {}),
    "reply by who was not given it": ("reply", PROVINCE, making.known(REQUEST), {}),
    "reply to what is no request": ("reply", PROVINCE, making.known(THEIRS, given=(PROVINCE,)), {}),
    "reply to a recall": ("reply", PROVINCE, making.known(RECALL, given=(PROVINCE,)), {}),
    "erased by who was not given it": ("erased", PROVINCE, making.known(RECALL), {}),
    "erased what was not recalled": ("erased", PROVINCE, making.known(THEIRS, given=(PROVINCE,)), {}),
    "erased a request": ("erased", PROVINCE, making.known(REQUEST, given=(PROVINCE,)), {}),
    "consent by another": ("consent", PARENT, making.known(ASKED, about=THEIRS), {}),
    "consent to what is no request": ("consent", DYKE, making.known(THEIRS, about=THEIRS), {}),
    "consent to a request about nothing known": ("consent", DYKE, making.known(ASKED), {}),
    "consent by who asked": ("consent", PROVINCE, making.known(ASKED, about=THEIRS), {}),
    "recall by who was given it": ("recall", PROVINCE, making.known(THEIRS, given=(PROVINCE,)), {}),
    "recall by an override": ("recall", PARENT, making.known(THEIRS), {}),
    "challenge without a mandate": ("challenge", PROVINCE, making.known(THEIRS, given=(PROVINCE,)), {}),
    "challenge from above in the line": ("challenge", PARENT, making.known(THEIRS), {}),
    "challenge by the issuer itself": ("challenge", REVIEWER, making.known(making.label(issuer=REVIEWER)), {}),
    "challenge from below in the line": (
        "challenge",
        "vn.inspect.desk",
        making.known(making.label(issuer=REVIEWER)),
        {},
    ),
    "challenge of others": ("challenge", REVIEWER, making.known(making.label(issuer=PROVINCE)), {}),
    "challenge of another domain": ("challenge", REVIEWER, making.known(making.label(domain="crime.fraud")), {}),
    "approve by anybody": ("approve", DYKE, making.known(THEIRS), {}),
}


@pytest.mark.parametrize("case", MAY)
def test_may(case: str) -> None:
    """Each kind is taken from whom protocol §2.1 names."""
    kind, iss, knows, event = MAY[case]
    assert making.authorised(kind, iss, knows=knows, **event).label.references == tuple(knows)


@pytest.mark.parametrize("case", MAY_NOT)
def test_may_not(case: str) -> None:
    """Each kind is refused from all others, pointing at the reference."""
    kind, iss, knows, event = MAY_NOT[case]
    assert refusal(kind, iss, knows=knows, **event) == ("outside-mandate", "/references/0")


@pytest.mark.parametrize("case", MAY_NOT)
def test_unknown_and_not_yours_look_alike(case: str) -> None:
    """A reference that does not exist, and one the poster may not know of, get the very same answer."""
    kind, iss, knows, event = MAY_NOT[case]
    answers = []
    for really_known in (knows, {}):
        with pytest.raises(Refused) as refused:
            making.authorised(kind, iss, knows=really_known, references=list(knows), **event)
        answers.append((refused.value.code, refused.value.detail, refused.value.faults))
    assert answers[0] == answers[1]


def test_every_reference_counts() -> None:
    """Of several references each must be the poster's; the first that is not is named."""
    ours, others = making.label(), making.label(making.id_of(PROVINCE, 8), issuer=PROVINCE)
    assert making.authorised("cancel", knows=making.known(ours, making.label(making.id_of(DYKE, 7))))
    assert refusal("cancel", knows=making.known(ours, others)) == ("outside-mandate", "/references/1")
    unknown = [ours.id, making.id_of(DYKE, 77)]
    assert refusal("cancel", knows=making.known(ours), references=unknown) == ("outside-mandate", "/references/1")


def test_status_stays() -> None:
    """An exercise does not update or cancel what is actual."""
    for kind in ("update", "cancel"):
        assert refusal(kind, knows=making.known(THEIRS), status="exercise") == ("outside-mandate", "/status")


def test_an_update_needs_a_mandate_itself() -> None:
    """Who issued an alert may not update it to what it may not say; a cancel needs no mandate."""
    assert refusal("update", knows=making.known(THEIRS), severity="extreme") == ("outside-mandate", "/domain")
    without = making.directory(agencies={DYKE: {"mandates": []}})
    assert making.authorised("cancel", knows=making.known(THEIRS), world=without)


def test_an_onward_request_needs_no_mandate() -> None:
    """Who was given an alert may ask its issuer, whatever it may speak about itself; other requests need a mandate."""
    given = making.known(THEIRS, given=("vn.idle",))
    assert making.authorised("request", "vn.idle", knows=given, **ONWARD)
    assert refusal("request", "vn.idle") == ("outside-mandate", "/domain")
