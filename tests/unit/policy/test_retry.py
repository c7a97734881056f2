"""What follows an attempt: delivered, tried again when, paused, or dead (protocol §10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.policy.retry import (
    ASKED_MOST_S,
    JITTER,
    WAITS_S,
    Dead,
    Done,
    PauseSubscription,
    RetryAt,
    Tried,
    next_step,
)

NOW = 1_795_309_200.0
FAILED = st.sampled_from([None, 100, 199, 300, 301, 302, 307, 308, 400, 401, 403, 404, 408, 413, 422, 500, 502, 504])
JITTERS = st.floats(0, 1, exclude_max=True)
TIMES = (5, 30, 2 * 60, 10 * 60, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)


def test_the_schedule() -> None:
    """After about 5 s, 30 s, 2 min, 10 min, 1 h, 3 h, 6 h, 12 h, 24 h, and then dead."""
    assert [next_step(before, Tried(500), NOW, 0.0) for before in range(9)] == [RetryAt(NOW + wait) for wait in TIMES]
    assert next_step(9, Tried(500), NOW, 0.0) == Dead(10)


@given(status=st.integers(200, 299), before=st.integers(0, 20), jitter=JITTERS)
def test_delivered(status: int, before: int, jitter: float) -> None:
    """2xx is delivered, at whichever attempt."""
    assert next_step(before, Tried(status), NOW, jitter) == Done()


@given(status=FAILED, before=st.integers(0, len(WAITS_S) - 1), jitter=JITTERS)
def test_tried_again(status: int | None, before: int, jitter: float) -> None:
    """3xx, 4xx, 5xx and no answer are tried again, never before the wait, and at most a fifth later."""
    step = next_step(before, Tried(status), NOW, jitter)
    assert isinstance(step, RetryAt)
    assert NOW + WAITS_S[before] <= step.at <= NOW + WAITS_S[before] * (1 + JITTER)


@given(status=FAILED | st.sampled_from([429, 503]), before=st.integers(len(WAITS_S), 100), jitter=JITTERS)
def test_dead(status: int | None, before: int, jitter: float) -> None:
    """After the last wait it is dead, whatever was asked for, and says after how many attempts."""
    assert next_step(before, Tried(status, retry_after=1.0), NOW, jitter) == Dead(before + 1)


@given(before=st.integers(0, 100), jitter=JITTERS)
def test_gone(before: int, jitter: float) -> None:
    """410 pauses the subscription, at whichever attempt; nothing is lost by it."""
    assert next_step(before, Tried(410, retry_after=9.0), NOW, jitter) == PauseSubscription(NOW)


@given(
    status=st.sampled_from([429, 503]),
    before=st.integers(0, len(WAITS_S) - 1),
    asked=st.floats(0, 10**7),
    jitter=JITTERS,
)
def test_retry_after_is_obeyed(status: int, before: int, asked: float, jitter: float) -> None:
    """429 and 503 wait the longer of the schedule and what they ask for, and little more; a day is the most."""
    step = next_step(before, Tried(status, asked), NOW, jitter)
    assert isinstance(step, RetryAt)
    least = max(WAITS_S[before], min(asked, ASKED_MOST_S))
    assert NOW + least <= step.at <= NOW + least * (1 + JITTER)


@given(asked=st.lists(st.none() | st.floats(-10, 10**7), min_size=9, max_size=9), jitter=JITTERS)
def test_a_receiver_under_maintenance(asked: list[float | None], jitter: float) -> None:
    """However short the times that a busy receiver asks for, it is not dead sooner than one that asks for none."""
    at = NOW
    for before, each in enumerate(asked):
        step = next_step(before, Tried(503, each), at, jitter)
        assert isinstance(step, RetryAt)
        at = step.at
    assert at - NOW >= sum(WAITS_S)


@given(status=FAILED, before=st.integers(0, len(WAITS_S) - 1), jitter=JITTERS)
def test_retry_after_of_others_is_not(status: int | None, before: int, jitter: float) -> None:
    """What another answer asks for does not count."""
    assert next_step(before, Tried(status, 1.0), NOW, jitter) == next_step(before, Tried(status), NOW, jitter)


@pytest.mark.parametrize("asked", [-1.0, -1e300])
def test_a_time_that_has_passed(asked: float) -> None:
    """A `Retry-After` that lies behind asks for nothing."""
    assert next_step(0, Tried(503, asked), NOW, 0.5) == next_step(0, Tried(503), NOW, 0.5)


def test_busy_without_a_time() -> None:
    """429 and 503 that ask for nothing follow the schedule."""
    assert next_step(0, Tried(429), NOW, 0.0) == RetryAt(NOW + 5)
