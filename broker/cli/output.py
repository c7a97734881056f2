"""What a command prints and how it ends: 0 done, 1 refused or failed, 2 used wrongly."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

FAILED = 1
USED_WRONGLY = 2


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


def failed(
    code: str, detail: str, *, as_json: bool, errors: tuple[tuple[str, str], ...] = (), **more: Any
) -> typer.Exit:
    """Says why it failed: the code, the sentence, and for each field what was expected there."""
    if as_json:
        told = {"code": code, "detail": detail, "errors": [{"path": at, "expected": what} for at, what in errors]}
        print(json.dumps(told | more, ensure_ascii=False), file=sys.stderr, flush=True)
    else:
        say(f"{code}: {detail}")
        for at, what in errors:
            say(f"  {at or '/'}: expected {what}")
        if more.get("instance"):
            say(f"  to quote: {more['instance']}")
    return typer.Exit(FAILED)


@contextmanager
def telling(*, as_json: bool) -> Iterator[None]:
    """Turns what the hub refused, what cannot be trusted and what is broken into words and an exit code."""
    from broker.client import NotVerified, ProblemError
    from broker.errors import Broken
    from broker.ports import Unavailable

    try:
        yield
    except ProblemError as why:
        errors = tuple((fault.path, fault.expected) for fault in why.errors)
        more = {name: value for name, value in (("status", why.status), ("instance", why.instance)) if value}
        raise failed(why.code, why.detail, as_json=as_json, errors=errors, **more) from None
    except NotVerified as why:
        raise failed("not-verified", f"What arrived cannot be trusted: {why}.", as_json=as_json) from None
    except (Broken, Unavailable) as why:
        raise failed("broken", str(why), as_json=as_json) from None
    except BrokenPipeError:
        # whoever read along has left; nothing more can be written, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def without_none(value: Mapping[str, Any]) -> dict[str, Any]:
    """The members that say something."""
    return {name: each for name, each in value.items() if each is not None}
