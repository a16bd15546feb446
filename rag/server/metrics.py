"""What the server counts, for Prometheus; no label takes values that a caller can make up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

Outcome = Literal["answered", "abstained", "failed", "stopped"]
METHODS = {"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"}
STAGES = {"search", "read", "write", "verify", "total"}
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The counters of one server, in a registry of their own."""

    media_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "rag_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "rag_request_seconds",
            "Seconds from a request to the end of its answer.",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._questions = Counter(
            "rag_questions",
            "Questions, by what became of them.",
            ["outcome"],
            registry=self.registry,
        )
        self._stages = Histogram(
            "rag_stage_seconds",
            "Seconds a stage of an answer took.",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )
        for outcome in ("answered", "abstained", "failed", "stopped"):
            self._questions.labels(outcome)

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Add a gauge whose value is looked up when it is asked for."""
        Gauge(name, meaning, registry=self.registry).set_function(value)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is the pattern of a path, never the path."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def question(self, outcome: Outcome, timings: Mapping[str, float]) -> None:
        """Count one question, with the seconds of its stages."""
        self._questions.labels(outcome).inc()
        for stage, seconds in timings.items():
            if stage in STAGES:
                self._stages.labels(stage).observe(seconds)

    def text(self) -> bytes:
        """Return everything as Prometheus reads it."""
        return generate_latest(self.registry)
