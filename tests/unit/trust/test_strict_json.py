"""JSON with one reading: what is refused, each with its words, and that all else comes back as it was."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Refused
from broker.trust.strict_json import DEEPEST, SAFE, NotStrict, read_json, read_object

REFUSED = {
    "a list": (b"[]", "object"),
    "text": (b'"x"', "object"),
    "nothing": (b"", "JSON"),
    "two values": (b"{}{}", "JSON"),
    "a comment": (b"{} // x", "JSON"),
    "a member twice": (b'{"a": 1, "a": 1}', "once"),
    "a member twice, deep": (b'{"a": [{"b": 1, "b": 2}]}', "once"),
    "a member twice, escaped": (b'{"a": 1, "\\u0061": 2}', "once"),
    "NaN": (b'{"a": NaN}', "NaN"),
    "Infinity": (b'{"a": -Infinity}', "infinit"),
    "beyond doubles": (b'{"a": 1e400}', "finite"),
    "beyond doubles, below zero": (b'{"a": -1e400}', "finite"),
    "2^53": (b'{"a": 9007199254740992}', "integers"),
    "-2^53": (b'{"a": -9007199254740992}', "integers"),
    "an endless integer": (b'{"a": ' + b"1" * 5000 + b"}", "integers"),
    "a byte-order mark": (b"\xef\xbb\xbf{}", "JSON"),
    "UTF-16": ("{}".encode("utf-16"), "UTF-8"),
    "overlong UTF-8": (b'{"a": "\xc0\xaf"}', "UTF-8"),
    "half a surrogate pair": (b'{"a": "\\ud83d"}', "surrogates"),
    "half a pair in a name": (b'{"\\udc00": 1}', "surrogates"),
    "too deep": (b'{"a":' * DEEPEST + b"{}" + b"}" * DEEPEST, "nested"),
    "far too deep": (b'{"a":' * 100_000, "nested"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    """What two readers could read differently is refused, with words that do not repeat it."""
    data, word = REFUSED[case]
    with pytest.raises(NotStrict, match=word):
        read_object(data)
    with pytest.raises(Refused) as refused:
        read_json(data, "malformed")
    assert refused.value.code == "malformed"


def test_the_limits_themselves() -> None:
    """The largest integers, the deepest nesting and paired surrogates are read."""
    deepest = b'{"a":' * (DEEPEST - 1) + b"{}" + b"}" * (DEEPEST - 1)
    assert read_object(deepest)
    assert read_object(b'{"a": [' + b"[" * (DEEPEST - 3) + b"1" + b"]" * (DEEPEST - 3) + b"]}")
    assert read_object(f'{{"a": [{SAFE}, {-SAFE}]}}'.encode()) == {"a": [SAFE, -SAFE]}
    assert read_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "😀"}
    assert read_object(b'{"a": 1e308, "A": 0.1}') == {"a": 1e308, "A": 0.1}


def test_at_most_so_many_commas() -> None:
    """What has more is refused before it is read, whatever it is; what has as many is read."""
    assert read_object(b'{"a": [1, 2], "b": ","}', most=3)
    for data in (b'{"a": [1, 2], "b": 3}', b",,"):
        with pytest.raises(NotStrict, match="commas"):
            read_object(data, most=1)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text(), VALUES, max_size=3), escaped=st.booleans())
def test_read_as_written(value: dict[str, Any], escaped: bool) -> None:
    """Whatever was written without ambiguity is read as it was, escaped or not."""
    assert read_object(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.binary(max_size=80))
def test_noise(data: bytes) -> None:
    """Any bytes are read as an object or refused as not strict, and never with another exception."""
    with contextlib.suppress(NotStrict):
        assert isinstance(read_object(data), dict)
