"""Counters and gauges for operators (Prometheus text); labels never name an alert or an agency."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """One process's figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.accepted = Counter("broker_accepted_total", "Alerts made durable", registry=self.registry)
        self.repeated = Counter("broker_repeated_total", "Posts of what was known already", registry=self.registry)
        self.refused = Counter("broker_refused_total", "Refusals by code", ["code"], registry=self.registry)
        self.connections = Gauge("broker_connections", "Connections that are open", registry=self.registry)
        self.half_open = Gauge(
            "broker_half_open_connections", "Of these, how many wait for the end of a header", registry=self.registry
        )
        self.cut = Counter(
            "broker_connections_cut_total", "Connections that the hub ended, and why", ["why"], registry=self.registry
        )
        self.accept_seconds = Histogram(
            "broker_accept_seconds", "From the last byte of a post to its answer", registry=self.registry
        )
        self.routed = Counter("broker_routed_total", "Alerts routed", registry=self.registry)
        self.queued = Counter(
            "broker_queued_total", "Alerts and notices put where they are owed", registry=self.registry
        )
        self.parked = Counter("broker_parked_total", "Alerts set aside undecided", registry=self.registry)
        self.attempts = Counter("broker_attempts_total", "Pushes by outcome", ["outcome"], registry=self.registry)
        self.breakers_opened = Counter(
            "broker_breakers_opened_total", "Endpoints let be for failing", registry=self.registry
        )
        self.breakers_closed = Counter(
            "broker_breakers_closed_total", "Of these, how many answered again", registry=self.registry
        )

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
