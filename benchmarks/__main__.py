"""`python -m benchmarks [name …]`: all instruments, or those named; rows go to `build/bench.json`."""

import sys

from benchmarks import backlog, dead_neighbours, fan_out, ingress
from benchmarks.report import write

ALL = {
    "ingress": ingress.measure,
    "ingress_batch": ingress.measure_batch,
    "fan_out": fan_out.measure,
    "dead_neighbours": dead_neighbours.measure,
    "one_backlog": backlog.one_backlog,
    "backlog_memory": backlog.backlog_memory,
}


def main() -> int:
    names = sys.argv[1:] or list(ALL)
    write([ALL[name]() for name in names])
    return 0


if __name__ == "__main__":
    sys.exit(main())
