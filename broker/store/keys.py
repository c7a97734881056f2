"""Every key in Redis, and what it holds.

A key is `iab1:{tag}:name`. All keys of one script share the tag in braces, so they live in one slot of a cluster:

=====================  =============================================================================================
`{schema}`             `:schema` hash: version and number of partitions, written once
`{partition-<n>}`      `:log` stream, one entry an alert (field `a`: its id), never trimmed; `:cursor` routed up to;
                       `:lease` of the partition; `:ping` a string, overwritten;
                       for each alert of its issuers `:alert:<id>` the record (JSON) and
                       `:fate:<id>`, `:given:<id>`, `:decided:<id>`, `:ends:<id>`, `:acks:<id>`,
                       `:released:<id>` its dossier (hashes)
                       `:exchanged:<issuer>:<agency>:<month>` hash: alert (and ` part`, where not whole) → first given,
                       of the alerts accepted in that month
                       `:parked` hash: alert → JSON, of what could not be routed; `:deadlines` zset of alerts by the
                       time at which somebody looks whether they were answered
`{<lease>}`            `:lease` hash: holder, token (only grows, never deleted), until (ms, the server's clock)
`{<group>}`            `:members` zset of processes by the time until which each is there (ms, the server's clock)
`{<subscription>}`     `:taken` hash: partition → last log position queued; `:queue`, `:urgent` streams, one entry
                       an owed alert (`a`), or the rest of one (`g`: JSON, the parts given already); `:breaker` hash:
                       failures of the endpoint in a row, until when it is let be; `:added` hash: alert → place, of
                       what came by `add`; `:head` hash: position, digest; `:sent` stream, one entry `<position>-0` a
                       delivery; `:open` zset of unsettled positions by position; `:due` zset of the same by time of
                       the next try; `:tries` hash: position → attempts; `:again`, `:replaced` sets of positions;
                       `:dead` hash: position → last attempt; `:attempts` stream, capped; once removed, for a day,
                       `:gone` alone
`{courier}`            `:ready` zset of subscriptions in the order signalled; `:later` zset by time of the next try;
                       `:claims` hash: subscription → token and worker; `:lapse` zset of the claimed by end of claim
                       (ms, the server's clock); `:signals` hash: signals since claimed; `:count` tokens and order;
                       `:alone` set of those that no signal makes ready before their time; `:gone` zset of those
                       that were removed by the time until which that is remembered (s, the server's clock)
`{subscriptions}`      `:held` hash: id → JSON; `:revision` counter; `:of:<agency>` set of the ids of its own;
                       `:history:<agency>` stream, one entry a change (field `c`: JSON), capped
`{tokens}`             `:tokens` hash: hash of the token → JSON
`{once-<digest>}`      `:once` a value that must not come again, until it expires
`{directories}`        `:documents` hash: digest → document; `:highest` hash: version, digest (signed ones)
`{ledger}`             `:entries` stream; `:said` set of digests of what they say
=====================  =============================================================================================

Each tag may have a `:mark` besides, for a second, where writes wait for replicas (`copies.py`).

**Upgrades.** The number in the prefix is the version of this page. A release that only adds keys, or fields that the
release before ignores, keeps it. Any other change takes the next number and brings a migration that runs with all
hubs stopped: it reads the old prefix, writes the new one, and writes `:schema` last, so that it can be run again. A
broker opens its own version alone. The number of partitions is part of the data (an issuer's partition is its
CRC-32 modulo that number): it changes by a migration too.
"""

from dataclasses import dataclass
from typing import Final
from zlib import crc32

VERSION: Final = 1
PREFIX: Final = f"iab{VERSION}"

SCHEMA: Final = f"{PREFIX}:{{schema}}:schema"
HELD: Final = f"{PREFIX}:{{subscriptions}}:held"
REVISION: Final = f"{PREFIX}:{{subscriptions}}:revision"
TOKENS: Final = f"{PREFIX}:{{tokens}}:tokens"
DOCUMENTS: Final = f"{PREFIX}:{{directories}}:documents"
HIGHEST: Final = f"{PREFIX}:{{directories}}:highest"
LEDGER: Final = f"{PREFIX}:{{ledger}}:entries"
SAID: Final = f"{PREFIX}:{{ledger}}:said"

APPENDED: Final = f"{PREFIX}:appended"
"""Channel: a partition got something (its number)."""
WOKEN: Final = f"{PREFIX}:woken"
"""Channel: a subscription was signalled (its id)."""


def of_agency(agency: str) -> str:
    """The ids of its subscriptions, beside `HELD`."""
    return f"{PREFIX}:{{subscriptions}}:of:{agency}"


def history(agency: str) -> str:
    """What was done to its subscriptions and tokens, beside `HELD`."""
    return f"{PREFIX}:{{subscriptions}}:history:{agency}"


def partition_of(alert: str, partitions: int) -> int:
    """The partition of an alert is its issuer's, for ever: so an issuer's alerts keep their order."""
    return crc32(alert.partition("/")[0].encode()) % partitions


def lease(name: str) -> str:
    """A partition's lease is named `partition-<n>`, which is also the partition's tag: one script sees both."""
    return f"{PREFIX}:{{{name}}}:lease"


def members(group: str) -> str:
    """Who of a group said that they are there."""
    return f"{PREFIX}:{{{group}}}:members"


def once(digest: str) -> str:
    """By the digest of the value, whose length its sender chooses."""
    return f"{PREFIX}:{{once-{digest}}}:once"


@dataclass(frozen=True, slots=True)
class Partition:
    """The keys of one partition of the log."""

    number: int

    @property
    def log(self) -> str:
        return self._key("log")

    @property
    def cursor(self) -> str:
        return self._key("cursor")

    @property
    def lease(self) -> str:
        return self._key("lease")

    @property
    def ping(self) -> str:
        return self._key("ping")

    @property
    def parked(self) -> str:
        return self._key("parked")

    @property
    def deadlines(self) -> str:
        return self._key("deadlines")

    def alert(self, alert: str) -> str:
        return self._key(f"alert:{alert}")

    def dossier(self, alert: str) -> tuple[str, ...]:
        """In the order of `DOSSIER`."""
        return tuple(self._key(f"{name}:{alert}") for name in DOSSIER)

    def exchanged(self, issuer: str, agency: str, month: str) -> str:
        """What was given by one to another, of the alerts of a month (`2026-11`)."""
        return self._key(f"exchanged:{issuer}:{agency}:{month}")

    def _key(self, name: str) -> str:
        return f"{PREFIX}:{{partition-{self.number}}}:{name}"


DOSSIER: Final = ("fate", "given", "decided", "ends", "acks", "released")


def outbox(subscription: str, *names: str) -> tuple[str, ...]:
    """Keys of one subscription's outbox; `OUTBOX` are all of them."""
    return tuple(f"{PREFIX}:{{{subscription}}}:{name}" for name in names)


OUTBOX: Final = (
    "taken", "queue", "urgent", "breaker", "added", "head", "sent", "open", "due", "tries", "again", "replaced", "dead",
    "attempts",
)  # fmt: skip


GONE: Final = "gone"
"""Beside an outbox's keys: it was removed, and whatever still comes for it leaves nothing behind."""
GONE_S: Final = 86_400
"""How long that is remembered: far longer than a send or a routed batch takes, which may still speak of it."""


def courier(*names: str) -> tuple[str, ...]:
    """Keys of the claims on push subscriptions; `COURIER` are all of them."""
    return tuple(f"{PREFIX}:{{courier}}:{name}" for name in names)


COURIER: Final = ("ready", "later", "claims", "lapse", "signals", "count", "alone", "gone")
