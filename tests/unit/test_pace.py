"""Buckets by name: what comes at once, what comes in the long run, and who pays."""

import pytest

from broker.errors import Refused
from broker.pace import BURST_S, MOST, Pace, of_address


class Timer:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(pace: Pace, who: str, tries: int) -> int:
    """How many of these get through."""
    through = 0
    for _ in range(tries):
        if not pace.wait(who):
            pace.spend(who)
            through += 1
    return through


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    """A full bucket holds twenty seconds' worth; each second brings its rate, and never more than full."""
    timer = Timer()
    pace = Pace(5, timer)
    assert taken(pace, "a", 1_000) == 5 * BURST_S
    timer.now += 2
    assert taken(pace, "a", 1_000) == 10
    timer.now += 1_000_000
    assert taken(pace, "a", 1_000) == 5 * BURST_S


def test_one_name_costs_no_other() -> None:
    """Each has a bucket of its own."""
    pace = Pace(1, Timer())
    taken(pace, "a", 1_000)
    assert taken(pace, "b", 1_000) == BURST_S


def test_who_has_nothing_left_is_told_when() -> None:
    """The refusal is `busy`, of the client's making, with whole seconds after which one is there."""
    timer = Timer()
    pace = Pace(0.25, timer)
    taken(pace, "a", 1_000)
    with pytest.raises(Refused) as refused:
        pace.check("a")
    assert (refused.value.code, refused.value.too_many, refused.value.retry_after) == ("busy", True, 4)
    timer.now += 4
    pace.check("a")


def test_nothing_is_no_limit() -> None:
    """A rate of 0 refuses nobody and remembers nobody."""
    pace = Pace(0)
    assert taken(pace, "a", 1_000) == 1_000
    assert not pace._left


def test_what_is_spent_beyond_nothing_is_not_owed() -> None:
    """Refusals that were under way when the bucket ran dry do not lengthen the wait."""
    pace = Pace(1, Timer())
    for _ in range(1_000):
        pace.spend("a")
    assert pace.wait("a") == 1


def test_many_names_cost_so_much_and_no_more() -> None:
    """However many addresses there are, so many buckets are kept; the longest unasked is forgotten first."""
    pace = Pace(1, Timer())
    for n in range(MOST + 10):
        pace.spend(str(n))
    assert len(pace._left) == MOST
    assert "0" not in pace._left
    assert str(MOST + 9) in pace._left


def test_an_ipv6_address_is_its_network() -> None:
    """One subscriber has a network of 64 bits, and so one bucket; an IPv4 address is itself."""
    assert of_address("2001:db8::1") == of_address("2001:db8::ffff:1") == "2001:db8::/64"
    assert of_address("2001:db8:0:1::1") != of_address("2001:db8::1")
    assert of_address("192.0.2.1") == "192.0.2.1"
    assert (of_address(None), of_address("socket")) == ("", "socket")
