"""Two officers: what waits for the second, who that may be, and when one may go ahead alone (docs/adr/0008)."""

from datetime import timedelta
from typing import Any

import pytest

from broker.errors import Refused
from broker.label import Label
from broker.policy.mandate import Known
from broker.trust.directory import Snapshot
from schemas.statement import BREAK_GLASS
from tests.unit import making
from tests.unit.making import DYKE, EVENT, PARENT, PROVINCE, REVIEWER, key, known, label

AN, BINH = "an-07", "binh-11"
"""Two officers of the dyke agency."""
GLASS = {"ext": {BREAK_GLASS: {"reason": "Đê vỡ, không gọi được trực ban"}}}
GLASS_PATH = "/ext/" + BREAK_GLASS.replace("/", "~1")


def world(*, revoked: str = "", break_glass: bool = True, **profile: Any) -> Snapshot:
    """Floods are released by two officers, of whom the dyke agency lists two; another agency lists one."""
    agencies = making.officers(DYKE, AN, BINH, revoked=revoked) | making.officers(PARENT, "chi-02")
    profiles = {"disaster.flood": {"approval": True, "break_glass": break_glass, **profile}}
    return making.directory(agencies=agencies, profiles=profiles)


def waiting(by: str | None = AN, **changes: Any) -> Label:
    """The agency's warning, as it waits."""
    return label(kid=key(DYKE, by or "statement").kid, **{"awaits_approval": True, **changes})


def refusal(*args: Any, **kwargs: Any) -> tuple[str, list[str]]:
    """The code and the paths, without the event's own, of a refused post."""
    with pytest.raises(Refused) as refused:
        making.authorised(*args, **{"world": world(), **kwargs})
    return refused.value.code, [fault.path.removeprefix(EVENT) for fault in refused.value.faults]


def said(kind: str = "alert", officer: str | None = AN, **event: Any) -> Label:
    """The label of what was taken."""
    return making.authorised(kind, **{"world": world(), "officer": officer, **event}).label


class TestWhatWaits:
    """What the profile wants two officers for."""

    def test_alerts_and_updates(self) -> None:
        """What is actual waits, signed with an officer's key; an exercise, a cancel and a request do not."""
        assert said().awaits_approval
        assert said("update", knows=known(label())).awaits_approval
        assert not said(status="exercise").awaits_approval
        assert not said("cancel", knows=known(label())).awaits_approval
        assert not said("request").awaits_approval
        assert not making.authorised().label.awaits_approval
        without = making.directory(profiles={"disaster.flood": {"required": ["onset"]}})
        assert not making.authorised(world=without, onset="2026-11-22T08:00:00Z").label.awaits_approval

    def test_an_officer_signs(self) -> None:
        """What nobody's own key has signed is refused, not released by one; what need not wait is taken."""
        assert refusal() == ("terms", ["/domain"])
        assert said(officer=None, status="exercise")
        assert said("request", officer=None)


class TestBreakingTheGlass:
    """One officer alone, where nobody can wait."""

    def test_it_goes_at_once(self) -> None:
        """What is severe or extreme and immediate does not wait, and says why."""
        made = said(**GLASS)
        assert not made.awaits_approval
        assert made.break_glass == "Đê vỡ, không gọi được trực ban"
        assert said("update", knows=known(label()), **GLASS).break_glass

    def test_extreme_too(self) -> None:
        """Extreme cannot wait either."""
        agencies = making.officers(DYKE, AN, mandates=[making.mandate("disaster")])
        profiles = {"disaster.flood": {"approval": True, "break_glass": True}}
        own = making.directory(agencies=agencies, profiles=profiles)
        assert said(world=own, severity="extreme", **GLASS).break_glass

    @pytest.mark.parametrize("less", [{"severity": "moderate"}, {"urgency": "expected"}], ids=str)
    def test_what_can_wait_waits(self, less: dict[str, str]) -> None:
        """What is less than severe, or not immediate, is refused rather than released or left waiting."""
        assert refusal(officer=AN, **GLASS, **less) == ("terms", [GLASS_PATH])

    def test_only_where_the_profile_lets(self) -> None:
        """Without the profile's word, without a profile, and where nothing waits, nobody goes ahead of anybody."""
        assert refusal(officer=AN, world=world(break_glass=False), **GLASS) == ("terms", [GLASS_PATH])
        assert refusal(world=making.directory(), **GLASS) == ("terms", [GLASS_PATH])
        assert refusal(officer=AN, status="exercise", **GLASS) == ("terms", [GLASS_PATH])
        assert refusal(world=world(approval=False), **GLASS) == ("terms", [GLASS_PATH])

    def test_an_officer_signs(self) -> None:
        """A system's key breaks no glass."""
        assert refusal(**GLASS) == ("terms", ["/domain"])


class TestWhoApproves:
    """Another officer of the agency, for what waits."""

    def approve(self, what: dict[str, Known], officer: str | None = BINH, **event: Any) -> Any:
        return said("approve", officer, knows=what, **event)

    def refused(self, what: dict[str, Known], officer: str | None = BINH, **event: Any) -> tuple[str, list[str]]:
        return refusal("approve", **{"knows": what, "officer": officer, **event})

    def test_another_officer(self) -> None:
        """The second officer's approval is taken; it has no state of its own to wait in."""
        assert not self.approve(known(waiting())).awaits_approval

    def test_not_the_same_one(self) -> None:
        """Neither who signed it, nor a system's key, nor one who was no officer."""
        for officer in (AN, None):
            assert self.refused(known(waiting()), officer) == ("outside-mandate", ["/references/0"])
        assert self.refused(known(waiting(None))) == ("outside-mandate", ["/references/0"])
        assert self.refused(known(waiting("nobody"))) == ("outside-mandate", ["/references/0"])

    def test_a_revoked_key_signed_nothing_that_can_be_approved(self) -> None:
        """A key that was revoked meanwhile may have been somebody else's when it signed."""
        assert self.refused(known(waiting()), world=world(revoked=AN)) == ("outside-mandate", ["/references/0"])

    def test_not_another_agency(self) -> None:
        """Not an officer of the agency above, nor one who speaks for somebody else, and they are told of nothing."""
        theirs = self.refused(known(waiting()), "chi-02", iss=PARENT)
        assert theirs == self.refused({}, "chi-02", iss=PARENT, references=[waiting().id])
        for other in ({"issuer": PROVINCE}, {"iss": PARENT}):
            assert self.refused(known(waiting(**other))) == ("outside-mandate", ["/references/0"])

    def test_what_waits_alone(self) -> None:
        """Not what never waited, was approved, has ended or has expired: at that very second too."""
        assert self.refused(known(label(kid=key(DYKE, AN).kid))) == ("outside-mandate", ["/references/0"])
        for fate in ({"approved": True}, {"ended": True}):
            assert self.refused(known(waiting(), **fate)) == ("outside-mandate", ["/references/0"])
        soon = known(waiting(expires="2026-11-22T01:00:00Z"))
        assert self.refused(soon) == ("outside-mandate", ["/references/0"])
        assert self.approve(soon, at=making.NOW - timedelta(seconds=1))
        assert self.approve(known(waiting(expires=None)))

    def test_a_broken_glass_is_approved_afterwards(self) -> None:
        """Once, however late, and whatever became of the alert."""
        went = waiting(awaits_approval=False, break_glass="!", expires="2026-11-22T00:59:59Z")
        assert self.approve(known(went, ended=True))
        assert self.refused(known(went, approved=True)) == ("outside-mandate", ["/references/0"])
        assert self.refused(known(went), AN) == ("outside-mandate", ["/references/0"])

    def test_the_status_stays(self) -> None:
        """A drill's approval lets nothing go that is actual."""
        assert self.refused(known(waiting()), status="exercise") == ("outside-mandate", ["/status"])

    def test_the_mandate_still_holds(self) -> None:
        """What the agency may not say any more is not let go."""
        agencies = making.officers(DYKE, AN, BINH, mandates=[making.mandate("disaster.flood", severity="minor")])
        narrowed = making.directory(agencies=agencies)
        assert self.refused(known(waiting()), world=narrowed) == ("outside-mandate", ["/references/0"])


class TestWhoKnows:
    """What waits is there for nobody but its issuer."""

    @pytest.mark.parametrize(
        ("kind", "iss"),
        [("update", PARENT), ("cancel", PARENT), ("challenge", REVIEWER), ("recall", PROVINCE), ("approve", PROVINCE)],
    )
    def test_others_do_not(self, kind: str, iss: str) -> None:
        """Who could change, challenge or take back what was released is told the same as of what never was."""
        knows = known(waiting())
        assert refusal(kind, iss=iss, knows=knows) == refusal(kind, iss=iss, knows={}, references=list(knows))
        if kind not in {"recall", "approve"}:
            assert making.authorised(kind, iss, knows=known(waiting(), approved=True))
            assert making.authorised(kind, iss, knows=known(label()))

    def test_its_issuer_does(self) -> None:
        """It may cancel, recall and update it."""
        for kind in ("cancel", "recall", "update"):
            assert said(kind, knows=known(waiting()))

    def test_it_is_cancelled_alone(self) -> None:
        """A cancel goes to whoever may have it, so it does not name what waits beside what was released."""
        released, other = label(making.id_of(DYKE, 5)), waiting()
        assert refusal("cancel", knows=known(released, other)) == ("outside-mandate", ["/references/1"])
        assert said("cancel", knows=known(other, label(making.id_of(DYKE, 5), awaits_approval=True)))
        assert said("cancel", knows=known(released, label(making.id_of(DYKE, 6))))
        assert said("update", knows=known(released, other))
