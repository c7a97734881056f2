"""The parts of a hub that a process can run."""

from enum import StrEnum


class Role(StrEnum):
    """What of a hub runs in this process."""

    ALL = "all"
    INGRESS = "ingress"
    ROUTER = "router"
    COURIER = "courier"
