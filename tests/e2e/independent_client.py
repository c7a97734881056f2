"""A stranger's client, from the wire contract and the RFCs alone, that checks whether a hub keeps its promises.

    python independent_client.py --hub URL --keys keys.json [--ca FILE] [--webhook-origin http://127.0.0.1:PORT]

It needs `cryptography` and `httpx2`, and imports nothing of the broker. The directory must have the agencies,
communities and agreements that `world.py` writes; keys.json has the agencies' private JWKs:
`{"agencies": {"vn.mae.dyke": {"statement": {…}, "auth": {…}}, …}}`, and optionally `expired`, `revoked`, `ml-dsa`.
"""

import argparse
import json
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from independent import (  # noqa: F401  # each registers its checks when it is imported
    check_discovery,
    check_kinds,
    check_posting,
    check_reads,
    check_sealed,
    check_sets,
    check_streams,
    check_subscriptions,
    check_tokens,
    check_webhooks,
    refused_framing,
    refused_limits,
    refused_parts,
    refused_policy,
    refused_schema,
    refused_trust,
)
from independent.checking import CHECKS, Check, Failed, Skipped
from independent.desk import Desk
from independent.hub import Hub
from independent.receiver import Receiver


def main() -> int:
    """Runs every check; 1 when one failed."""
    wanted = _arguments()
    checks = [check for check in CHECKS if wanted.only in check.name]
    slow, brief = ([check for check in checks if check.slow is kind] for kind in (True, False))
    with _desk(wanted) as desk, ThreadPoolExecutor() as beside:
        outcomes = beside.map(partial(_run, desk), slow)
        results = [_told(check, outcome) for check, outcome in zip(slow, outcomes, strict=True)]
        results += [_told(check, _run(desk, check)) for check in brief]
    failed = results.count(False)
    print(f"{len(results) - failed - results.count(None)} passed, {failed} failed")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hub", required=True, help="the hub's address: https://hub.example")
    parser.add_argument("--keys", required=True, type=Path, help="the agencies' private keys")
    parser.add_argument("--ca", type=Path, help="certificates to trust, PEM")
    parser.add_argument("--webhook-origin", help="where to listen: an origin that the directory lists")
    parser.add_argument("--webhook-agency", default="vn.moh", help="for whom it lists it")
    parser.add_argument("--only", default="", help="run the checks whose name contains this")
    return parser.parse_args()


@contextmanager
def _desk(wanted: argparse.Namespace) -> Iterator[Desk]:
    keys = json.loads(wanted.keys.read_text())["agencies"]
    with ExitStack() as stack:
        receiver = None
        if wanted.webhook_origin:
            receiver = stack.enter_context(Receiver(wanted.webhook_origin).listening())
        hub = Hub(wanted.hub, wanted.ca)
        stack.enter_context(hub.http)
        yield Desk(hub, keys, receiver, wanted.webhook_agency)


def _run(desk: Desk, check: Check) -> str | Skipped | None:
    """None when the check holds, else why it doesn't, or that it was skipped."""
    try:
        check.run(desk)
    except Skipped as skipped:
        return skipped
    except Failed as failed:
        return str(failed)
    except Exception as error:  # whatever a hub's answer broke here is this check's failure
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"raised at {Path(place.filename).name}:{place.lineno}, expected no error, got {error!r}"
    return None


def _told(check: Check, result: str | Skipped | None) -> bool | None:
    """Prints the check's line; True when it passed, None when it was skipped."""
    if isinstance(result, Skipped):
        print(f"skip {check.name}: {result}", flush=True)
        return None
    print(f"FAIL {check.name}: {result}" if result else f"ok {check.name}", flush=True)
    return result is None


if __name__ == "__main__":
    sys.exit(main())
