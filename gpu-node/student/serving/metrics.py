"""What the node counts about itself, beside vLLM's own metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from student.serving.node import Node

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Prometheus metrics of one node, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made = {"registry": self.registry, "namespace": "fitsense_student"}
        self.requests = Counter("requests", "Requests by version and status", ["version", "status"], **made)
        self.first_byte = Histogram(
            "first_byte_seconds", "Until the answer's first byte", ["version"], buckets=SECONDS, **made
        )
        self.in_flight = Gauge("in_flight", "Answers under way by version", ["version"], **made)
        self.serving = Gauge("serving", "1 for what the alias stands for", ["version", "channel"], **made)
        self.traffic = Gauge("challenger_traffic", "The challenger's share in percent", **made)
        self.ready = Gauge("engine_ready", "1 for an engine that serves", ["key"], **made)
        self.restarts = Gauge("engine_restarts", "Starts after a death", ["key"], **made)
        self.flips = Gauge("alias_flips", "Changes of what the alias stands for", **made)

    def exposition(self, node: Node) -> bytes:
        """The text format, with the node's present state."""
        for gauge in (self.in_flight, self.serving, self.ready, self.restarts):
            gauge.clear()
        for serving in node.servings.values():
            self.in_flight.labels(serving.version).set(serving.in_flight)
        for channel in ("champion", "challenger"):
            if version := getattr(node.routes, channel):
                self.serving.labels(version, channel).set(1)
        for host in node.hosts:
            self.ready.labels(host.key).set(host.state == "ready")
            self.restarts.labels(host.key).set(host.restarts)
        self.traffic.set(node.routes.traffic)
        self.flips.set(node.flips)
        return bytes(generate_latest(self.registry))
