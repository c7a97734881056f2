"""The breaker of an endpoint: a value from its failures and the clock."""

from hypothesis import given
from hypothesis import strategies as st

from broker.policy.breaker import FIRST_PROBE_S, LONGEST_PROBE_S, TRIPS_AFTER, WELL, Breaker, after
from broker.policy.retry import Tried

SILENT = Tried(None)
FAILURES = [SILENT, Tried(500), Tried(502), Tried(503), Tried(429), Tried(408)]
ANSWERS = [Tried(200), Tried(204), Tried(301), Tried(400), Tried(404), Tried(410), Tried(422)]


def failed(times: int, now: float = 100.0) -> Breaker:
    """After so many failures in a row at one moment."""
    breaker = WELL
    for _ in range(times):
        breaker = after(breaker, SILENT, now, 0.5)
    return breaker


def test_trips_after_failures_in_a_row():
    """It trips with the fifth failure in a row, and not before."""
    assert not failed(TRIPS_AFTER - 1).open
    assert failed(TRIPS_AFTER).open


@given(st.sampled_from(ANSWERS), st.integers(0, 50))
def test_an_answer_closes_it(answer: Tried, failures: int):
    """Whatever an endpoint answers short of being broken or overloaded shows that it is there."""
    assert after(failed(failures), answer, 200.0, 0.5) == WELL


@given(st.sampled_from(FAILURES))
def test_what_counts_as_failing(tried: Tried):
    """Silence, a server's error, overload and a request that timed out count."""
    assert after(failed(TRIPS_AFTER - 1), tried, 100.0, 0.5).open


@given(st.integers(0, 50))
def test_our_fault_says_nothing(failures: int):
    """A fault of our own neither trips nor closes it."""
    before = failed(failures)
    assert after(before, Tried(None, ours=True), 500.0, 0.5) == before


@given(st.integers(TRIPS_AFTER, 10_000), st.floats(0, 1, exclude_max=True))
def test_probes_are_bounded(failures: int, jitter: float):
    """The time to the next probe grows with the failures, between half the first and the longest."""
    breaker = after(Breaker(failures - 1), SILENT, 0.0, jitter)
    assert FIRST_PROBE_S / 2 <= breaker.until <= LONGEST_PROBE_S
    assert after(breaker, SILENT, 0.0, jitter).until >= breaker.until


@given(st.integers(0, 20), st.integers(1, 64))
def test_a_well_endpoint_has_its_limit(in_flight: int, limit: int):
    """While it is well, as many go out as its owner allows."""
    assert failed(TRIPS_AFTER - 1).allows(0.0, in_flight, limit) == max(limit - in_flight, 0)


@given(st.integers(1, 64))
def test_one_probe_at_a_time(limit: int):
    """Open, nothing goes out before its time, then one, and none beside it."""
    breaker = failed(TRIPS_AFTER)
    assert breaker.allows(breaker.until - 0.001, 0, limit) == 0
    assert breaker.allows(breaker.until, 0, limit) == 1
    assert breaker.allows(breaker.until, 1, limit) == 0
