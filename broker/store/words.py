"""Commands as the store sends them: which key they are about, and whether they write."""

from collections.abc import Sequence
from typing import Final

Value = str | bytes | int | float

READING: Final = frozenset(
    {"GET", "HGET", "HGETALL", "HKEYS", "HMGET", "HVALS", "SMEMBERS", "XLEN", "XRANGE", "XREVRANGE", "ZCARD", "ZRANGE"}
    | {"HEXISTS", "PING", "INFO", "CONFIG", "TIME", "PUBLISH"}
)
"""Whatever else is sent counts as a write, scripts too. What is published is heard or not; nobody is promised it."""
SCRIPTS: Final = frozenset({"EVAL", "EVALSHA"})
KEYLESS: Final = frozenset({"PING", "INFO", "CONFIG", "TIME", "PUBLISH"})


def writes(words: Sequence[Value]) -> bool:
    """Whether it may change something that has to last."""
    return words[0] not in READING


def key_of(words: Sequence[Value]) -> str | None:
    """The (first) key that the command is about; None where any server can answer."""
    if words[0] in KEYLESS:
        return None
    return str(words[3] if words[0] in SCRIPTS else words[1])


def tag_of(key: str) -> str:
    """What stands in braces, by which a cluster places the key."""
    return key[key.index("{") + 1 : key.index("}")]
