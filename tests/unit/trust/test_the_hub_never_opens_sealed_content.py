"""A safeguard: what is sealed is for whom it was sealed."""

import subprocess
import sys

SERVES = """
import sys
import broker.wiring, broker.cli.serve, broker.cli.serving, broker.api.app, adapters.registry
held = [name for name in sys.modules if name.split(".")[0] == "joserfc" or name.startswith("broker.client")]
print(*held)
"""


def test_a_hub_holds_no_code_that_opens() -> None:
    """A process with everything that a hub runs has neither the library that opens nor our use of it."""
    done = subprocess.run([sys.executable, "-c", SERVES], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
