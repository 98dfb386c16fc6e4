"""An organization on one Prometheus: hundreds of services, each of several pods and some forty metrics, one of them ill.

The ill service is late in the alphabet, and so is the one metric of its own that says so; what is noticed is the
latency of a service that calls it. A healthy service starts anew while the trouble lasts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from real_prometheus import Floats, Prometheus

PODS: Final = 4
INTERVAL: Final = 15
GAUGES: Final = (
    "app_info", "build_age_hours", "cache_entries", "config_version", "container_memory_working_set_bytes",
    "db_pool_connections_in_use", "disk_free_bytes", "feature_flags", "go_gc_duration_mean", "go_goroutines",
    "go_memstats_heap_inuse_bytes", "go_memstats_stack_inuse_bytes", "go_threads", "http_requests_in_flight",
    "kafka_consumer_lag", "leader", "process_max_fds", "process_open_fds", "process_resident_memory_bytes",
    "process_start_time_seconds", "rollout_generation", "sessions_active", "up", "worker_queue_waiting",
)  # fmt: skip
COUNTERS: Final = (
    "cache_hits_total", "container_cpu_cfs_throttled_periods_total", "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total", "db_queries_total", "disk_written_bytes_total", "go_gc_cycles_total",
    "log_lines_total", "process_cpu_seconds_total",
)  # fmt: skip
ROUTES: Final = ("/", "/item", "/order")
BUCKETS: Final = ("0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "+Inf")


@dataclass
class System:
    """`size` services; the trouble begins at `fault` (unix seconds), and all is seen from `start` to `end`."""

    size: int
    start: float
    fault: float
    end: float
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    series: int = 0

    @property
    def ill(self) -> str:
        """Where the fault is."""
        return _name(self.size - 3)

    @property
    def noticed(self) -> str:
        """Where its symptom is noticed: a service that calls the ill one."""
        return _name(self.size // 3)

    @property
    def restarted(self) -> str:
        """Healthy, but started anew while the trouble lasts."""
        return _name(1)

    def calls(self) -> list[tuple[str, str]]:
        """Each service calls three that come later, and the noticed one the ill one."""
        found = {
            (caller, (caller * 2 + step) % self.size)
            for caller in range(self.size // 2)
            for step in (1, 2, 7)
        }
        pairs = {(_name(caller), _name(callee)) for caller, callee in found if caller != callee}
        pairs = {pair for pair in pairs if pair[1] != self.ill}
        return sorted(pairs | {(self.noticed, self.ill)})

    def write(self, server: Prometheus) -> None:
        """Store it all."""
        for number in range(self.size):
            times = np.arange(self.start + number % INTERVAL, self.end, INTERVAL)
            rows = list(self._service(_name(number), times))
            server.write_rows([labels for labels, _ in rows], times, np.array([row for _, row in rows]))
            self.series += len(rows)
        times = np.arange(self.start, self.end, INTERVAL)
        name = "traces_service_graph_request_total"
        edges = [{"__name__": name, "client": caller, "server": callee} for caller, callee in self.calls()]
        server.write_rows(edges, times, np.tile((times - self.start) * 5, (len(edges), 1)))
        self.series += len(edges)

    def _service(self, name: str, times: Floats) -> Iterator[tuple[Mapping[str, str], Floats]]:
        ailing = times >= self.fault
        slow = {self.ill: 6.0, self.noticed: 3.0}.get(name, 1.0)
        for pod in range(PODS):
            own = {"service": name, "pod": f"{name}-{pod}", "instance": f"10.0.{pod}.1:8080"}
            for metric in GAUGES:
                level = np.full(len(times), float(10 + 7 * len(metric) + pod))
                if name == self.ill and metric == "worker_queue_waiting":
                    level = np.where(ailing, level * 15, level)
                yield {"__name__": metric, **own}, self._noisy(level)
            for metric in COUNTERS:
                yield {"__name__": metric, **own}, self._counted(name, np.full(len(times), 3.0 + pod), times)
            for status, rate in (("200", 20.0), ("404", 0.5), ("500", 0.05)):
                yield (
                    {"__name__": "http_requests_total", "status": status, **own},
                    self._counted(name, np.full(len(times), rate), times),
                )
            for route in ROUTES:
                rates = np.full(len(times), 7.0)
                seconds = np.where(ailing, 0.05 * slow, 0.05) * rates
                labels = {"route": route, **own}
                yield from self._histogram("http_request_duration_seconds", labels, rates, seconds, times)
            waited = np.where(ailing & (name == self.noticed), 0.2, 0.03) * 5
            rates = np.full(len(times), 5.0)
            yield from self._histogram("http_client_request_duration_seconds", own, rates, waited, times)
            for bound in BUCKETS:
                labels = {"__name__": "http_request_duration_seconds_bucket", "le": bound, **own}
                yield labels, self._counted(name, np.full(len(times), 7.0), times)

    def _histogram(
        self, metric: str, labels: Mapping[str, str], rates: Floats, seconds: Floats, times: Floats
    ) -> Iterator[tuple[Mapping[str, str], Floats]]:
        name = labels["service"]
        yield {"__name__": f"{metric}_count", **labels}, self._counted(name, rates, times)
        yield {"__name__": f"{metric}_sum", **labels}, self._counted(name, seconds, times)

    def _noisy(self, level: Floats) -> Floats:
        return level * self.rng.lognormal(0.0, 0.03, len(level))

    def _counted(self, name: str, rates: Floats, times: Floats) -> Floats:
        """A counter that has run for long; that of a process which starts anew begins at nothing."""
        counted = 1e5 * rates[0] + np.cumsum(self._noisy(rates) * INTERVAL)
        if name == self.restarted:
            after = times >= self.fault + 60
            counted[after] -= counted[after][0]
        return counted


def _name(number: int) -> str:
    return f"service-{number:04d}"
