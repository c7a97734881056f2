"""What a command prints and how it ends: 0 done, 1 refused or failed, 2 used wrongly, 130 interrupted."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

FAILED = 1
USED_WRONGLY = 2
INTERRUPTED = 130


_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control characters, breaks of lines, and what turns the direction of writing."""


def plain(text: str) -> str:
    """What somebody else wrote, for a terminal: it stays on its line, and is shown where it would be obeyed."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def show_json(value: Any) -> None:
    """One JSON document on standard output, on one line."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def say(text: str) -> None:
    """To people, beside what the command prints."""
    print(text, file=sys.stderr, flush=True)


def used_wrongly(text: str) -> typer.Exit:
    """Says what is wrong with how the command was called."""
    say(f"usage: {text}")
    return typer.Exit(USED_WRONGLY)


MENDS = {
    "unreachable": "Is the hub running, and --hub (BROKER_HUB) its URL? What was signed can be posted again.",
    "untrusted": "Sign with the key of use statement that the directory lists for the agency, while it is valid.",
    "invalid_client": "Give --auth-key: the agency's key of use auth that the directory lists, while it is valid.",
    "unauthenticated": "Give --auth-key: the agency's key of use auth that the directory lists, while it is valid.",
    "stale": "Sign it anew, and post it within five minutes; let this machine keep time by NTP.",
    "wrong-audience": "Sign for the hub's own network: leave --network out, and the hub is asked.",
    "not-verified": "Use nothing of it, and tell the hub's operator.",
}
"""What to do about a code, where the hub's own sentence does not say it."""


def failed(
    code: str, detail: str, *, as_json: bool, errors: tuple[tuple[str, str], ...] = (), **more: Any
) -> typer.Exit:
    """Says why it failed: the code, the sentence, for each field what was expected there, and what to do.

    For programs it is one JSON document in place of the one that the command would have printed.
    """
    mend = MENDS.get(code)
    if as_json:
        told = {"code": code, "detail": detail, "errors": [{"path": at, "expected": what} for at, what in errors]}
        show_json(told | ({"mend": mend} if mend else {}) | more)
    else:
        say(plain(f"{code}: {detail}") + (f" {mend}" if mend else ""))
        for at, what in errors:
            say(plain(f"  {at or '/'}: expected {what}"))
        if more.get("instance"):
            say(f"  to quote: {more['instance']}")
    return typer.Exit(FAILED)


@contextmanager
def telling(*, as_json: bool) -> Iterator[None]:
    """Turns what the hub refused, what cannot be trusted and what is broken into words and an exit code."""
    from broker.client import NotVerified, ProblemError
    from broker.errors import Broken
    from broker.ports.failures import Unavailable

    try:
        yield
    except ProblemError as why:
        errors = tuple((fault.path, fault.expected) for fault in why.errors)
        more = {name: value for name, value in (("status", why.status), ("instance", why.instance)) if value}
        raise failed(why.code, why.detail, as_json=as_json, errors=errors, **more) from None
    except NotVerified as why:
        raise failed("not-verified", f"What arrived cannot be trusted: {why}.", as_json=as_json) from None
    except (Broken, Unavailable) as why:
        raise failed("broken", " ".join(str(why).split()), as_json=as_json) from None
    except BrokenPipeError:
        # whoever read along has left; nothing more can be written, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except OSError as why:  # after those of its kinds that mean something else
        named = f"{why.filename}: " if why.filename else ""
        raise failed("system", f"{named}{why.strerror or why}.", as_json=as_json) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def without_none(value: Mapping[str, Any]) -> dict[str, Any]:
    """The members that say something."""
    return {name: each for name, each in value.items() if each is not None}
