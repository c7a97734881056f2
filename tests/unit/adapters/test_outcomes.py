"""Answers and failures, in a few words."""

import errno
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from adapters.base import Delivered, Refused
from adapters.outcomes import LONGEST_WAIT_S, Forbidden, answered, retry_after, unreachable

NOW = 1_795_309_200.0
SECRET = "s3cr3t"


@given(st.integers(100, 599))
def test_only_2xx_is_delivered(status: int) -> None:
    """A delivery is what was answered with 2xx, and nothing else."""
    assert isinstance(answered(status, {}, NOW, 1), Delivered if status // 100 == 2 else Refused)


@given(st.text() | st.none() | st.integers().map(str) | st.from_regex(r"\A\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ \S+\Z"))
def test_a_wait_is_bounded(text: str | None) -> None:
    """Whatever a receiver writes into Retry-After, the wait is none or between now and a day."""
    seconds = retry_after(text, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT_S


@given(st.integers(0, int(LONGEST_WAIT_S)))
def test_seconds_and_dates_agree(seconds: int) -> None:
    """A number and the date that lies as far ahead ask for the same."""
    assert retry_after(str(seconds), NOW) == retry_after(formatdate(NOW + seconds, usegmt=True), NOW) == seconds


def test_dates_in_the_past_and_far_ahead() -> None:
    """A date that has passed means now; one beyond a day means a day."""
    moment = datetime.fromtimestamp(NOW, UTC)
    assert retry_after(format_datetime(moment - timedelta(days=3), usegmt=True), NOW) == 0
    assert retry_after(format_datetime(moment + timedelta(days=9000), usegmt=True), NOW) == LONGEST_WAIT_S
    assert retry_after("9" * 5000, NOW) == LONGEST_WAIT_S


@pytest.mark.parametrize("text", ["", "-1", "1.5", "soon", "١٢", "0x10"])
def test_what_is_no_wait(text: str) -> None:
    """What is neither a number nor a date asks for nothing."""
    assert retry_after(text, NOW) is None


@pytest.mark.parametrize(
    ("error", "words", "fault"),
    [
        (Forbidden("10.0.0.1 may not be called"), "10.0.0.1 may not be called", "theirs"),
        (ConnectionRefusedError(errno.ECONNREFUSED, SECRET), "connection refused", "theirs"),
        (OSError(errno.EMFILE, SECRET), "too many open files", "ours"),
        (OSError(errno.ENETUNREACH, SECRET), "network is unreachable", "ours"),
        (TimeoutError(), "no answer in time", "theirs"),
        (aiohttp.ServerDisconnectedError(SECRET), "closed before an answer", "theirs"),
        (ConnectionResetError(errno.ECONNRESET, SECRET), "closed before an answer", "theirs"),
        (aiohttp.ClientPayloadError(SECRET), "the answer is not HTTP", "theirs"),
        (aiohttp.InvalidUrlClientError(URL(f"http://127.1/{SECRET}"), "why"), "the URL leads nowhere", "theirs"),
        (ssl.SSLError(1, SECRET), "TLS: handshake failed", "theirs"),
        (MemoryError(SECRET), "failed here: MemoryError", "ours"),
    ],
)
def test_failures_have_words_of_ours(error: Exception, words: str, fault: str) -> None:
    """Every failure is told by its cause and whose it is, and never in a library's words: they may repeat secrets."""
    outcome = unreachable(error, 7)
    assert (outcome.error, outcome.fault, outcome.duration_ms) == (words, fault, 7)


def test_the_innermost_cause_is_told() -> None:
    """What a library wrapped is found again."""
    outer = RuntimeError("outer")
    outer.__cause__ = ConnectionRefusedError(errno.ECONNREFUSED, "inner")
    assert unreachable(outer, 0).error == "connection refused"
